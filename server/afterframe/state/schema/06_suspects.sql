ALTER TABLE jobs ADD COLUMN alone INTEGER NOT NULL DEFAULT 0;  -- beside no other job
