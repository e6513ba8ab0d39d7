"""Photo files to pixels, and pixels to the shape of a clip."""
