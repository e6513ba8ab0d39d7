"""TIFF files: the metadata stands in the directories themselves (TIFF 6.0; XMP part 3, 1.1.8)."""

from __future__ import annotations

from photometa.containers.blocks import Blocks
from photometa.containers.ifd import ICC, IPTC, PHOTOSHOP, XMP, IfdEntry, Tiff
from photometa.containers.jpeg import iptc_of_photoshop

_WIDTH, _HEIGHT = 0x0100, 0x0101
MAX_BLOCK = 64 << 20


def read_tiff(tiff: Tiff, image: dict[int, IfdEntry]) -> Blocks:
    """The blocks of a TIFF: its first directory."""
    blocks = blocks_of_directory(tiff, image, "tiff")
    blocks.width, blocks.height = tiff.number(image.get(_WIDTH)), tiff.number(image.get(_HEIGHT))
    return blocks


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
