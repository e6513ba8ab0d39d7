-- Generators that work on other machines have a lane each; KIND:MODEL was taken apart in every query.
ALTER TABLE jobs ADD COLUMN lane TEXT NOT NULL DEFAULT 'local';
UPDATE jobs SET lane = substr(generator, 1, instr(generator || ':', ':') - 1)
  WHERE substr(generator, 1, instr(generator || ':', ':') - 1) IN ('remote', 'ray');
CREATE INDEX jobs_lane ON jobs (lane, place) WHERE state = 'queued';
