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
        _sample(self._source.luma2x, _maps(places * np.float32(2), SPACING, (self._width, self._height)), luma)
        if gain is not None:
            self._light(luma, gain)
        chroma = frame[self._height :].reshape(2, half[1], half[0])
        maps = _maps((places - np.float32(0.5)) * np.float32(0.5), SPACING // 2, half)
        _sample(self._source.cb, maps, chroma[0])
        _sample(self._source.cr, maps, chroma[1])
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


Maps = tuple[npt.NDArray[np.int16], npt.NDArray[np.uint16]]


def _maps(places: Field, spacing: int, size: tuple[int, int]) -> Maps:
    """The nodes' places interpolated to every pixel, in OpenCV's fixed point (1/32 of a sample)."""
    rows, columns = places.shape[:2]
    dense = cv2.resize(places, (columns * spacing, rows * spacing), interpolation=cv2.INTER_LINEAR)
    inner = dense[spacing : spacing + size[1], spacing : spacing + size[0]]
    whole, part = cv2.convertMaps(inner, None, cv2.CV_16SC2)  # type: ignore[call-overload]
    return whole, part


def _sample(source: Pixels, maps: Maps, out: Pixels) -> None:
    whole, part = maps
    cv2.remap(source, whole, part, cv2.INTER_LINEAR, dst=out, borderMode=cv2.BORDER_REFLECT_101)
