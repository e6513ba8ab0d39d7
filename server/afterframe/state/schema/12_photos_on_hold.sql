-- That a photo is on hold was the code of an error inside JSON.
ALTER TABLE photos ADD COLUMN on_hold INTEGER NOT NULL DEFAULT 0;  -- of a backlog that the user has not confirmed
UPDATE photos SET on_hold = 1, problem = NULL
  WHERE sha256 IS NULL AND json_extract(problem, '$.code') = 'waiting';
