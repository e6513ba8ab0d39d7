"""Boxes of the ISO base media file format (ISO/IEC 14496-12, 4.2): MP4, HEIF, AVIF, JPEG XL, CR3."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

MAX_BOXES = 100_000


class Source(Protocol):
    """Random access to bytes: a file, or a block in memory."""

    size: int

    def read_at(self, offset: int, count: int) -> bytes:
        """At most count bytes from offset; fewer at the end."""


class BoxError(ValueError):
    """A box that does not fit into its surroundings."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box: where it and its payload start, and where it ends (offsets in the source)."""

    type: bytes
    start: int
    payload: int
    end: int
    uuid: bytes | None = None
    open_ended: bool = False
    """Its size is 0: it extends to the end of the file."""


def boxes(source: Source, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Walk the boxes between two offsets.

    Raises:
        BoxError: a size smaller than its header, or past the end; or too many boxes.
    """
    end = source.size if end is None else min(end, source.size)
    for _ in range(MAX_BOXES):
        if start >= end:
            return
        box = _box(source, start, end)
        yield box
        start = box.end
    raise BoxError(f"more than {MAX_BOXES} boxes")


def _box(source: Source, start: int, end: int) -> Box:
    header = source.read_at(start, 32)
    if len(header) < 8 or start + 8 > end:
        raise BoxError(f"{end - start} stray bytes at {start}")
    size, kind = struct.unpack_from(">I4s", header)
    payload = start + 8
    open_ended = size == 0
    if size == 1:
        if len(header) < 16:
            raise BoxError(f"the box at {start} is cut off")
        size = struct.unpack_from(">Q", header, 8)[0]
        payload += 8
    uuid = None
    if kind == b"uuid":
        uuid = header[payload - start : payload - start + 16]
        payload += 16
    stop = end if open_ended else start + size
    if stop > end or stop < payload:
        raise BoxError(f"the box {kind!r} at {start} does not fit: its size is {size}")
    return Box(kind, start, payload, stop, uuid, open_ended)
