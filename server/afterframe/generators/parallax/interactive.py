"""The depth of a photo for a view that the looker moves: what the shader of the interactive view reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from afterframe.generators.parallax.clip_renderer import pivot_of
from afterframe.generators.parallax.depth import nearness
from afterframe.generators.parallax.depth_network import configured
from afterframe.imaging.frames import Pixels, PreparedPhoto
from afterframe.vision import map_scene

STAYS = 128
"""The value of what stays in its place: the subject's plane. Brighter is nearer, darker farther."""
_STEPS = 127
"""Values on either side of it."""


def relief(photo: PreparedPhoto, weights: Path | None = None) -> Pixels:
    """How far each part of a framed photo lies before or behind what the camera turns around.

    The same depth as a clip's, told from its pivot: 128 on the pivot's plane, 255 or 1 at the end of the range that
    lies farther from it.

    Args:
        photo: framed without a margin.
        weights: a folder with a depth network, used in place of the cues; None: what config.toml names, if anything.

    Returns:
        uint8 (height, width), of the photo's aspect, at most 512 pixels on its long side.
    """
    seen = map_scene(photo.surround, photo.scene)
    near = nearness(seen, photo, weights or configured())
    stays = pivot_of(seen, near, photo).nearness
    signed = (near - np.float32(stays)) / np.float32(max(stays, 1.0 - stays))
    return np.asarray(np.rint(STAYS + _STEPS * np.clip(signed, -1.0, 1.0)), np.uint8)
