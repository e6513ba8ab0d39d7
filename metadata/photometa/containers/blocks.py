"""What a container module finds in a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from photometa.containers.ifd import Directories, Tiff


class Cicp(NamedTuple):
    """Coding-independent code points (ITU-T H.273)."""

    primaries: int
    transfer: int
    matrix: int
    full_range: bool


@dataclass(slots=True)
class Blocks:
    """The metadata blocks of one file, as bytes, and what the container itself says."""

    format: str
    """"jpeg", "tiff", "png", "webp", "heic", "avif" ..."""
    width: int | None = None
    """Pixels as stored."""
    height: int | None = None
    orientation: int | None = None
    """1-8 if the container itself rotates the picture (HEIF irot and imir, JPEG XL), as EXIF Orientation."""
    tiff: Tiff | None = None
    """The Exif block."""
    directories: Directories | None = None
    """Exif directories that are not simply those of the block (CR3, a TIFF of several pages)."""
    xmp: list[bytes] = field(default_factory=list)
    """XMP packets, the main one first."""
    iptc: bytes | None = None
    """IPTC IIM datasets."""
    icc: bytes | None = None
    """ICC profile."""
    pictures: tuple[int, ...] = ()
    """Where further pictures of a JPEG begin (multi-picture index), bytes from the file's start."""
    mapped: bool = False
    """A JPEG says by ISO 21496-1's segment that it has a gain map."""
    colour: str | None = None
    """A colour space that the container names without a profile."""
    bits: int | None = None
    """Of each stored value, where the container says so (PNG, HEIF, AVIF)."""
    cicp: Cicp | None = None
    """Colour by code points (HEIF's nclx, PNG's cICP)."""
    gamma: float | None = None
    """PNG's gAMA: the exponent from light to the stored value."""
    chromaticities: tuple[float, ...] | None = None
    """PNG's cHRM: x and y of white, red, green and blue."""


_PRIMARIES = {1: "sRGB", 9: "Rec. 2020", 12: "Display P3"}
_HDR = {16: "PQ", 18: "HLG"}


def colour_name(cicp: Cicp) -> str | None:
    """The usual name of a colour space by its code points (H.273, tables 2 and 3)."""
    if cicp.primaries == 9 and cicp.transfer in _HDR:
        return f"Rec. 2100 {_HDR[cicp.transfer]}"
    return _PRIMARIES.get(cicp.primaries)


class FormatError(ValueError):
    """The file is not what its first bytes say: nothing can be read from it."""
