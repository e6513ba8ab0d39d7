"""File formats: one module each, from a file's bytes to its metadata blocks."""
