"""The commands: what a terminal asks for, and what it prints."""
