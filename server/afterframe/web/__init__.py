"""The API for plugins and programs, and the review page."""
