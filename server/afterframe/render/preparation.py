"""Preparing a photo for a generator: pixels of the size needed, what is seen in them, the crop, the lens."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from afterframe.domain import Photo
from afterframe.imaging.frames import Pixels, PreparedPhoto, every_cpu_core
from afterframe.imaging.framing import frame
from afterframe.scene import Scene
from afterframe.vision import facts_needed, look
from photometa import Facts
from photometa.facts.faces import FaceRegion

Load = Callable[[tuple[int, int]], Pixels]
"""Decodes a photo: called with the (width, height) in pixels that the picture must cover; gives uint8 sRGB
(height, width, 3), upright, the whole photo."""
LENS_FACTS = ("f_number", "focal_35mm", "subject_distance_m")
"""The facts that say something about depth; fields of :class:`PreparedPhoto`."""


def _forget(scene: Scene) -> None:
    """What is seen is for this clip alone."""


def prepare(
    photo: Photo,
    size: tuple[int, int],
    overscan: float,
    load: Load,
    detectors: Path | None = None,
    keep: Callable[[Scene], None] = _forget,
) -> PreparedPhoto:
    """Prepare a photo as a generator takes it.

    Args:
        photo: as the catalogue knows it. One known from a rebuild alone was never analysed, and one of an earlier
            version saw less: it is now.
        size: (width, height) of the clip, pixels.
        overscan: the margin on each side as a share of the frame, 0-0.2.
        load: decodes the photo.
        detectors: folder of the nets that see faces, people and things.
        keep: called with what is seen in a photo that had to be looked at.
    Raises:
        PhotoError: it cannot be read.
    """
    width, height = (math.ceil(side * (1 + 2 * overscan)) + 2 for side in size)
    pixels = load((width, height))
    scene = photo.scene
    if not scene.current:
        scene = look(pixels, detectors, _facts(photo))
        keep(scene)
    with every_cpu_core():
        prepared = frame(pixels, scene, size, overscan)
    lens: dict[str, Any] = {name: photo.facts.get(name) for name in LENS_FACTS}
    return replace(prepared, **lens)


def _facts(photo: Photo) -> Facts:
    """Of what is known about a photo, what helps to see."""
    told: dict[str, Any] = {name: photo.facts.get(name) for name in facts_needed()}
    regions = tuple(FaceRegion(**region) for region in photo.facts.get("face_regions") or ())
    return replace(Facts(), face_regions=regions, **told)
