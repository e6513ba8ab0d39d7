"""The only caller of ffmpeg."""
