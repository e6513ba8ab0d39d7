"""Random access to a file or to bytes, with the head of a file read only once."""

from __future__ import annotations

import os
from typing import BinaryIO

HEAD = 64 << 10


class Bytes:
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read_at(self, offset: int, count: int) -> bytes:
        """At most count bytes from offset; fewer at the end."""
        return self.data[offset : offset + count] if offset >= 0 and count > 0 else b""


class File:
    """An open file; its first 64 KiB are read once, since most metadata stands there."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = os.fstat(file.fileno()).st_size
        self.head = file.read(HEAD)

    def read_at(self, offset: int, count: int) -> bytes:
        """At most count bytes from offset; fewer at the end."""
        if offset < 0 or count <= 0 or offset >= self.size:
            return b""
        if offset + count <= len(self.head):
            return self.head[offset : offset + count]
        self.file.seek(offset)
        return self.file.read(min(count, self.size - offset))
