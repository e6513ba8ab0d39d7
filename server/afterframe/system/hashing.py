"""Hashes that identify the content of a file."""

from __future__ import annotations

import hashlib
from pathlib import Path

from photometa.regular import open_regular


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hex.

    Raises:
        OSError: it cannot be read, or is not a regular file.
    """
    with open(open_regular(path), "rb") as file:  # noqa: PTH123 - a descriptor
        return hashlib.file_digest(file, "sha256").hexdigest()
