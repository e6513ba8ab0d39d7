"""Exif tags and maker notes."""
