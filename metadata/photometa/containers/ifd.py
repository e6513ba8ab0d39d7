"""TIFF structures, read within bounds (TIFF 6.0, section 2; Exif 3.0, 4.6)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from photometa.containers.bmff import Source
from photometa.containers.source import Bytes

MAX_ENTRIES = 1000
MAX_VALUE = 1 << 20
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1}
"""Bytes per value of each field type."""
_CODES = {1: "B", 3: "H", 4: "I", 7: "B", 8: "h", 9: "i", 13: "I"}

EXIF_IFD, GPS_IFD, SUB_IFDS = 0x8769, 0x8825, 0x014A
XMP, IPTC, PHOTOSHOP, ICC, MAKER_NOTE = 0x02BC, 0x83BB, 0x8649, 0x8773, 0x927C


class IfdEntry(NamedTuple):
    """One directory entry."""

    type: int
    length: int
    """How many values."""
    at: int
    """Where the value is, from the block's start."""

    @property
    def size(self) -> int:
        """Bytes of the value."""
        return SIZES[self.type] * self.length


class Tiff:
    """A TIFF structure over any source of bytes."""

    def __init__(self, source: Source, base: int = 0, header: bytes | None = None) -> None:
        head = source.read_at(base, 8) if header is None else header
        if head[:2] not in (b"II", b"MM") or len(head) < 8:
            raise ValueError("no TIFF header")
        self.source = source
        self.base = base
        self.order = "<" if head[:2] == b"II" else ">"
        self.first = struct.unpack_from(self.order + "I", head, 4)[0]

    def directory(self, offset: int) -> tuple[dict[int, IfdEntry], int]:
        """The entries of a directory by tag, the first of each, and the next directory's offset."""
        if not 0 < offset < self.source.size:
            return {}, 0
        raw = self.source.read_at(self.base + offset, 2)
        count = struct.unpack(self.order + "H", raw)[0] if len(raw) == 2 else 0
        table = self.source.read_at(self.base + offset + 2, 12 * min(count, MAX_ENTRIES) + 4)
        entries: dict[int, IfdEntry] = {}
        usable = min(count, MAX_ENTRIES, len(table) // 12)
        inline_at = offset + 2 + 8
        make = tuple.__new__  # half the time of IfdEntry(...), and most of this loop's
        for tag, kind, length, value in struct.iter_unpack(self.order + "HHII", table[: 12 * usable]):
            if kind in SIZES and tag not in entries:
                inline = SIZES[kind] * length <= 4
                entries[tag] = make(IfdEntry, (kind, length, inline_at if inline else value))
            inline_at += 12
        rest = table[12 * count : 12 * count + 4]
        return entries, struct.unpack(self.order + "I", rest)[0] if len(rest) == 4 else 0

    def raw(self, entry: IfdEntry | None, limit: int = MAX_VALUE) -> bytes:
        """A value's bytes, at most limit of them; none if it lies outside."""
        return self.source.read_at(self.base + entry.at, min(entry.size, limit)) if entry else b""

    def numbers(self, entry: IfdEntry | None, limit: int = 256) -> list[int]:
        """A value's whole numbers (BYTE, SHORT, LONG, IFD)."""
        code = _CODES.get(entry.type) if entry else None
        if entry is None or code is None:
            return []
        data = self.raw(entry, limit * SIZES[entry.type])
        count = len(data) // SIZES[entry.type]
        return list(struct.unpack_from(f"{self.order}{count}{code}", data))

    def number(self, entry: IfdEntry | None) -> int | None:
        """A value's first whole number."""
        found = self.numbers(entry, 1)
        return found[0] if found else None

    def reals(self, entry: IfdEntry | None, limit: int = 16) -> list[float]:
        """A value's rationals (RATIONAL, SRATIONAL); undefined ones (0/0) read as 0."""
        code = {5: "I", 10: "i"}.get(entry.type) if entry else None
        if code is None:
            return []
        data = self.raw(entry, 8 * limit)
        pairs = struct.iter_unpack(f"{self.order}2{code}", data[: len(data) // 8 * 8])
        return [above / below if below else 0.0 for above, below in pairs]


@dataclass(frozen=True, slots=True)
class Directories:
    """The three directories that Exif uses."""

    tiff: Tiff
    image: dict[int, IfdEntry]
    exif: dict[int, IfdEntry]
    gps: dict[int, IfdEntry]


def directories(tiff: Tiff, image: dict[int, IfdEntry] | None = None) -> Directories:
    """A directory, the first unless another is given, and the Exif and GPS directories that it names."""
    if image is None:
        image, _ = tiff.directory(tiff.first)
    exif = tiff.directory(tiff.number(image.get(EXIF_IFD)) or 0)[0]
    gps = tiff.directory(tiff.number(image.get(GPS_IFD)) or 0)[0]
    return Directories(tiff, image, exif, gps)


def open_tiff(block: bytes) -> Tiff | None:
    """A block in memory, or None if it has no TIFF header."""
    try:
        return Tiff(Bytes(block))
    except ValueError:
        return None
