"""Preparing a photo for a generator: pixels of the size needed, what is seen in them, the crop, the lens."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from afterframe.domain import Photo
from afterframe.imaging.frames import Pixels, PreparedPhoto, every_cpu_core
from afterframe.imaging.framing import frame
from afterframe.vision import analyse

Load = Callable[[tuple[int, int]], Pixels]
"""Decodes a photo: called with the (width, height) in pixels that the picture must cover; gives uint8 sRGB
(height, width, 3), upright, the whole photo."""
LENS_FACTS = ("f_number", "focal_35mm", "subject_distance_m")
"""The facts that say something about depth; fields of :class:`PreparedPhoto`."""


def prepare(photo: Photo, size: tuple[int, int], overscan: float, load: Load) -> PreparedPhoto:
    """Prepare a photo as a generator takes it.

    Args:
        photo: as the catalogue knows it. One known from a rebuild alone was never analysed: it is now.
        size: (width, height) of the clip, pixels.
        overscan: the margin on each side as a share of the frame, 0-0.2.
        load: decodes the photo.
    Raises:
        PhotoError: it cannot be read.
    """
    width, height = (math.ceil(side * (1 + 2 * overscan)) + 2 for side in size)
    pixels = load((width, height))
    scene = photo.scene if photo.scene.measures else analyse(pixels)
    with every_cpu_core():
        prepared = frame(pixels, scene, size, overscan)
    lens: dict[str, Any] = {name: photo.facts.get(name) for name in LENS_FACTS}
    return replace(prepared, **lens)
