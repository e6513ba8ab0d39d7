"""XMP: packets, properties, and edits that change nothing else."""
