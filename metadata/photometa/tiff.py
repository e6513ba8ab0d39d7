"""TIFF structures, read within bounds (TIFF 6.0, section 2; Exif 3.0, 4.6).

exifread follows every count and offset in a file, and so a damaged block can keep it busy for
minutes. `distil` walks the directories itself, within limits, and copies the tags that matter into a
small, sound block; exifread then decodes only that.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from photometa.containers.bmff import Source
from photometa.containers.source import Bytes

MAX_ENTRIES = 1000
MAX_VALUE = 1 << 20
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
"""Bytes per value of each field type."""
_CODES = {1: "B", 3: "H", 4: "I", 7: "B", 8: "h", 9: "i", 13: "I"}

EXIF_IFD, GPS_IFD, SUB_IFDS = 0x8769, 0x8825, 0x014A
XMP, IPTC, PHOTOSHOP, ICC, MAKER_NOTE = 0x02BC, 0x83BB, 0x8649, 0x8773, 0x927C

_FALLBACKS = {0x9201: 0x829A, 0x9202: 0x829D}
"""Tags that count only where another one is missing."""
_IMAGE_KEPT = {0x010E, 0x010F, 0x0110, 0x0112, 0x0131, 0x013B, 0x4746, 0x8298}
_EXPOSURE_KEPT = {0x829A, 0x829D, 0x8822, 0x8827, 0x9003, 0x9204, 0x9207, 0x9208, 0x9209, 0x920A}
_WINDOWS_KEPT = {0x9C9B, 0x9C9C, 0x9C9E}
_EXIF_KEPT = {0x8832, 0x8833, 0x9004, 0x9011, 0x9012, 0x9201, 0x9202, 0x9206, 0x9291}
_EQUIVALENT, _RESOLUTION = 0xA405, 0xA20E
_SENSOR_KEPT = {0xA002, 0xA003, _RESOLUTION, 0xA210}
_LENS_KEPT = {0xA001, 0xA215, 0xA403, _EQUIVALENT, 0xA406, 0xA432, 0xA434}
_KEPT: dict[str, frozenset[int]] = {
    "Image": frozenset(_IMAGE_KEPT | _EXPOSURE_KEPT | _WINDOWS_KEPT),
    "EXIF": frozenset(_EXPOSURE_KEPT | _EXIF_KEPT | _SENSOR_KEPT | _LENS_KEPT),
    "GPS": frozenset([*range(1, 8), 0x10, 0x11, 0x1D]),
}
MAX_KEPT_VALUE = 8192
"""Longer values of the kept tags are cut: they are texts, or damage."""
MAX_KEPT_NUMBERS = 64
_TEXTS = (1, 2, 7)
"""BYTE, ASCII and UNDEFINED: usable even when cut."""


class Entry(NamedTuple):
    """One directory entry."""

    type: int
    length: int
    """How many values."""
    at: int
    """Where the value stands, from the block's start."""

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

    def directory(self, offset: int) -> tuple[dict[int, Entry], int]:
        """The entries of a directory by tag, the first of each, and the next directory's offset."""
        if not 0 < offset < self.source.size:
            return {}, 0
        raw = self.source.read_at(self.base + offset, 2)
        count = struct.unpack(self.order + "H", raw)[0] if len(raw) == 2 else 0
        table = self.source.read_at(self.base + offset + 2, 12 * min(count, MAX_ENTRIES) + 4)
        entries: dict[int, Entry] = {}
        usable = min(count, MAX_ENTRIES, len(table) // 12)
        inline_at = offset + 2 + 8
        for tag, kind, length, value in struct.iter_unpack(self.order + "HHII", table[: 12 * usable]):
            if kind in SIZES and tag not in entries:
                inline = SIZES[kind] * length <= 4
                entries[tag] = Entry(kind, length, inline_at if inline else value)
            inline_at += 12
        rest = table[12 * count : 12 * count + 4]
        return entries, struct.unpack(self.order + "I", rest)[0] if len(rest) == 4 else 0

    def raw(self, entry: Entry | None, limit: int = MAX_VALUE) -> bytes:
        """A value's bytes, at most limit of them; none where it lies outside."""
        return self.source.read_at(self.base + entry.at, min(entry.size, limit)) if entry else b""

    def numbers(self, entry: Entry | None, limit: int = 256) -> list[int]:
        """A value's whole numbers (BYTE, SHORT, LONG, IFD)."""
        code = _CODES.get(entry.type) if entry else None
        if entry is None or code is None:
            return []
        data = self.raw(entry, limit * SIZES[entry.type])
        count = len(data) // SIZES[entry.type]
        return list(struct.unpack_from(f"{self.order}{count}{code}", data))

    def number(self, entry: Entry | None) -> int | None:
        """A value's first whole number."""
        found = self.numbers(entry, 1)
        return found[0] if found else None

    def reals(self, entry: Entry | None, limit: int = 16) -> list[float]:
        """A value's rationals (RATIONAL, SRATIONAL); those without a value (0/0) read as 0."""
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
    image: dict[int, Entry]
    exif: dict[int, Entry]
    gps: dict[int, Entry]


def directories(tiff: Tiff) -> Directories:
    """The main directory, and the Exif and GPS directories that it names."""
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


def distil(found: Directories) -> bytes:
    """A small sound TIFF with the tags that become facts, for exifread."""
    writer = _Writer(found.tiff)
    chosen = {"Image": found.image, "EXIF": found.exif, "GPS": found.gps}
    kept = {name: writer.kept(entries, _KEPT[name]) for name, entries in chosen.items()}
    return writer.block(kept)


class _Writer:
    """Lays directories and values out anew, in the same byte order."""

    def __init__(self, tiff: Tiff) -> None:
        self.tiff = tiff
        self.order = tiff.order

    def kept(self, entries: dict[int, Entry], wanted: frozenset[int]) -> list[tuple[int, int, int, bytes]]:
        """Tag, type, count and bytes of the wanted entries whose values can be read whole."""
        rows = []
        read_at, base = self.tiff.source.read_at, self.tiff.base
        needless = {tag for tag, better in _FALLBACKS.items() if better in entries}
        if _EQUIVALENT in entries or _RESOLUTION not in entries:
            needless |= _SENSOR_KEPT
        for tag in sorted(wanted & entries.keys() - needless):
            entry = entries[tag]
            size = SIZES[entry.type]
            data = read_at(base + entry.at, min(entry.length * size, MAX_KEPT_VALUE))
            count = len(data) // size
            if count and (count == entry.length <= MAX_KEPT_NUMBERS or entry.type in _TEXTS):
                rows.append((tag, entry.type, count, data[: count * size]))
        return rows

    def block(self, kept: dict[str, list[tuple[int, int, int, bytes]]]) -> bytes:
        """The whole block: header, Image, Exif and GPS directories, then the values."""
        image, exif, gps = kept["Image"], kept["EXIF"], kept["GPS"]
        pointers = 1 + bool(gps)
        exif_at = 8 + 2 + 12 * (len(image) + pointers) + 4
        gps_at = exif_at + 2 + 12 * len(exif) + 4
        self.values_at = gps_at + 2 + 12 * len(gps) + 4
        self.values = bytearray()
        image = [*image, (EXIF_IFD, 4, 1, self._long(exif_at))]
        image += [(GPS_IFD, 4, 1, self._long(gps_at))] if gps else []
        header = (b"II" if self.order == "<" else b"MM") + struct.pack(self.order + "HI", 42, 8)
        tables = [self._table(sorted(rows)) for rows in (image, exif, gps)]
        return b"".join([header, *tables, bytes(self.values)])

    def _long(self, number: int) -> bytes:
        return struct.pack(self.order + "I", number)

    def _table(self, rows: list[tuple[int, int, int, bytes]]) -> bytes:
        table = [struct.pack(self.order + "H", len(rows))]
        for tag, kind, count, data in rows:
            value = data.ljust(4, b"\0")
            if len(data) > 4:
                value = self._long(self.values_at + len(self.values))
                self.values += data + b"\0" * (len(data) % 2)
            table.append(struct.pack(self.order + "HHI", tag, kind, count) + value)
        return b"".join(table) + b"\0\0\0\0"
