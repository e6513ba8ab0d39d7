"""Raw files, as far as their structure gives metadata.

CR2, NEF, ARW and DNG are TIFF (Adobe DNG Specification 1.7; TIFF/EP, ISO 12234-2), ORF and RW2 TIFF
with another magic number, RAF wraps a JPEG, CR3 has TIFF blocks in boxes. The layouts of ORF, RW2, RAF
and CR3 are not published; they follow exiftool's and LibRaw's documentation.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from photometa.containers.blocks import Blocks, FormatError
from photometa.containers.bmff import Box, Source, boxes
from photometa.containers.ifd import SUB_IFDS, Directories, IfdEntry, Tiff
from photometa.containers.jpeg import read_jpeg
from photometa.containers.source import Bytes
from photometa.containers.tiff import blocks_of_directory

_SUBFILE, _WIDTH, _HEIGHT, _MAKE = 0x00FE, 0x0100, 0x0101, 0x010F
_DNG_VERSION, _DEFAULT_CROP_SIZE = 0xC612, 0xC620
_JPG_FROM_RAW = 0x002E
_MAKES = {b"NIKON": "nef", b"SONY": "arw"}
MAX_DIRECTORIES = 32
MAX_JPEG = 64 << 20
CANON_UUID = bytes.fromhex("85C0B687820F11E08111F4CE462B6A48")
XMP_UUID = bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC")


class Part:
    """A part of a source as a source of its own."""

    def __init__(self, source: Source, start: int, size: int) -> None:
        self.source = source
        self.start = start
        self.size = max(0, min(size, source.size - start))

    def read_at(self, offset: int, count: int) -> bytes:
        """At most count bytes from offset; fewer at the end."""
        if offset < 0 or offset >= self.size:
            return b""
        return self.source.read_at(self.start + offset, min(count, self.size - offset))


def raw_format(tiff: Tiff, image: dict[int, IfdEntry], head: bytes) -> str | None:
    """Which raw format a TIFF file is; None for an ordinary TIFF."""
    if head[8:10] == b"CR":
        return "cr2"
    if head[2:4] in (b"RO", b"RS", b"OR"):
        return "orf"
    if head[2:4] == b"U\0":
        return "rw2"
    if _DNG_VERSION in image:
        return "dng"
    if tiff.number(image.get(_SUBFILE)) == 1 and SUB_IFDS in image:
        make = tiff.raw(image.get(_MAKE), 32).upper()
        return next((name for prefix, name in _MAKES.items() if make.startswith(prefix)), None)
    return None


def read_raw_tiff(tiff: Tiff, image: dict[int, IfdEntry], format_name: str) -> Blocks:
    """The blocks of a raw file that is a TIFF; its size is that of its largest picture."""
    blocks = blocks_of_directory(tiff, image, format_name)
    if format_name == "rw2":
        _panasonic(tiff, image, blocks)
        return blocks
    sizes = [_size(tiff, entries) for entries in _pictures(tiff, image)]
    blocks.width, blocks.height = max(sizes, key=lambda s: s[0] * s[1])
    return blocks


def _pictures(tiff: Tiff, image: dict[int, IfdEntry]) -> Iterator[dict[int, IfdEntry]]:
    """The main directory, its sub-directories, and the directories after it."""
    yield image
    for offset in tiff.numbers(image.get(SUB_IFDS), MAX_DIRECTORIES):
        yield tiff.directory(offset)[0]
    offset = tiff.directory(tiff.first)[1]
    for _ in range(MAX_DIRECTORIES):
        if not offset:
            return
        entries, offset = tiff.directory(offset)
        yield entries


def _size(tiff: Tiff, entries: dict[int, IfdEntry]) -> tuple[int, int]:
    cropped = entries.get(_DEFAULT_CROP_SIZE)
    if cropped is not None:
        numbers = [int(v) for v in (tiff.reals(cropped) or tiff.numbers(cropped))]
        if len(numbers) == 2:
            return numbers[0], numbers[1]
    return tiff.number(entries.get(_WIDTH)) or 0, tiff.number(entries.get(_HEIGHT)) or 0


def _panasonic(tiff: Tiff, image: dict[int, IfdEntry], blocks: Blocks) -> None:
    """RW2: the sensor's borders give the size; the embedded JPEG has the complete Exif."""
    top, left, bottom, right = (tiff.number(image.get(tag)) or 0 for tag in range(4, 8))
    if bottom > top and right > left:
        blocks.width, blocks.height = right - left, bottom - top
    entry = image.get(_JPG_FROM_RAW)
    if entry is not None:
        inner = read_jpeg(Part(tiff.source, entry.at, min(entry.size, MAX_JPEG)))
        blocks.tiff = inner.tiff or blocks.tiff
        blocks.xmp = inner.xmp or blocks.xmp


