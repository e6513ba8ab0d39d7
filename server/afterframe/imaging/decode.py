"""Photo files to pixels: upright, sRGB, 8 bits, whatever the format of the file.

Colours follow the file's ICC profile; without one, the EXIF interoperability index distinguishes Adobe RGB (DCF 2.0,
"R03") from sRGB.
"""

from __future__ import annotations

import io
import math
import stat
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pi_heif
from PIL import Image, ImageCms, UnidentifiedImageError

import photometa
from afterframe.errors import PhotoError
from afterframe.imaging.frames import Pixels

SUFFIXES = frozenset({".jpg", ".jpeg", ".tif", ".tiff", ".png", ".webp", ".heic", ".heif", ".avif"})
HEAD_BYTES = 64
"""So much of a file's beginning tells its format."""
_SUFFIX_OF = {"jpeg": ".jpg", "tiff": ".tif", "png": ".png", "webp": ".webp", "heic": ".heic", "avif": ".avif"}
FORMATS = ("JPEG", "TIFF", "PNG", "WEBP", "HEIF", "AVIF")
"""Formats of these suffixes; Pillow's readers of other formats are never tried, whatever a file is called."""
MIN_SIDE = 64
"""Pixels; a smaller picture is an icon, not a photo."""
TURNED = (5, 6, 7, 8)
"""EXIF orientations that are stored on their side: width and height are swapped."""
BIT_DEPTHS_16 = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})

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
    return _SUFFIX_OF.get(photometa.sniff(head) or "")


def open_photo(path: Path, *, megapixels: float = 200.0) -> Image.Image:
    """Open a photo, without reading its pixels. The caller closes it.

    Raises:
        PhotoError: empty, not a photo, animated, too small or too large, or not readable.
    """
    try:
        _check_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged EXIF
            image = Image.open(path, formats=FORMATS)
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
    if image.mode == "F" or image.mode.startswith("F;"):
        raise PhotoError(
            f"{path.name} has 32-bit floating-point pixels.", "Export it with 8 or 16 bits.", code="unsupported"
        )


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
            adobe_rgb = adobe_rgb and "icc_profile" not in image.info
            pixels = _to_srgb(image)
        except PhotoError:
            raise
        except MemoryError as error:
            raise PhotoError(
                f"{path.name} needs more memory than there is.", "Export it smaller.", code="too_large"
            ) from error
        except Exception as error:  # as above
            raise _broken(path, error) from error
    if adobe_rgb:
        pixels = _adobe_rgb_to_srgb(pixels)
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


def _to_srgb(image: Image.Image) -> Pixels:
    icc = image.info.get("icc_profile")
    if image.mode in BIT_DEPTHS_16 or image.mode == "I":
        image = _sixteen_to_eight(image)
    if image.mode in ("P", "PA", "1", "LA", "La", "RGBa", "RGBX") or "transparency" in image.info:
        image = image.convert("RGBA" if _has_alpha(image) else "L" if image.mode in ("1", "LA", "La") else "RGB")
    if image.mode == "RGBA":
        # Transparent parts become white, as on paper.
        image = Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), image).convert("RGB")
    converted = _by_profile(image, icc) if icc or image.mode == "LAB" else None
    return np.asarray(converted or image.convert("RGB"), dtype=np.uint8)


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("PA", "LA", "La", "RGBa") or "transparency" in image.info


def _sixteen_to_eight(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.float32)
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


def _adobe_rgb_to_srgb(pixels: Pixels) -> Pixels:
    """Adobe RGB (1998) section 4.3 to sRGB (IEC 61966-2-1), by bands, so that memory stays small."""
    linear = (np.arange(256, dtype=np.float32) / 255.0) ** (563 / 256)
    # XYZ matrices of the two colour spaces, both D65, multiplied.
    matrix = np.array(
        [[1.39836, -0.39836, 0.0], [0.0, 1.0, 0.0], [0.0, -0.04293, 1.04293]],
        dtype=np.float32,
    )
    steps = np.arange(4096, dtype=np.float32) / 4095.0
    encoded = np.where(steps <= 0.0031308, steps * 12.92, 1.055 * np.power(steps, 1 / 2.4) - 0.055)
    table = np.round(encoded * 255).astype(np.uint8)
    out = np.empty_like(pixels)
    for top in range(0, pixels.shape[0], 256):
        band = linear[pixels[top : top + 256]] @ matrix.T
        out[top : top + 256] = table[np.round(np.clip(band, 0, 1) * 4095).astype(np.int16)]
    return out
