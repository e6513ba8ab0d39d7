"""An opened picture's stored values to sRGB with 8 bits, by whatever the file says about its colours.

An ICC profile counts; PNG's cICP counts before it (third edition, 4.3). Without either: code points, gAMA and cHRM,
then the EXIF interoperability index ("R03": Adobe RGB, DCF 2.0), then sRGB.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import TiffImageFile

from afterframe.imaging.colour_coding import ADOBE_RGB, ColourCoding, coded_to_srgb, coding_of
from afterframe.imaging.deep_pixels import deep_pixels
from afterframe.imaging.frames import Pixels
from afterframe.imaging.tiff_layout import PHOTOMETRIC, WHITE_IS_ZERO
from photometa.containers.blocks import FormatError
from photometa.containers.sniff import read_blocks
from photometa.containers.source import File

_NAMED_WITHOUT_PROFILE = frozenset({"PNG", "AVIF", "HEIF"})
"""Formats that can name a colour space in other ways than by a profile."""


@dataclass(frozen=True, slots=True)
class FileColour:
    """What a file says about its colours."""

    icc: bytes | None = None
    coding: ColourCoding | None = None
    bits: int = 8
    """Of each stored value."""


def colour_of(path: Path, image: Image.Image, *, adobe_rgb: bool) -> FileColour:
    """What a file says about its colours.

    Args:
        image: the same file, opened.
        adobe_rgb: its EXIF says so.
    """
    icc = image.info.get("icc_profile") or None
    coding, bits = None, 8
    if image.format in _NAMED_WITHOUT_PROFILE:
        try:
            with path.open("rb") as file:
                blocks = read_blocks(File(file))
        except FormatError:
            return FileColour(icc)
        coding, bits = coding_of(blocks), blocks.bits or 8
        if image.format == "PNG":
            icc = blocks.icc
        if coding is not None or blocks.colour is not None:
            adobe_rgb = False
    return FileColour(icc, coding or (ADOBE_RGB if adobe_rgb else None), bits)


def srgb_pixels(path: Path, image: Image.Image, colour: FileColour) -> Pixels:
    """The pixels as sRGB: uint8 (height, width, 3). Transparent parts become white, as on paper.

    Args:
        image: the file, opened. It is read to its end.
    """
    image.load()
    coding, deep = colour.coding, None
    if coding is not None and colour.icc is None and colour.bits > 8:
        deep = deep_pixels(path, image, colour.bits)
    if image.mode.startswith("I"):
        image = _sixteen_to_eight(image)
    if image.mode in ("P", "PA", "1", "LA", "La", "RGBa", "RGBX") or "transparency" in image.info:
        image = image.convert("RGBA" if _has_alpha(image) else "L" if image.mode == "1" else "RGB")
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    if alpha is not None:
        image = image.convert("RGB")
    if coding is not None and deep is not None:
        pixels = coded_to_srgb(deep, coding, colour.bits)
    else:
        pixels = _converted(image, colour)
    if alpha is None:
        return pixels
    white = Image.new("RGB", image.size, (255, 255, 255))
    return np.asarray(Image.composite(Image.fromarray(pixels), white, alpha), np.uint8)


def _converted(image: Image.Image, colour: FileColour) -> Pixels:
    managed = _by_profile(image, colour.icc) if colour.icc or image.mode == "LAB" else None
    pixels = np.asarray(managed or image.convert("RGB"), np.uint8)
    return coded_to_srgb(pixels, colour.coding) if managed is None and colour.coding else pixels


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("PA", "LA", "La", "RGBa") or "transparency" in image.info


def _sixteen_to_eight(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.float32)
    if isinstance(image, TiffImageFile) and image.tag_v2.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        values = 65535 - values  # which Pillow does for 8 bits only
    return Image.fromarray(np.clip(values / 257.0 + 0.5, 0, 255).astype(np.uint8))


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _by_profile(image: Image.Image, icc: bytes | None) -> Image.Image | None:
    """Relative colorimetric with black point compensation, as print and web exports use; None: no usable profile."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc) if icc else ImageCms.createProfile("LAB"))
        return ImageCms.profileToProfile(
            image,
            profile,
            _srgb(),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