def read_raf(source: Source) -> Blocks:
    """The blocks of a RAF: those of its JPEG, and the size from its own directory."""
    head = source.read_at(0, 100).ljust(100, b"\0")
    jpeg_at, jpeg_size, records_at, records_size = struct.unpack_from(">IIII", head, 84)
    blocks = read_jpeg(Part(source, jpeg_at, min(jpeg_size, MAX_JPEG)))
    blocks.format = "raf"
    records = source.read_at(records_at, min(records_size, 1 << 16))
    offset = 4
    for _ in range(min(int.from_bytes(records[:4], "big"), 1000)):
        tag, length = struct.unpack_from(">HH", records.ljust(offset + 4, b"\0"), offset)
        if tag == 0x0111 and length == 4 and len(records) >= offset + 8:
            blocks.height, blocks.width = struct.unpack_from(">HH", records, offset + 4)
        offset += 4 + length
    return blocks


def read_cr3(source: Source) -> Blocks:
    """The blocks of a CR3: CMT1 (main), CMT2 (Exif) and CMT4 (GPS), each a TIFF of its own.

    Raises:
        BoxError: its boxes do not fit.
        FormatError: Canon's box is missing.
    """
    blocks = Blocks("cr3")
    parts: dict[bytes, bytes] = {}
    for box in boxes(source):
        if box.uuid == XMP_UUID:
            blocks.xmp.append(source.read_at(box.payload, min(box.end - box.payload, MAX_JPEG)))
        elif box.type == b"moov":
            parts |= _canon_parts(source, box)
    if b"CMT1" not in parts:
        raise FormatError("Canon's metadata box is missing")
    blocks.directories = _joined(parts)
    image = blocks.directories.image
    blocks.width = blocks.directories.tiff.number(image.get(_WIDTH))
    blocks.height = blocks.directories.tiff.number(image.get(_HEIGHT))
    return blocks


def _canon_parts(source: Source, moov: Box) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for box in boxes(source, moov.payload, moov.end):
        if box.uuid == CANON_UUID:
            for part in boxes(source, box.payload, box.end):
                if part.type.startswith(b"CMT") and part.end - part.payload <= MAX_JPEG:
                    found[part.type] = source.read_at(part.payload, part.end - part.payload)
    return found


def _joined(parts: dict[bytes, bytes]) -> Directories:
    """Joins several TIFF blocks into one: each block's entries are shifted to its offset."""
    names = (b"CMT1", b"CMT2", b"CMT4")
    whole = b"".join(parts.get(name, b"") for name in names)
    try:
        tiff = Tiff(Bytes(whole))
    except ValueError as error:
        raise FormatError(str(error)) from error
    moved: list[dict[int, IfdEntry]] = []
    start = 0
    for name in names:
        block = parts.get(name, b"")
        entries: dict[int, IfdEntry] = {}
        if block[:2] == whole[:2] and len(block) >= 8:
            own = Tiff(Bytes(block))
            entries = own.directory(own.first)[0]
        moved.append({tag: IfdEntry(e.type, e.length, e.at + start) for tag, e in entries.items()})
        start += len(block)
    image, exif, gps = moved
    return Directories(tiff, image, exif, gps)
