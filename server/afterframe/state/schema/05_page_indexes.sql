-- Counts, failures and refusals are read at every view of the page, however much has been done before.
CREATE INDEX jobs_state ON jobs (state, seq);
CREATE INDEX photos_refused ON photos (seen_at) WHERE problem IS NOT NULL;
