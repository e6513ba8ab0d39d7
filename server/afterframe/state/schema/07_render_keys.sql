-- Search keys of unfinished renders. Derived data, as clip_keys.
CREATE TABLE render_keys (
  seq INTEGER PRIMARY KEY REFERENCES jobs (seq) ON DELETE CASCADE,
  folder TEXT NOT NULL, name TEXT NOT NULL, made_day TEXT NOT NULL, taken TEXT NOT NULL,
  photo_type TEXT NOT NULL, camera TEXT NOT NULL, lens TEXT NOT NULL, words TEXT NOT NULL
) STRICT;
