-- A file can change with its size and time kept: the file system's own time of change tells. NULL: not known.
ALTER TABLE photos ADD COLUMN ctime_ns INTEGER;
