"""Outlines of raw files, laid out as their makers do; no picture data.

CR2, NEF, ARW and DNG are TIFF; ORF and RW2 are TIFF with another magic number. Each is 6000 x 4000, with
a small preview, and says what photometa_seeds.exif_block says about the exposure.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence
from typing import Union

from PIL import Image

Value = Union[bytes, int, Sequence[int], "Directory", Sequence["Directory"]]
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
_CODES = {BYTE: "B", SHORT: "H", LONG: "I", RATIONAL: "I", UNDEFINED: "B"}


class Directory:
    """A TIFF directory to be: tag -> (field type, value); a value may be directories of its own."""

    def __init__(self, rows: dict[int, tuple[int, Value]]) -> None:
        self.rows = rows

    def laid_out(self, at: int, order: str, following: Sequence[Directory] = ()) -> bytes:
        """Its bytes for an offset: table, values, directories within it, then those after it."""
        table = struct.pack(order + "H", len(self.rows))
        values_at = at + 2 + 12 * len(self.rows) + 4
        values = b""
        for tag, (kind, value) in sorted(self.rows.items()):
            count, data = self._data(kind, value, values_at + len(values), order)
            if len(data) > 4:  # every directory is
                pointer = struct.pack(order + "I", values_at + len(values))
                values += data + b"\0" * (len(data) % 2)
            else:
                pointer = data.ljust(4, b"\0")
            table += struct.pack(order + "HHI", tag, kind, count) + pointer
        after = following[0].laid_out(values_at + len(values), order, following[1:]) if following else b""
        return table + struct.pack(order + "I", values_at + len(values) if following else 0) + values + after

    def _data(self, kind: int, value: Value, at: int, order: str) -> tuple[int, bytes]:
        if isinstance(value, Directory):
            return 1, value.laid_out(at, order)
        if isinstance(value, bytes):
            return len(value), value
        numbers = [value] if isinstance(value, int) else list(value)
        if numbers and isinstance(numbers[0], Directory):
            return self._pointers([d for d in numbers if isinstance(d, Directory)], at, order)
        whole = [n for n in numbers if isinstance(n, int)]
        return len(whole) // (2 if kind == RATIONAL else 1), struct.pack(f"{order}{len(whole)}{_CODES[kind]}", *whole)

    @staticmethod
    def _pointers(inner: list[Directory], at: int, order: str) -> tuple[int, bytes]:
        """The offsets of several directories, and these behind them; one alone stands inline."""
        offsets, blocks = [], b""
        for directory in inner:
            offsets.append(at + 4 * len(inner) + len(blocks))
            blocks += directory.laid_out(offsets[-1], order)
        return len(inner), struct.pack(f"{order}{len(inner)}I", *offsets) + blocks


def tiff(order: str, head: bytes, directories: Sequence[Directory]) -> bytes:
    """A whole file: byte order, magic number and what a format puts before its first directory."""
    at = 8 + len(head) - 2
    mark = b"II" if order == "<" else b"MM"
    start = mark + head[:2] + struct.pack(order + "I", at) + head[2:]
    return start + directories[0].laid_out(at, order, directories[1:])


def exposure() -> Directory:
    """The Exif directory."""
    return Directory(
        {
            0x829A: (RATIONAL, (1, 250)),
            0x829D: (RATIONAL, (8, 1)),
            0x8827: (SHORT, 100),
            0x9003: (ASCII, b"2024:06:21 12:00:00\0"),
            0x9011: (ASCII, b"+02:00\0"),
            0x9209: (SHORT, 0),
            0x920A: (RATIONAL, (50, 1)),
            0xA434: (ASCII, b"Test 50mm f/1.8\0"),
        }
    )


def position() -> Directory:
    """The GPS directory."""
    return Directory(
        {
            1: (ASCII, b"N\0"),
            2: (RATIONAL, (48, 1, 12, 1, 30, 1)),
            3: (ASCII, b"E\0"),
            4: (RATIONAL, (16, 1, 22, 1, 0, 1)),
        }
    )


def first(make: bytes, size: tuple[int, int], **more: tuple[int, Value]) -> Directory:
    """The first directory; further rows by "x" and the tag's number in hexadecimal."""
    rows: dict[int, tuple[int, Value]] = {
        0x0100: (LONG, size[0]),
        0x0101: (LONG, size[1]),
        0x010F: (ASCII, make + b"\0"),
        0x0110: (ASCII, b"Model 1\0"),
        0x0112: (SHORT, 6),
        0x8769: (LONG, exposure()),
        0x8825: (LONG, position()),
    }
    return Directory({**rows, **{int(name[1:], 16): row for name, row in more.items()}})


