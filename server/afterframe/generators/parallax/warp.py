"""From where each node of a coarse grid looks, to a warped I420 frame.

Movement is smooth, so it is worked out on nodes eight pixels apart and interpolated linearly between them.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from afterframe.frames import Pixels
from afterframe.generators.parallax.yuv import Planes

SPACING = 8
"""Pixels between nodes."""
_BAND = 8
"""Rows of nodes that are sampled at a time."""

Field = npt.NDArray[np.float32]
"""(rows, columns, 2): x and y, pixels."""


def nodes(size: tuple[int, int]) -> Field:
    """Where the nodes of a frame of ``size`` (width, height) lie: one row and column beyond each edge."""
    width, height = size
    columns, rows = -(-width // SPACING) + 2, -(-height // SPACING) + 2
    x = (np.arange(columns, dtype=np.float32) - 0.5) * SPACING - 0.5
    y = (np.arange(rows, dtype=np.float32) - 0.5) * SPACING - 0.5
    return np.stack(np.meshgrid(x, y), axis=2).astype(np.float32)


class Warper:
    """Samples planes at given places; keeps its buffers between frames."""

    def __init__(self, source: Planes, size: tuple[int, int]) -> None:
        self._source = source
        self._width, self._height = size
        self._frame = np.empty((self._height * 3 // 2, self._width), np.uint8)
        self._grain: npt.NDArray[np.float32] | None = None

    def frame(self, places: Field, gain: Field | None = None) -> Pixels:
        """The I420 frame, uint8 (height * 3 // 2, width), valid until the next call.

        Args:
            places: for each of :func:`nodes`, the place in the source that it shows, pixels.
            gain: of luma, one value per column of nodes, (1, columns).
        """
        frame, half = self._frame, (self._width // 2, self._height // 2)
        luma = frame[: self._height]
        _warp(self._source.luma2x, places * np.float32(2), SPACING, luma)
        if gain is not None:
            self._light(luma, gain)
        chroma = frame[self._height :].reshape(2, half[1], half[0])
        there = (places - np.float32(0.5)) * np.float32(0.5)
        _warp(self._source.cb, there, SPACING // 2, chroma[0])
        _warp(self._source.cr, there, SPACING // 2, chroma[1])
        return frame

    def _light(self, luma: Pixels, gain: Field) -> None:
        """Multiply luma by ``gain`` in place.

        A fixed grain before rounding keeps flat walls from stepping.
        """
        if self._grain is None:
            grain = np.random.default_rng(0).random(luma.shape, np.float32)
            self._grain = grain - np.float32(0.5)
        dense = cv2.resize(gain, (gain.shape[1] * SPACING, 1), interpolation=cv2.INTER_LINEAR)
        lit = luma * dense[:, SPACING : SPACING + self._width]
        cv2.add(lit, self._grain, dst=luma, dtype=cv2.CV_8U)


def _warp(source: Pixels, places: Field, spacing: int, out: Pixels) -> None:
    """Sample ``source`` for every pixel of ``out``, band by band, so that a band's maps stay in the cache.

    Args:
        source: the plane to look into.
        places: where the nodes look, samples of ``source``.
        spacing: of the nodes, samples of ``out``.
        out: the plane to fill.
    """
    height, width = out.shape
    for top in range(0, height, _BAND * spacing):
        first, rows = top // spacing, min(_BAND * spacing, height - top)
        near = places[first : first + -(-rows // spacing) + 2]
        size = (near.shape[1] * spacing, near.shape[0] * spacing)
        dense = cv2.resize(near, size, interpolation=cv2.INTER_LINEAR)
        inner = dense[spacing : spacing + rows, spacing : spacing + width]
        whole, part = cv2.convertMaps(inner, None, cv2.CV_16SC2)  # type: ignore[call-overload]
        band = out[top : top + rows]
        cv2.remap(source, whole, part, cv2.INTER_LINEAR, dst=band, borderMode=cv2.BORDER_REFLECT_101)
