-- Version 1 of the state file. Later ones are further files in this folder: a file that has been released never changes.

CREATE TABLE photos (
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  sha256 TEXT,                       -- NULL: could not be read
  facts TEXT NOT NULL DEFAULT '{}',  -- photometa.Facts as JSON
  scene TEXT NOT NULL DEFAULT '{}',  -- models.Scene as JSON
  problem TEXT,                      -- why it was refused: {code, message, hint}
  seen_at REAL NOT NULL
) STRICT;
CREATE INDEX photos_sha256 ON photos (sha256);

-- What was animated by itself once: never again, even when the user deletes the clip.
CREATE TABLE ingested (
  path TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (path, sha256)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
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
  reserved_for TEXT,                 -- an owner; NULL: whoever claims first
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'publishing', 'done', 'failed', 'cancelled')),
  place REAL NOT NULL,               -- order in the queue, smallest first
  owner TEXT,                        -- who holds the lease
  lease_until REAL,
  strikes INTEGER NOT NULL DEFAULT 0,
  progress REAL NOT NULL DEFAULT 0,
  eta_s REAL,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  error TEXT,                        -- {code, message, hint}
  clip_id TEXT,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL
) STRICT;
CREATE INDEX jobs_queue ON jobs (place) WHERE state = 'queued';
CREATE INDEX jobs_active ON jobs (state) WHERE state IN ('running', 'publishing');
CREATE INDEX jobs_photo ON jobs (photo_id);
CREATE INDEX jobs_wish ON jobs (photo_sha256, recipe_hash, generator, seed);

-- A publish under way: enough to finish it after a crash.
CREATE TABLE intents (
  job_id TEXT PRIMARY KEY REFERENCES jobs (id),
  clip_path TEXT NOT NULL UNIQUE COLLATE NOCASE,
  body TEXT NOT NULL                 -- publish.Publication as JSON
) STRICT;

CREATE TABLE clips (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  photo_id INTEGER NOT NULL REFERENCES photos (id),
  photo_sha256 TEXT NOT NULL,
  path TEXT NOT NULL UNIQUE,
  sidecar_path TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  recipe TEXT NOT NULL,
  generator TEXT NOT NULL,
  generator_version TEXT NOT NULL,
  variant INTEGER NOT NULL,
  parent_clip TEXT,
  duration_s REAL NOT NULL,
  verdict TEXT NOT NULL DEFAULT 'none' CHECK (verdict IN ('none', 'approved', 'rejected')),
  rating INTEGER NOT NULL DEFAULT 0 CHECK (rating BETWEEN 0 AND 5),
  created_at REAL NOT NULL,
  present INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX clips_photo ON clips (photo_id);

CREATE TABLE folders (
  path TEXT PRIMARY KEY,
  watch INTEGER NOT NULL,
  seen INTEGER NOT NULL DEFAULT 0,   -- its backlog was taken or confirmed
  waiting INTEGER NOT NULL DEFAULT 0 -- photos that wait for a confirmation
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
  key TEXT PRIMARY KEY,              -- the caller's idempotency key
  answer TEXT NOT NULL,
  at REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  cursor INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT;