def picture(width: int, height: int, subfile: int = 0) -> Directory:
    """A picture's directory."""
    return Directory({0x00FE: (LONG, subfile), 0x0100: (LONG, width), 0x0101: (LONG, height)})


def cr2() -> bytes:
    """Canon: "CR", version 2.0 and the raw directory's offset before the first of four directories."""
    strips = Directory({0x0103: (SHORT, 6), 0x0111: (LONG, 0), 0x0117: (LONG, 0)})
    small = Directory({0x0100: (SHORT, 592), 0x0101: (SHORT, 395)})
    main = first(b"Canon", (6000, 4000))
    return tiff("<", b"*\0CR\x02\0\0\0\0\0", [main, strips, small, strips])


def nef() -> bytes:
    """Nikon: a small picture in the first directory, the others in two directories within it."""
    subs = [Directory({0x00FE: (LONG, 1), 0x0201: (LONG, 0), 0x0202: (LONG, 0)}), picture(6000, 4000)]
    return tiff(">", b"\0*", [first(b"NIKON CORPORATION", (160, 120), xFE=(LONG, 1), x14A=(LONG, subs))])


def arw() -> bytes:
    """Sony: a preview in the first directory, the raw picture within it, a thumbnail after it."""
    main = first(b"SONY", (1616, 1080), xFE=(LONG, 1), x14A=(LONG, picture(6000, 4000)))
    return tiff("<", b"*\0", [main, picture(160, 120, 1)])


def orf() -> bytes:
    """Olympus: "RO" in place of 42."""
    return tiff("<", b"RO", [first(b"OLYMPUS CORPORATION", (6000, 4000))])


def rw2(exif_in_jpeg: bool = True) -> bytes:
    """Panasonic: 0x55 in place of 42, a GUID, tags of its own; a JPEG within has the whole Exif."""
    out = io.BytesIO()
    block = tiff("<", b"*\0", [first(b"Panasonic", (1920, 1280))])
    Image.new("RGB", (30, 20)).save(out, "JPEG", exif=b"Exif\0\0" + block if exif_in_jpeg else b"")
    rows: dict[int, tuple[int, Value]] = {
        0x0001: (UNDEFINED, b"0330"),
        0x0002: (SHORT, 6080),
        0x0003: (SHORT, 4016),
        0x0004: (SHORT, 8),
        0x0005: (SHORT, 16),
        0x0006: (SHORT, 4008),
        0x0007: (SHORT, 6016),
        0x002E: (UNDEFINED, out.getvalue()),
        0x010F: (ASCII, b"Panasonic\0"),
        0x0110: (ASCII, b"Model 1\0"),
        0x0112: (SHORT, 6),
        0x8769: (LONG, exposure()),
        0x8825: (LONG, position()),
    }
    guid = bytes.fromhex("88E774D8F8251D4D947A6E77822B5D6A")
    return tiff("<", b"U\0" + guid, [Directory(rows)])


def dng() -> bytes:
    """Adobe: a thumbnail in the first directory, the raw picture, to be cropped, within it."""
    raw = picture(6080, 4016)
    raw.rows[0xC620] = (LONG, (6000, 4000))
    main = first(b"Maker", (256, 171), xFE=(LONG, 1), xC612=(BYTE, (1, 7, 0, 0)), x14A=(LONG, raw))
    return tiff("<", b"*\0", [main])


MAKERS: dict[str, Callable[[], bytes]] = {"cr2": cr2, "nef": nef, "arw": arw, "orf": orf, "rw2": rw2, "dng": dng}


def raws() -> dict[str, bytes]:
    """One of each, by the name that photometa gives to the format."""
    return {name: make() for name, make in MAKERS.items()}
