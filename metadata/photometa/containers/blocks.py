"""What a container module finds in a file."""

from __future__ import annotations

from dataclasses import dataclass, field

from photometa.containers.ifd import Directories, Tiff


@dataclass(slots=True)
class Blocks:
    """The metadata blocks of one file, as bytes, and what its container says itself."""

    format: str
    """"jpeg", "tiff", "png", "webp", "heic", "avif" ..."""
    width: int | None = None
    """Pixels as stored."""
    height: int | None = None
    orientation: int | None = None
    """1-8 where the container itself turns the picture (HEIF irot and imir, JPEG XL), in EXIF's terms."""
    tiff: Tiff | None = None
    """The Exif block."""
    directories: Directories | None = None
    """Exif directories, where they do not stand in one block (CR3)."""
    xmp: list[bytes] = field(default_factory=list)
    """XMP packets, the main one first."""
    iptc: bytes | None = None
    """IPTC IIM datasets."""
    icc: bytes | None = None
    """ICC profile."""
    colour: str | None = None
    """A colour space that the container names without a profile."""


class FormatError(ValueError):
    """The file is not what its first bytes promise: nothing can be read from it."""
