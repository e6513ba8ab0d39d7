"""The slow half of the path: from a claimed job to a published clip."""
