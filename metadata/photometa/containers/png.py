"""PNG: chunks (W3C PNG third edition; XMP part 3, 1.1.5)."""

from __future__ import annotations

import binascii
import struct
import zlib

from photometa.containers.blocks import Blocks
from photometa.containers.bmff import Source
from photometa.containers.ifd import Tiff, open_tiff
from photometa.containers.jpeg import iptc_of_photoshop

MAX_CHUNKS = 300_000
MAX_INFLATED = 16 << 20
_XMP_KEY = b"XML:com.adobe.xmp\0"
_WANTED = {b"eXIf", b"iTXt", b"zTXt", b"tEXt", b"iCCP", b"sRGB", b"cICP"}


def read_png(source: Source) -> Blocks:
    """The blocks of a PNG, including those after the pixels."""
    blocks = Blocks("png")
    offset = 8
    for _ in range(MAX_CHUNKS):
        header = source.read_at(offset, 8)
        if len(header) < 8 or header[4:] == b"IEND":
            break
        length, kind = struct.unpack(">I4s", header)
        if kind == b"IHDR":
            blocks.width, blocks.height = struct.unpack(">II", source.read_at(offset + 8, 8).ljust(8, b"\0"))
        elif kind in _WANTED and length <= MAX_INFLATED:
            _chunk(blocks, kind, source.read_at(offset + 8, length))
        offset += 12 + length
    return blocks


def _chunk(blocks: Blocks, kind: bytes, data: bytes) -> None:
    if kind == b"eXIf":
        blocks.tiff = exif_block(data)
    elif kind == b"iTXt" and data.startswith(_XMP_KEY):
        blocks.xmp.append(_international_text(data[len(_XMP_KEY) :]))
    elif kind == b"iCCP":
        blocks.icc = inflate(data.partition(b"\0")[2][1:]) or None
    elif kind == b"sRGB":
        blocks.colour = "sRGB"
    elif kind in (b"zTXt", b"tEXt") and data.startswith(b"Raw profile type "):
        name, _, text = data[17:].partition(b"\0")
        _raw_profile(blocks, name, inflate(text[1:]) if kind == b"zTXt" else text)


def _international_text(data: bytes) -> bytes:
    """The text of an iTXt chunk after its keyword: flags, language, translated keyword, text."""
    compressed = data[:1] == b"\1"
    text = data[2:].split(b"\0", 2)[-1]
    return inflate(text) if compressed else text


def _raw_profile(blocks: Blocks, name: bytes, text: bytes) -> None:
    """As ImageMagick and exiftool write it: a length, then the block as hexadecimal digits."""
    lines = text.split(None, 2)
    try:
        data = binascii.unhexlify(b"".join(lines[2].split())) if len(lines) == 3 else b""
    except binascii.Error:
        return
    if name in (b"exif", b"APP1") and data.startswith(b"Exif\0\0"):
        blocks.tiff = blocks.tiff or exif_block(data)
    elif name == b"iptc":
        blocks.iptc = iptc_of_photoshop(data) or (data if data[:1] == b"\x1c" else None)
    elif name == b"xmp":
        blocks.xmp.append(data)


def inflate(data: bytes) -> bytes:
    """Inflate zlib data, at most MAX_INFLATED bytes; nothing if it is broken."""
    try:
        return zlib.decompressobj().decompress(data, MAX_INFLATED)
    except zlib.error:
        return b""


def exif_block(data: bytes) -> Tiff | None:
    """A TIFF block, with or without the "Exif" header that some writers put before it."""
    return open_tiff(data[6:] if data.startswith(b"Exif\0\0") else data)
