-- The columns' names are those of the fields that they hold.
ALTER TABLE jobs RENAME COLUMN alone TO exclusive;
ALTER TABLE jobs RENAME COLUMN place TO position;
