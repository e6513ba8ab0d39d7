"""The embedded generator: the photo's own pixels, moved by depth."""
