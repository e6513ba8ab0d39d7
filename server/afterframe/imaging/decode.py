"""Photo files to pixels: upright, sRGB, 8 bits, whatever the format of the file.

What the file says about its colours counts, see :mod:`afterframe.imaging.colour_management`.
"""

from __future__ import annotations

import math
import stat
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pi_heif
from PIL import Image, UnidentifiedImageError

import photometa
from afterframe.errors import PhotoError
from afterframe.imaging.colour_management import colour_of, srgb_pixels
from afterframe.imaging.frames import Pixels
from afterframe.imaging.tiff_layout import TIFF_STARTS, picture_page, unsupported_layout

_SUFFIXES_OF = {
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "tiff": (".tif", ".tiff"),
    "png": (".png",),
    "webp": (".webp",),
    "heic": (".heic", ".heif", ".hif", ".heics", ".heifs"),
    "avif": (".avif", ".avifs"),
}
"""Format -> its suffixes, the usual one first. The file's content decides: cameras write AVIF as .HIF, too."""
SUFFIXES = frozenset(suffix for suffixes in _SUFFIXES_OF.values() for suffix in suffixes)
"""What counts as a photo by its name, in watch, API, command, upload and plugins alike."""
HEAD_BYTES = 64
"""So much of a file's beginning tells its format."""
FORMATS = ("JPEG", "TIFF", "PNG", "WEBP", "HEIF", "AVIF")
"""Formats of these suffixes; Pillow's readers of other formats are never tried, whatever a file is called."""
MIN_SIDE = 64
"""Pixels; a smaller picture is an icon, not a photo."""
TURNED = (5, 6, 7, 8)
"""EXIF orientations that are stored on their side: width and height are swapped."""

pi_heif.register_heif_opener()
# Pillow only warns, and only at its own limit; open_photo checks the configured one before any pixel is read.
Image.MAX_IMAGE_PIXELS = None


def is_photo(path: Path) -> bool:
    """Whether a file is a photo by its name: a known suffix, and not hidden."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def unsupported_kind(name: str) -> PhotoError:
    """The refusal of a file that is no photo by its name."""
    return PhotoError(
        f"{name} is not a kind of photo that can be animated.",
        "Export it as JPEG, TIFF, PNG, WebP or HEIC.",
        code="unsupported_kind",
    )


def suffix_of(head: bytes) -> str | None:
    """The suffix of a photo's format by its first HEAD_BYTES; None: of no format that can be read."""
    return next(iter(_SUFFIXES_OF.get(photometa.sniff(head) or "", ())), None)


def open_photo(path: Path, *, megapixels: float = 200.0) -> Image.Image:
    """Open a photo, without reading its pixels. The caller closes it.

    Raises:
        PhotoError: empty, not a photo, animated, too small or too large, or not readable.
    """
    try:
        _check_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged EXIF
            image = _opened(path)
    except PhotoError:
        raise
    except Exception as error:  # Pillow's readers raise whatever a damaged file makes them raise
        raise _refusal(path, error) from error
    try:
        _check(path, image, megapixels)
    except BaseException:
        image.close()
        raise
    return image


