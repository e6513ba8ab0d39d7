-- Search keys of clips. Derived data: state/search_key_tables.py makes and fills it as the program needs it now.
CREATE TABLE clip_keys (
  seq INTEGER PRIMARY KEY REFERENCES clips (seq) ON DELETE CASCADE,
  folder TEXT NOT NULL, name TEXT NOT NULL, made_day TEXT NOT NULL, taken TEXT NOT NULL,
  photo_type TEXT NOT NULL, camera TEXT NOT NULL, lens TEXT NOT NULL, words TEXT NOT NULL
) STRICT;
CREATE INDEX clips_judged ON clips (present, verdict, rating);
