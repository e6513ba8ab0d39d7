"""What a parallax clip's displacement does to a part of the photo: where it appears, and how far it is bent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from afterframe.generators.parallax.clip_renderer import ClipRenderer
from afterframe.generators.parallax.warp import SPACING, Field
from afterframe.imaging.frames import PreparedPhoto
from afterframe.scene import BoundingBox

Points = npt.NDArray[np.floating]
"""(n, 2): x and y, pixels."""

_ROUNDS = 12
_FOUND = 0.05
"""Pixels by which a point may be missed."""
_SIDE = 9
"""Points along each side of a box."""


def similarity(start: Points, end: Points) -> npt.NDArray[np.float64]:
    """The scale, turn and shift that best carry ``start`` to ``end`` (n, 2), least squares.

    (a, b, tx, ty).
    """
    x, y = start[:, 0].astype(np.float64), start[:, 1].astype(np.float64)
    one, none = np.ones_like(x), np.zeros_like(x)
    rows = np.concatenate([np.stack([x, -y, one, none], 1), np.stack([y, x, none, one], 1)])
    return np.asarray(np.linalg.lstsq(rows, np.concatenate([end[:, 0], end[:, 1]]), rcond=None)[0])


def carried(points: Points, by: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Points moved by a similarity."""
    a, b, tx, ty = by
    return np.stack([a * points[:, 0] - b * points[:, 1] + tx, b * points[:, 0] + a * points[:, 1] + ty], 1)


def bent(stage: ClipRenderer, photo: PreparedPhoto, box: BoundingBox, moments: Sequence[float]) -> float | None:
    """The largest residual inside a box, over the clip, after the best similarity; None: the frame does not show it.

    Args:
        box: shares of the surround.
        moments: 0-1, at which to look; both copies of flowing water count.

    Returns:
        A share of the box's shorter side.
    """
    size = np.array(photo.surround.shape[1::-1])
    steps = (np.arange(_SIDE) + 0.5) / _SIDE
    x, y = np.meshgrid(box.x + steps * box.width, box.y + steps * box.height)
    source = np.stack([x.ravel(), y.ravel()], 1) * size
    left = [_left(stage.source_positions(m, copy), source, photo) for m in moments for copy in (0, 1)]
    known = [value for value in left if value is not None]
    return max(known) / float(min(box.width * size[0], box.height * size[1])) if known else None


def _left(field: Field, source: Points, photo: PreparedPhoto) -> float | None:
    height, width = photo.pixels.shape[:2]
    places = source - np.array(photo.margin)
    for _ in range(_ROUNDS):
        places = places - (looked_up(field, places) - source)
    shown = (places > 0).all(axis=1) & (places[:, 0] < width) & (places[:, 1] < height)
    shown &= np.abs(looked_up(field, places) - source).max(axis=1) < _FOUND
    if shown.sum() < len(source) // 4:
        return None
    left = places[shown] - carried(source[shown], similarity(source[shown], places[shown]))
    return float(np.linalg.norm(left, axis=1).max())


def looked_up(field: Field, points: Points) -> Points:
    """Where frame pixels look, read between the nodes as the warp does."""
    at = (points + 0.5) / SPACING + 0.5
    first = np.clip(np.floor(at).astype(int), 0, np.array(field.shape[1::-1]) - 2)
    (x, y), (u, v) = first.T, np.clip(at - first, 0.0, 1.0).T[..., None]
    above = field[y, x] * (1 - u) + field[y, x + 1] * u
    below = field[y + 1, x] * (1 - u) + field[y + 1, x + 1] * u
    return np.asarray(above * (1 - v) + below * v)
