"""JPEG XL: boxes and the first bits of the codestream (ISO/IEC 18181-2, 4; 18181-1, annex D).

Boxes compressed with Brotli ("brob") are not read.
"""

from __future__ import annotations

from photometa.containers.blocks import Blocks
from photometa.containers.bmff import Source, boxes
from photometa.containers.png import exif_block

MAX_BLOCK = 64 << 20
SIGNATURE = b"\0\0\0\x0cJXL \r\n\x87\n"
CODESTREAM = b"\xff\x0a"
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


def read_jxl(source: Source) -> Blocks:
    """The blocks of a JPEG XL file, or of a bare codestream.

    Raises:
        BoxError: its boxes do not fit.
    """
    blocks = Blocks("jxl")
    if source.read_at(0, 2) == CODESTREAM:
        _codestream(blocks, source.read_at(0, 64))
        return blocks
    for box in boxes(source):
        if box.type == b"Exif":
            data = source.read_at(box.payload, min(box.end - box.payload, MAX_BLOCK))
            blocks.tiff = blocks.tiff or exif_block(data[4 + int.from_bytes(data[:4], "big") :])
        elif box.type == b"xml ":
            blocks.xmp.append(source.read_at(box.payload, min(box.end - box.payload, MAX_BLOCK)))
        elif box.type in (b"jxlc", b"jxlp") and blocks.width is None:
            start = box.payload + (4 if box.type == b"jxlp" else 0)
            _codestream(blocks, source.read_at(start, 64))
    return blocks


class _Bits:
    """Reads numbers of a given number of bits, the least significant first."""

    def __init__(self, data: bytes) -> None:
        self.number = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        """The next number."""
        value = self.number & ((1 << count) - 1)
        self.number >>= count
        return value

    def length(self, *, small: bool) -> int:
        """One side of the picture in pixels."""
        if small:
            return 8 * (1 + self.take(5))
        return 1 + self.take((9, 13, 18, 30)[self.take(2)])


def _codestream(blocks: Blocks, data: bytes) -> None:
    """SizeHeader, and the orientation of ImageMetadata."""
    if data[:2] != CODESTREAM:
        return
    bits = _Bits(data[2:])
    small = bool(bits.take(1))
    height = bits.length(small=small)
    ratio = _RATIOS.get(bits.take(3))
    width = height * ratio[0] // ratio[1] if ratio else bits.length(small=small)
    blocks.width, blocks.height, blocks.orientation = width, height, 1
    if not bits.take(1) and bits.take(1):
        blocks.orientation = 1 + bits.take(3)
