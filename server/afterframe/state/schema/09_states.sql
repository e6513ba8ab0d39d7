-- Which states a render can have is JobState's business: the CHECK that repeated them goes.
CREATE TABLE new_jobs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  photo_id INTEGER NOT NULL REFERENCES photos (id),
  photo_sha256 TEXT NOT NULL,
  recipe TEXT NOT NULL,
  recipe_hash TEXT NOT NULL,
  seed INTEGER NOT NULL,
  generator TEXT NOT NULL,
  origin TEXT NOT NULL CHECK (origin IN ('watch', 'request')),
  parent_clip TEXT,
  reserved_for TEXT,                  -- an owner; NULL: anyone may claim it
  state TEXT NOT NULL,                -- domain.JobState
  place REAL NOT NULL,                -- order in the queue, smallest first
  owner TEXT,                         -- who holds the lease
  lease_until REAL,
  strikes INTEGER NOT NULL DEFAULT 0,
  progress REAL NOT NULL DEFAULT 0,
  eta_s REAL,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  error TEXT,                         -- {code, message, hint}
  clip_id TEXT,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  plan INTEGER NOT NULL DEFAULT 0,    -- the generator's memory plan
  note TEXT NOT NULL DEFAULT '',      -- what happened on the way
  alone INTEGER NOT NULL DEFAULT 0    -- beside no other job
) STRICT;
INSERT INTO new_jobs (seq, id, photo_id, photo_sha256, recipe, recipe_hash, seed, generator, origin, parent_clip,
                      reserved_for, state, place, owner, lease_until, strikes, progress, eta_s, cancel_requested, error,
                      clip_id, created_at, updated_at, plan, note, alone)
  SELECT seq, id, photo_id, photo_sha256, recipe, recipe_hash, seed, generator, origin, parent_clip,
         reserved_for, state, place, owner, lease_until, strikes, progress, eta_s, cancel_requested, error,
         clip_id, created_at, updated_at, plan, note, alone
  FROM jobs;
DELETE FROM sqlite_sequence WHERE name = 'new_jobs';
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_jobs', seq FROM sqlite_sequence WHERE name = 'jobs';
DROP TABLE jobs;
ALTER TABLE new_jobs RENAME TO jobs;
CREATE INDEX jobs_queue ON jobs (place) WHERE state = 'queued';
CREATE INDEX jobs_active ON jobs (state) WHERE state IN ('running', 'publishing');
CREATE INDEX jobs_photo ON jobs (photo_id);
CREATE INDEX jobs_wish ON jobs (photo_sha256, recipe_hash, generator, seed);
CREATE INDEX jobs_state ON jobs (state, seq);
CREATE INDEX jobs_place ON jobs (place);
