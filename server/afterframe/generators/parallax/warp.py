"""From where each node of a coarse grid looks, to a warped I420 frame.

Movement is smooth, so it is worked out on nodes eight pixels apart and interpolated linearly between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from afterframe.frames import Pixels
from afterframe.generators.parallax.yuv import Planes

SPACING = 8
"""Pixels between nodes."""
_SAME_PLACE = 0.02
"""Pixels. Looks that differ by less show the same."""
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


@dataclass(frozen=True, slots=True)
class Copy:
    """A second look at the picture, laid over the first."""

    places: Field
    """As the first's, for all nodes."""
    share: float
    """How much of it is seen, 0-1."""


def where_apart(first: Field, second: Field) -> tuple[slice, slice] | None:
    """The rows and columns of eight-pixel blocks in which two looks differ; None where they agree everywhere."""
    apart = np.abs(second - first).max(axis=2) > _SAME_PLACE
    spans = []
    for axis in (1, 0):
        found = np.flatnonzero(apart.any(axis=axis))
        if not len(found):
            return None
        blocks = apart.shape[1 - axis] - 2
        spans.append(slice(max(0, int(found[0]) - 2), min(blocks, int(found[-1]) + 1)))
    return spans[0], spans[1]


class Warper:
    """Samples planes at given places; keeps its buffers between frames."""

    def __init__(self, source: Planes, size: tuple[int, int]) -> None:
        self._source = source
        self._width, self._height = size
        self._frame = np.empty((self._height * 3 // 2, self._width), np.uint8)
        self._grain: npt.NDArray[np.float32] | None = None

    def frame(self, places: Field, gain: Field | None = None, copy: Copy | None = None) -> Pixels:
        """The I420 frame, uint8 (height * 3 // 2, width), valid until the next call.

        Args:
            places: for each of :func:`nodes`, the place in the source that it shows, pixels.
            gain: of luma, one value per column of nodes, (1, columns).
            copy: laid over the frame before the gain.
        """
        frame, half = self._frame, (self._width // 2, self._height // 2)
        luma = frame[: self._height]
        _warp(self._source.luma2x, places * np.float32(2), SPACING, luma)
        chroma = frame[self._height :].reshape(2, half[1], half[0])
        there = (places - np.float32(0.5)) * np.float32(0.5)
        _warp(self._source.cb, there, SPACING // 2, chroma[0])
        _warp(self._source.cr, there, SPACING // 2, chroma[1])
        if copy is not None and copy.share > 1 / 512 and (blocks := where_apart(places, copy.places)):
            second = (copy.places - np.float32(0.5)) * np.float32(0.5)
            _lay_over(self._source.luma2x, copy.places * np.float32(2), SPACING, luma, blocks, copy.share)
            _lay_over(self._source.cb, second, SPACING // 2, chroma[0], blocks, copy.share)
            _lay_over(self._source.cr, second, SPACING // 2, chroma[1], blocks, copy.share)
        if gain is not None:
            self._light(luma, gain)
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


def _lay_over(
    source: Pixels, places: Field, spacing: int, out: Pixels, blocks: tuple[slice, slice], share: float
) -> None:
    """Mix ``share`` of another look into some ``blocks`` of ``out``; the rest as :func:`_warp`."""
    rows, columns = (slice(span.start * spacing, span.stop * spacing) for span in blocks)
    part = out[rows, columns]
    over = np.empty(part.shape, np.uint8)
    _warp(source, places[blocks[0].start : blocks[0].stop + 2, blocks[1].start : blocks[1].stop + 2], spacing, over)
    out[rows, columns] = cv2.addWeighted(part, 1.0 - share, over, share, 0.0)


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
