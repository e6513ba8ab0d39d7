"""PNG: chunks (W3C PNG third edition; XMP part 3, 1.1.5)."""

from __future__ import annotations

import binascii
import struct
import zlib

from photometa.containers.blocks import Blocks, Cicp, colour_name
from photometa.containers.bmff import Source
from photometa.containers.ifd import Tiff, open_tiff
from photometa.containers.jpeg import iptc_of_photoshop

MAX_CHUNKS = 300_000
MAX_INFLATED = 16 << 20
_XMP_KEY = b"XML:com.adobe.xmp"
_RAW_PROFILE = b"raw profile type "
_JPEG_XMP, _PHOTOSHOP = b"http://ns.adobe.com/xap/1.0/\0", b"Photoshop 3.0\0"
_TEXTS = frozenset({b"iTXt", b"zTXt", b"tEXt"})
_WANTED = _TEXTS | {b"eXIf", b"iCCP", b"sRGB", b"cICP", b"gAMA", b"cHRM"}


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
            blocks.width, blocks.height, blocks.bits = struct.unpack(
                ">IIB", source.read_at(offset + 8, 9).ljust(9, b"\0")
            )
        elif kind in _WANTED and length <= MAX_INFLATED:
            _chunk(blocks, kind, source.read_at(offset + 8, length))
        offset += 12 + length
    if blocks.cicp is not None:  # PNG third edition, 4.3: cICP before iCCP, sRGB, and gAMA with cHRM
        blocks.icc, blocks.colour = None, colour_name(blocks.cicp)
    if blocks.cicp is not None or blocks.icc is not None or blocks.colour is not None:
        blocks.gamma = blocks.chromaticities = None
    return blocks


def _chunk(blocks: Blocks, kind: bytes, data: bytes) -> None:
    if kind == b"eXIf":
        blocks.tiff = exif_block(data) or blocks.tiff
    elif kind == b"iCCP":
        blocks.icc = inflate(data.partition(b"\0")[2][1:]) or None
    elif kind == b"sRGB":
        blocks.colour = "sRGB"
    elif kind == b"cICP" and len(data) == 4:
        blocks.cicp = Cicp(data[0], data[1], data[2], bool(data[3]))
    elif kind == b"gAMA" and len(data) == 4:
        blocks.gamma = int.from_bytes(data, "big") / 100_000 or None
    elif kind == b"cHRM" and len(data) == 32:
        blocks.chromaticities = tuple(number / 100_000 for number in struct.unpack(">8I", data))
    elif kind in _TEXTS:
        keyword, _, rest = data.partition(b"\0")
        if keyword == _XMP_KEY:
            blocks.xmp.append(_text(kind, rest))
        elif keyword.lower().startswith(_RAW_PROFILE):
            _block(blocks, keyword[len(_RAW_PROFILE) :].strip().lower(), _raw_profile(_text(kind, rest)))


def _text(kind: bytes, data: bytes) -> bytes:
    """The text of a chunk after its keyword; iTXt has flags, a language and a translated keyword before it."""
    if kind == b"tEXt":
        return data
    if kind == b"zTXt":
        return inflate(data[1:])
    text = data[2:].split(b"\0", 2)[-1]
    return inflate(text) if data[:1] == b"\1" else text


def _raw_profile(text: bytes) -> bytes:
    """A block as ImageMagick and exiftool write it, by lines: a label, a length, and hexadecimal digits.

    The label may be several words, or missing. A length that is the right one tells which line it is.
    """
    lines = text.split(b"\n")
    found = b""
    for number, line in enumerate(lines[:4]):
        if not line.strip().isdigit():
            continue
        try:
            data = binascii.unhexlify(b"".join(b"".join(lines[number + 1 :]).split()))
        except binascii.Error:
            continue
        if len(data) == int(line[:20]):
            return data
        found = found or data
    return found


def _block(blocks: Blocks, name: bytes, data: bytes) -> None:
    """A block by what it begins with: a name like APP1 says only where it stood in a JPEG."""
    if data.startswith(_JPEG_XMP):
        blocks.xmp.append(data[len(_JPEG_XMP) :])
    elif data.startswith((b"Exif\0", b"II*\0", b"MM\0*")):
        blocks.tiff = blocks.tiff or exif_block(data)
    elif data.startswith((_PHOTOSHOP, b"8BIM")):
        blocks.iptc = blocks.iptc or iptc_of_photoshop(data.removeprefix(_PHOTOSHOP))
    elif data.startswith(b"\x1c"):
        blocks.iptc = blocks.iptc or data
    elif name in (b"icc", b"icm"):
        blocks.icc = blocks.icc or data or None
    elif name == b"xmp" and data:
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
