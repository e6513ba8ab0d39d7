-- A sidecar or an afterframe.toml that arrives after its photo: queued renders are composed again.
ALTER TABLE photos ADD COLUMN width INTEGER;          -- upright, pixels; NULL: not known
ALTER TABLE photos ADD COLUMN height INTEGER;
ALTER TABLE photos ADD COLUMN words_changed_at REAL;  -- when its words changed after it was read; NULL: dealt with
ALTER TABLE photos ADD COLUMN made_again INTEGER NOT NULL DEFAULT 0;  -- its clip was made again because of them
ALTER TABLE jobs ADD COLUMN basis TEXT;               -- composition.Basis as JSON; NULL: an earlier version queued it
ALTER TABLE jobs ADD COLUMN replaces TEXT;            -- the clip that it makes again
CREATE INDEX photos_words ON photos (words_changed_at) WHERE words_changed_at IS NOT NULL;
