"""Who may ask, and for which paths."""
