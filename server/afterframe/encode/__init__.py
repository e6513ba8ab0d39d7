"""Frames to clips and back: the only caller of ffmpeg."""
