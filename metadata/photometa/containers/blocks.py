"""What a container module finds in a file."""

from __future__ import annotations

from dataclasses import dataclass, field

from photometa.containers.ifd import Directories, Tiff


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
    """Exif directories that are not in one block (CR3)."""
    xmp: list[bytes] = field(default_factory=list)
    """XMP packets, the main one first."""
    iptc: bytes | None = None
    """IPTC IIM datasets."""
    icc: bytes | None = None
    """ICC profile."""
    colour: str | None = None
    """A colour space that the container names without a profile."""


class FormatError(ValueError):
    """The file is not what its first bytes say: nothing can be read from it."""
