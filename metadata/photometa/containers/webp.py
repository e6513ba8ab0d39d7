"""WebP: RIFF chunks (RFC 9649)."""

from __future__ import annotations

import struct

from photometa.containers.blocks import Blocks
from photometa.containers.bmff import Source
from photometa.containers.png import exif_block

MAX_CHUNKS = 100_000
MAX_BLOCK = 64 << 20


def read_webp(source: Source) -> Blocks:
    """The blocks of a WebP."""
    blocks = Blocks("webp")
    offset = 12
    for _ in range(MAX_CHUNKS):
        header = source.read_at(offset, 8)
        if len(header) < 8:
            break
        kind, length = struct.unpack("<4sI", header)
        if kind in (b"VP8X", b"VP8 ", b"VP8L"):
            _size(blocks, kind, source.read_at(offset + 8, 10))
        elif kind in (b"EXIF", b"XMP ", b"ICCP") and length <= MAX_BLOCK:
            data = source.read_at(offset + 8, length)
            if kind == b"EXIF":
                blocks.tiff = exif_block(data)
            elif kind == b"XMP ":
                blocks.xmp.append(data)
            else:
                blocks.icc = data
        offset += 8 + length + length % 2
    return blocks


def _size(blocks: Blocks, kind: bytes, data: bytes) -> None:
    if blocks.width is not None or len(data) < 10:
        return
    if kind == b"VP8X":
        blocks.width = int.from_bytes(data[4:7], "little") + 1
        blocks.height = int.from_bytes(data[7:10], "little") + 1
    elif kind == b"VP8L" and data[0] == 0x2F:
        bits = int.from_bytes(data[1:5], "little")
        blocks.width, blocks.height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 " and data[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 6)
        blocks.width, blocks.height = width & 0x3FFF, height & 0x3FFF
