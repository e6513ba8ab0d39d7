"""JSON and TOML as they may come from anybody: read strictly, written so that everybody can read it."""
