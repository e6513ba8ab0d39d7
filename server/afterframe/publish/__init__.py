"""Clip and sidecar, put beside the photo over nothing that is not ours."""
