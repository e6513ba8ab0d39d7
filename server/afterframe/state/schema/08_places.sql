CREATE INDEX jobs_place ON jobs (place);  -- every new job asks for the last place
