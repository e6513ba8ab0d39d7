-- Whether a describer may speak for the photographer was read from a reason, a sentence for people.
ALTER TABLE jobs ADD COLUMN needs_description INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET needs_description = 1 WHERE EXISTS (
  SELECT 1 FROM json_each(jobs.recipe, '$.because.prompt')
  WHERE json_each.value = 'nothing was written about this photo, so it only says how it moves'
);
