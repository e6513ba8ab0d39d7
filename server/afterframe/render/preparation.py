"""Preparing a photo for a generator: pixels of the size needed, what is seen in them, the crop, the lens."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import replace
from pathlib import Path
from typing import Any

from afterframe.domain import Photo
from afterframe.imaging.frames import Pixels, PreparedPhoto, every_cpu_core
from afterframe.imaging.framing import frame
from afterframe.scene import SCENE_VERSION, Scene
from afterframe.vision import load_detectors, look
from afterframe.vision.claims import claim_facts
from photometa import Facts
from photometa.facts.faces import FaceRegion

Load = Callable[[tuple[int, int]], Pixels]
"""Decodes a photo: called with the (width, height) in pixels that the picture must cover; gives uint8 sRGB
(height, width, 3), upright, the whole photo."""
LENS_FACTS = ("f_number", "focal_35mm", "subject_distance_m")
"""The facts that say something about depth; fields of :class:`PreparedPhoto`."""
_looked: dict[Hashable, Scene] = {}
"""The scene of the photo that was looked at last: drafts ask for the same one again and again."""


def prepare(
    photo: Photo, size: tuple[int, int], overscan: float, load: Load, detectors: Path | None = None
) -> PreparedPhoto:
    """Prepare a photo as a generator takes it.

    Args:
        photo: as the catalogue knows it. One known from a rebuild alone was never analysed, and one of an earlier
            version saw less: it is now.
        size: (width, height) of the clip, pixels.
        overscan: the margin on each side as a share of the frame, 0-0.2.
        load: decodes the photo.
        detectors: folder of the nets that see faces, people and things.
    Raises:
        PhotoError: it cannot be read.
    """
    width, height = (math.ceil(side * (1 + 2 * overscan)) + 2 for side in size)
    pixels = load((width, height))
    scene = _scene(photo, pixels, detectors)
    with every_cpu_core():
        prepared = frame(pixels, scene, size, overscan)
    lens: dict[str, Any] = {name: photo.facts.get(name) for name in LENS_FACTS}
    return replace(prepared, **lens)


def _scene(photo: Photo, pixels: Pixels, detectors: Path | None) -> Scene:
    if photo.scene.measures and photo.scene.version == SCENE_VERSION:
        return photo.scene
    told: dict[str, Any] = {name: photo.facts.get(name) for name in claim_facts()}
    regions = tuple(FaceRegion(**region) for region in photo.facts.get("face_regions") or ())
    facts = replace(Facts(), face_regions=regions, **told)
    key = (photo.path, photo.sha256, pixels.shape, facts.face_regions, *told.values(), load_detectors(detectors))
    if key not in _looked:
        scene = look(pixels, detectors, facts)
        _looked.clear()
        _looked[key] = scene
    return _looked[key]
