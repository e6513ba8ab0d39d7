"""Which format a file is, by its first bytes, and the module that reads it."""

from __future__ import annotations

from photometa.containers.blocks import Blocks, FormatError
from photometa.containers.bmff import BoxError, Source
from photometa.containers.heif import read_heif
from photometa.containers.ifd import Tiff
from photometa.containers.jpeg import read_jpeg
from photometa.containers.jxl import CODESTREAM, SIGNATURE, read_jxl
from photometa.containers.png import read_png
from photometa.containers.raw import raw_format, read_cr3, read_raf, read_raw_tiff
from photometa.containers.tiff import read_tiff
from photometa.containers.webp import read_webp

_TIFF = {b"II*\0", b"MM\0*", b"IIRO", b"IIRS", b"MMOR", b"IIU\0"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}


def read_blocks(source: Source) -> Blocks:
    """The metadata blocks of a file.

    Raises:
        FormatError: not a format that photometa knows, or its structure cannot be read.
    """
    head = source.read_at(0, 64)
    try:
        if head.startswith(b"\xff\xd8\xff"):
            return read_jpeg(source)
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return read_png(source)
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return read_webp(source)
        if head[:4] in _TIFF:
            return _tiff(source, head)
        if head.startswith((SIGNATURE, CODESTREAM)):
            return read_jxl(source)
        if head.startswith(b"FUJIFILMCCD-RAW "):
            return read_raf(source)
        if head[4:12] == b"ftypcrx ":
            return read_cr3(source)
        if head[4:8] == b"ftyp":
            return read_heif(source, _brand(head))
    except BoxError as error:
        raise FormatError(str(error)) from error
    raise FormatError("its first bytes match no format that photometa knows")


def _tiff(source: Source, head: bytes) -> Blocks:
    tiff = Tiff(source)
    image, _ = tiff.directory(tiff.first)
    raw = raw_format(tiff, image, head)
    return read_raw_tiff(tiff, image, raw) if raw else read_tiff(tiff, image)


def _brand(head: bytes) -> str:
    """HEIF or AVIF, by the major brand, then by the compatible ones (ISO/IEC 23008-12, 10)."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[i : i + 4] for i in range(16, size - 3, 4))]
    if brands[0] in _AVIF_BRANDS or (brands[0] in (b"mif1", b"msf1") and _AVIF_BRANDS & set(brands)):
        return "avif"
    if _HEIC_BRANDS & set(brands):
        return "heic"
    raise FormatError("a movie or another file of boxes, not a photo")
