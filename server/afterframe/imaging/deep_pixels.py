"""Stored values with all their bits, where eight are too few: HDR and linear light are coarse in eight.

Pillow gives eight; OpenCV and libheif, which are here already, give the others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pi_heif
from PIL import Image

DeepPixels = npt.NDArray[np.uint16]


def deep_pixels(path: Path, image: Image.Image, bits: int) -> DeepPixels | None:
    """The stored values, not turned; None where they cannot be had.

    Args:
        image: the same file, opened.
        bits: of each value, 9-16.
    Returns:
        uint16 (height, width, 3), 0 to 2 ** bits - 1.
    """
    found = _by_libheif(path, bits) if image.format == "HEIF" else _by_opencv(path)
    if found is None or found.dtype != np.uint16:
        return None
    if found.ndim == 2:
        found = np.repeat(found[..., None], 3, axis=2)
    fits = found.shape[:2] == image.size[::-1] and found.shape[2] in (3, 4)
    return np.ascontiguousarray(found[..., :3]) if fits else None


def _by_opencv(path: Path) -> npt.NDArray[Any] | None:
    try:
        found = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    return found[..., [2, 1, 0]] if found is not None and found.ndim == 3 else found


def _by_libheif(path: Path, bits: int) -> npt.NDArray[Any] | None:
    """libheif's values fill all 16 bits."""
    try:
        found = np.asarray(pi_heif.open_heif(path, convert_hdr_to_8bit=False)[0])
    except (OSError, ValueError, SyntaxError, RuntimeError):
        return None
    return found >> (16 - bits) if found.dtype == np.uint16 else None
