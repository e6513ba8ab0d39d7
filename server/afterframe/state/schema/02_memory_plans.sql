ALTER TABLE jobs ADD COLUMN plan INTEGER NOT NULL DEFAULT 0;  -- the generator's memory plan
ALTER TABLE jobs ADD COLUMN note TEXT NOT NULL DEFAULT '';    -- what happened on the way
