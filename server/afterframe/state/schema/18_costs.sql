ALTER TABLE clips ADD COLUMN cost TEXT NOT NULL DEFAULT '{}';  -- seconds, memory, energy
