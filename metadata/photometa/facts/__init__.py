"""Facts: which of several statements counts, and what follows from it."""
