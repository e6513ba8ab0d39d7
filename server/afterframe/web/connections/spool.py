"""Bodies that are too long for memory, kept in a folder of ours: the system's own for temporary files may be small."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from waitress.buffers import FileBasedBuffer, OverflowableBuffer


class Spool(OverflowableBuffer):  # type: ignore[misc]
    """Waitress's buffer for bodies, whose file lies in a folder that can be named.

    A file without a name: nothing is left of it, however the process ends (but on Windows).

    Args:
        overflow: bytes that stay in memory.
        folder: for longer ones; made when first needed. None: the system's own.
    """

    buf: Any

    def __init__(self, overflow: int, folder: Path | None) -> None:
        super().__init__(overflow)
        self._folder = folder
        self.failed: OSError | None = None
        """Why it takes no more: the disk is full, say. What follows is dropped."""

    def append(self, data: bytes) -> None:
        """Keep more bytes."""
        if self.failed is not None:
            return
        try:
            super().append(data)
        except OSError as error:
            self.failed = error

    def _set_large_buffer(self) -> None:
        self.buf = _SpoolFile(self._folder, self.buf)
        self.overflowed = True


class _SpoolFile(FileBasedBuffer):  # type: ignore[misc]
    def __init__(self, folder: Path | None, so_far: Any) -> None:
        self._folder = folder
        super().__init__(self.newfile(), so_far)

    def newfile(self) -> Any:
        """A file to write to."""
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return tempfile.TemporaryFile("w+b", dir=self._folder)
