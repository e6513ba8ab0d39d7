"""Which format a file is, by its first bytes, and the module that reads it."""

from __future__ import annotations

from collections.abc import Callable

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

_STARTS = {
    b"\xff\xd8\xff": "jpeg",
    b"\x89PNG\r\n\x1a\n": "png",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"IIRO": "orf",
    b"IIRS": "orf",
    b"MMOR": "orf",
    b"IIU\0": "rw2",
    SIGNATURE: "jxl",
    CODESTREAM: "jxl",
    b"FUJIFILMCCD-RAW ": "raf",
}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_READERS: dict[str, Callable[[Source], Blocks]] = {
    "jpeg": read_jpeg,
    "png": read_png,
    "webp": read_webp,
    "jxl": read_jxl,
    "raf": read_raf,
    "cr3": read_cr3,
}


def sniff(head: bytes) -> str | None:
    """The format of a file by its first 64 bytes; None: none that photometa knows.

    Returns:
        "jpeg", "png", "webp", "tiff", "orf", "rw2", "jxl", "raf", "cr3", "heic" or "avif". Other raws are "tiff" here:
        only their directories tell.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _brand(head)
    return next((name for start, name in _STARTS.items() if head.startswith(start)), None)


def read_blocks(source: Source) -> Blocks:
    """The metadata blocks of a file.

    Raises:
        FormatError: not a format that photometa knows, or its structure cannot be read.
    """
    head = source.read_at(0, 64)
    name = sniff(head)
    try:
        if name in ("tiff", "orf", "rw2"):
            return _tiff(source, head)
        if name in ("heic", "avif"):
            return read_heif(source, name)
        if name is not None:
            return _READERS[name](source)
    except BoxError as error:
        raise FormatError(str(error)) from error
    if head[4:8] == b"ftyp":
        raise FormatError("a movie or another file of boxes, not a photo")
    raise FormatError("its first bytes match no format that photometa knows")


def _tiff(source: Source, head: bytes) -> Blocks:
    tiff = Tiff(source)
    image, _ = tiff.directory(tiff.first)
    raw = raw_format(tiff, image, head)
    return read_raw_tiff(tiff, image, raw) if raw else read_tiff(tiff, image)


def _brand(head: bytes) -> str | None:
    """CR3, HEIF or AVIF, by the major brand, then by the compatible ones (ISO/IEC 23008-12, 10)."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[i : i + 4] for i in range(16, size - 3, 4))]
    if brands[0] == b"crx ":
        return "cr3"
    if brands[0] in _AVIF_BRANDS or (brands[0] in (b"mif1", b"msf1") and _AVIF_BRANDS & set(brands)):
        return "avif"
    return "heic" if _HEIC_BRANDS & set(brands) else None
