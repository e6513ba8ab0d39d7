"""The depth map that the shader of the interactive view reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from afterframe.generators.parallax.clip_renderer import pivot_of
from afterframe.generators.parallax.depth import nearness
from afterframe.imaging.frames import Pixels, PreparedPhoto
from afterframe.vision import map_scene

STAYS = 128
"""Value of the subject's plane, which stays in place. Brighter is nearer, darker is farther."""
_STEPS = 127
"""Values on either side of it."""


def relief(photo: PreparedPhoto, weights: Path | None = None) -> Pixels:
    """How far each part of a framed photo lies in front of or behind the camera's pivot.

    The same depth as a clip's, relative to its pivot: 128 on the pivot's plane, 255 or 1 at whichever end of the range
    is farther from it.

    Args:
        photo: framed without a margin.
        weights: a folder with a depth network, used in place of the cues; None: the cues.

    Returns:
        uint8 (height, width), of the photo's aspect, at most 512 pixels on its long side.
    """
    seen = map_scene(photo.surround, photo.scene)
    near = nearness(seen, photo, weights)
    stays = pivot_of(seen, near, photo).nearness
    signed = (near - np.float32(stays)) / np.float32(max(stays, 1.0 - stays))
    return np.asarray(np.rint(STAYS + _STEPS * np.clip(signed, -1.0, 1.0)), np.uint8)
