-- Folders that cannot be used for now, and the renders that wait for them.
CREATE TABLE held_folders (
  path TEXT PRIMARY KEY,
  error TEXT NOT NULL,               -- why: {code, message, hint}
  since REAL NOT NULL,               -- Unix time, seconds
  tries INTEGER NOT NULL DEFAULT 1,  -- how often it was held in succession
  released_at REAL                   -- Unix time, seconds; NULL: it is held
) STRICT, WITHOUT ROWID;
ALTER TABLE jobs ADD COLUMN held_folder TEXT;  -- the folder that a queued render waits for
ALTER TABLE jobs ADD COLUMN real_folder TEXT;  -- where its photo's folder really was when it was requested
DROP INDEX jobs_queue;
CREATE INDEX jobs_queue ON jobs (position) WHERE state = 'queued' AND held_folder IS NULL;
