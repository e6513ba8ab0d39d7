ALTER TABLE clips ADD COLUMN measures TEXT NOT NULL DEFAULT '{}';  -- fidelity to the photo
