-- The files of a moved photo's clips are changed after the commit, so that nobody waits for them, and after a crash.
ALTER TABLE photos ADD COLUMN clips_to_follow INTEGER NOT NULL DEFAULT 0;  -- sidecars and names do not say yet that it moved
CREATE INDEX photos_to_follow ON photos (id) WHERE clips_to_follow;