def _opened(path: Path) -> Image.Image:
    """The picture; of a TIFF, the page that is one.

    Raises:
        PhotoError: it is a TIFF in a layout that cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head.startswith(TIFF_STARTS):
        return Image.open(path, formats=FORMATS)
    page = picture_page(path)
    try:
        image = Image.open(path, formats=FORMATS)
    except UnidentifiedImageError:
        if page.whole:
            raise unsupported_layout(path, "its layout is not known") from None
        raise
    try:
        image.seek(page.number)
    except BaseException:
        image.close()
        raise
    return image


def _check_file(path: Path) -> None:
    status = path.stat()
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise PhotoError(f"{path.name} is not a file.", "Name a photo.", code="not_a_photo")
    if status.st_size == 0:
        raise PhotoError(f"{path.name} is empty.", "Export it again.", code="empty")


def _refusal(path: Path, error: Exception) -> PhotoError:
    """Why a file cannot be opened as a photo."""
    if isinstance(error, FileNotFoundError):
        return PhotoError(f"{path} is not there.", "It may have been moved or renamed.", code="missing")
    if isinstance(error, PermissionError):
        return PhotoError(f"{path.name} cannot be read.", "Give yourself permission to read it.", code="no_permission")
    if isinstance(error, UnidentifiedImageError) and not _begins_like_a_photo(path):
        return PhotoError(
            f"{path.name} is not a picture in a supported format, whatever its name says.",
            "Export it as JPEG, TIFF, PNG, WebP or HEIC.",
            code="not_a_photo",
        )
    return _broken(path, error)


def _begins_like_a_photo(path: Path) -> bool:
    """Whether a file has the first bytes of a photo: then it is damaged, not something else."""
    with path.open("rb") as file:
        return suffix_of(file.read(HEAD_BYTES)) is not None


def _check(path: Path, image: Image.Image, megapixels: float) -> None:
    width, height = image.size
    if width * height > megapixels * 1e6:
        raise PhotoError(
            f"{path.name} has {width * height / 1e6:.0f} megapixels; the limit is {megapixels:.0f}.",
            "Export it smaller, or raise limits.megapixels in config.toml.",
            code="too_large",
        )
    if min(width, height) < MIN_SIDE:
        raise PhotoError(
            f"{path.name} is only {width} x {height} pixels.",
            f"Export it with at least {MIN_SIDE} pixels on its short side.",
            code="too_small",
        )
    if image.format in ("WEBP", "PNG") and getattr(image, "is_animated", False):
        raise PhotoError(f"{path.name} is already an animation.", "Export a still picture.", code="animated")


def decode(
    path: Path, *, megapixels: float = 200.0, at_least: tuple[int, int] | None = None
) -> tuple[Pixels, tuple[int, int]]:
    """Read a photo to its very end.

    Args:
        at_least: upright (width, height), pixels. A JPEG may be decoded smaller, which is faster, but covers this.
    Returns:
        uint8 sRGB (height, width, 3), upright; and the (width, height) of the whole photo, upright.
    Raises:
        PhotoError: as :func:`open_photo`, or the file is cut short or damaged.
    """
    with open_photo(path, megapixels=megapixels) as image:
        try:
            full = image.size
            orientation, adobe_rgb = _from_exif(image)
            if at_least is not None and image.mode in ("L", "RGB"):
                stored = at_least[::-1] if orientation in TURNED else at_least
                scale = max(stored[0] / full[0], stored[1] / full[1])
                image.draft(None, (math.ceil(full[0] * scale), math.ceil(full[1] * scale)))
            colour = colour_of(path, image, adobe_rgb=adobe_rgb)
            pixels = srgb_pixels(path, image, colour)
        except PhotoError:
            raise
        except MemoryError as error:
            raise PhotoError(
                f"{path.name} needs more memory than there is.", "Export it smaller.", code="too_large"
            ) from error
        except Exception as error:  # as above
            raise _broken(path, error) from error
    return _upright(pixels, orientation), full[::-1] if orientation in TURNED else full


def _broken(path: Path, error: Exception) -> PhotoError:
    if isinstance(error, OSError) and error.errno is not None:  # of the system, not of the picture
        return PhotoError(
            f"{path.name} cannot be read: {error.strerror or error}.",
            "Check the disk and the file's permissions.",
            code="unreadable",
        )
    return PhotoError(
        f"{path.name} is damaged or cut short ({error}).",
        "If it is still being written, wait; otherwise export it again.",
        code="truncated",
    )


def _from_exif(image: Image.Image) -> tuple[int, bool]:
    """The orientation (1-8), and whether the interoperability index says Adobe RGB.

    The latter is "R03" (DCF 2.0) in the IFD of tag 0xA005 (Exif 2.32, 4.6.3). A picture whose EXIF is damaged is
    still a picture.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exif = image.getexif()
            # Pillow itself turns a TIFF while it reads the pixels.
            orientation: Any = 1 if image.format == "TIFF" else exif.get(0x0112, 1)
            index: Any = exif.get_ifd(0xA005).get(1)
        except Exception:  # noqa: BLE001 - whatever Pillow makes of hostile EXIF
            return 1, False
    text = index.decode("latin-1") if isinstance(index, bytes) else str(index)
    return orientation if orientation in range(1, 9) else 1, text.startswith("R03")


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo the camera's rotation (Exif 2.32, 4.6.4 A, Orientation)."""
    if orientation in TURNED:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
