"""TIFF files: the metadata stands in the directories themselves (TIFF 6.0; XMP part 3, 1.1.8)."""

from __future__ import annotations

from collections.abc import Iterator

from photometa.containers.blocks import Blocks
from photometa.containers.ifd import ICC, IPTC, PHOTOSHOP, XMP, IfdEntry, Tiff, directories
from photometa.containers.jpeg import iptc_of_photoshop

_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _ORIENTATION = 0x00FE, 0x00FF, 0x0100, 0x0101, 0x0112
_REDUCED, _MASK = 1, 4
"""Bits of NewSubfileType."""
_OLD_REDUCED = 2
MAX_BLOCK = 64 << 20
MAX_PAGES = 1000


def read_tiff(tiff: Tiff, first: dict[int, IfdEntry]) -> Blocks:
    """The blocks of a TIFF: those of its picture, and what only the first directory has."""
    _, page = main_page(tiff)
    inherited = {tag: entry for tag, entry in first.items() if tag != _ORIENTATION}
    blocks = blocks_of_directory(tiff, {**inherited, **page}, "tiff")
    blocks.width, blocks.height = tiff.number(page.get(_WIDTH)), tiff.number(page.get(_HEIGHT))
    blocks.directories = directories(tiff, {**inherited, **page})
    return blocks


def main_page(tiff: Tiff) -> tuple[int, dict[int, IfdEntry]]:
    """The number and the directory of the page that is the picture.

    It is the first one that is neither a reduced version of another nor a mask (TIFF 6.0, p. 36, NewSubfileType; p. 40,
    SubfileType); the largest, where a file says so of all its pages.
    """
    best: tuple[int, int, dict[int, IfdEntry]] = (0, 0, {})
    for number, page in enumerate(_pages(tiff)):
        if not _is_reduced(tiff, page):
            return number, page
        pixels = (tiff.number(page.get(_WIDTH)) or 0) * (tiff.number(page.get(_HEIGHT)) or 0)
        if number == 0 or pixels > best[0]:
            best = pixels, number, page
    return best[1], best[2]


def _is_reduced(tiff: Tiff, page: dict[int, IfdEntry]) -> bool:
    kind = tiff.number(page.get(_SUBFILE))
    if kind is None:
        return tiff.number(page.get(_OLD_SUBFILE)) == _OLD_REDUCED
    return bool(kind & (_REDUCED | _MASK))


def _pages(tiff: Tiff) -> Iterator[dict[int, IfdEntry]]:
    offset, seen = tiff.first, set[int]()
    while offset and offset not in seen and len(seen) < MAX_PAGES:
        seen.add(offset)
        page, offset = tiff.directory(offset)
        yield page


def blocks_of_directory(tiff: Tiff, image: dict[int, IfdEntry], format_name: str) -> Blocks:
    """The blocks that one directory holds, without the size."""
    xmp = tiff.raw(image.get(XMP), MAX_BLOCK)
    iptc = tiff.raw(image.get(IPTC), MAX_BLOCK)
    return Blocks(
        format_name,
        tiff=tiff,
        xmp=[xmp] if xmp else [],
        iptc=iptc or iptc_of_photoshop(tiff.raw(image.get(PHOTOSHOP), MAX_BLOCK)),
        icc=tiff.raw(image.get(ICC), MAX_BLOCK) or None,
    )
