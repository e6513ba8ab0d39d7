"""The pages and their words."""
