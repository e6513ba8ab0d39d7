"""Facts: which statement counts, and what follows from it."""
