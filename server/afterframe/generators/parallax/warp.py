"""From the source position of each node of a coarse grid to a warped I420 frame.

Movement is smooth, so it is computed on nodes eight pixels apart and interpolated linearly between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from afterframe.generators.parallax.yuv import Planes
from afterframe.imaging.frames import Pixels

SPACING = 8
"""Pixels between nodes."""
_UNSEEN = 1 / 512
"""A copy with a smaller opacity changes no level."""
_SAME_PLACE = 0.02
"""Pixels. Source positions that differ by less show the same."""
_BAND = 8
"""Rows of nodes that are sampled at a time."""

Field = npt.NDArray[np.float32]
"""(rows, columns, 2): x and y, pixels."""


def nodes(size: tuple[int, int]) -> Field:
    """Positions of the nodes of a frame of ``size`` (width, height): one row and column beyond each edge."""
    width, height = size
    columns, rows = -(-width // SPACING) + 2, -(-height // SPACING) + 2
    x = (np.arange(columns, dtype=np.float32) - 0.5) * SPACING - 0.5
    y = (np.arange(rows, dtype=np.float32) - 0.5) * SPACING - 0.5
    return np.stack(np.meshgrid(x, y), axis=2).astype(np.float32)


@dataclass(frozen=True, slots=True)
class SecondSampling:
    """A second sampling of the picture, laid over the first."""

    places: Field
    """Source positions, like the first's, for all nodes."""
    share: float
    """Opacity, 0-1."""


class OpenCvWarper:
    """Samples planes at given positions, by OpenCV; safe to use from several threads."""

    def __init__(self, source: Planes, size: tuple[int, int]) -> None:
        self._source = source
        self._width, self._height = size

    def frame(self, places: Field, gain: Field | None = None, copy: SecondSampling | None = None) -> Pixels:
        """The I420 frame, uint8 (height * 3 // 2, width), an array of its own.

        Args:
            places: for each of :func:`nodes`, the source position it shows, pixels.
            gain: of luma, one value per column of nodes, (1, columns).
            copy: laid over the frame before the gain.
        """
        frame = np.empty((self._height * 3 // 2, self._width), np.uint8)
        luma, chroma = frame[: self._height], frame[self._height :].reshape(2, self._height // 2, self._width // 2)
        self._show(luma, chroma, places)
        if copy is not None and copy.share > _UNSEEN:
            apart = np.abs(copy.places - places) > _SAME_PLACE
            self._show(luma, chroma, copy.places, BlendMask(apart[..., 0] | apart[..., 1], copy.share))
        if gain is not None:
            dense = cv2.resize(gain, (gain.shape[1] * SPACING, 1), interpolation=cv2.INTER_LINEAR)
            self._light(luma, np.asarray(dense[0, SPACING : SPACING + self._width], np.float32))
        return frame

    def _show(self, luma: Pixels, chroma: Pixels, places: Field, over: BlendMask | None = None) -> None:
        """Fill the planes of a frame.

        Args:
            luma: (height, width).
            chroma: (2, height / 2, width / 2).
            places: as for :meth:`frame`.
            over: sample only at its nodes, and mix into what the planes show there.
        """
        source = self._source
        self._sample([(source.luma2x, luma)], in_luma(places), SPACING, over)
        self._sample([(source.cb, chroma[0]), (source.cr, chroma[1])], in_chroma(places), SPACING // 2, over)

    @staticmethod
    def _sample(
        planes: Sequence[tuple[Pixels, Pixels]], places: Field, spacing: int, over: BlendMask | None = None
    ) -> None:
        """Sample planes for every pixel, band by band, so that a band's maps stay in the cache.

        Args:
            planes: each to look into, and the one to fill; all of a kind have one shape.
            places: where the nodes look, samples of the planes to look into.
            spacing: of the nodes, samples of the planes to fill.
            over: as for :meth:`_show`.
        """
        height, width = planes[0][1].shape
        axes = [np.ascontiguousarray(places[..., axis]) for axis in (0, 1)]
        for top in range(0, height, _BAND * spacing):
            rows = min(_BAND * spacing, height - top)
            near = slice(top // spacing, top // spacing + -(-rows // spacing) + 2)
            left, right = 0, width
            if over is not None:
                found = np.flatnonzero(over.apart[near].any(axis=0))
                if not len(found):
                    continue
                left, right = max(0, int(found[0]) - 2) * spacing, min(width, (int(found[-1]) + 1) * spacing)
            columns = slice(left // spacing, -(-right // spacing) + 2)
            size = ((columns.stop - columns.start) * spacing, (near.stop - near.start) * spacing)
            inner = slice(spacing, spacing + rows), slice(spacing, spacing + right - left)
            x, y = (cv2.resize(axis[near, columns], size, interpolation=cv2.INTER_LINEAR)[inner] for axis in axes)
            for source, out in planes:
                part = out[top : top + rows, left:right]
                if over is None:
                    cv2.remap(source, x, y, cv2.INTER_LINEAR, dst=part, borderMode=cv2.BORDER_REFLECT_101)
                else:
                    seen = cv2.remap(source, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
                    cv2.addWeighted(part, 1.0 - over.share, seen, over.share, 0.0, dst=part)

    def _light(self, luma: Pixels, gain: npt.NDArray[np.float32]) -> None:
        """Multiply luma by ``gain`` (width,) in place.

        A fixed grain instead of rounding keeps flat walls from stepping.
        """
        cv2.add(luma * gain, self._grain, dst=luma, dtype=cv2.CV_8U)

    @cached_property
    def _grain(self) -> npt.NDArray[np.float32]:
        return grain((self._height, self._width)) - np.float32(0.5)


def grain(shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Noise of 0-1 that is the same for every clip."""
    return np.random.default_rng(0).random(shape, np.float32)


@dataclass(frozen=True, slots=True)
class BlendMask:
    """Where and how strongly to mix the samples in."""

    apart: npt.NDArray[np.bool_]
    """The nodes where the copy differs, (rows, columns)."""
    share: float


def in_luma(places: Field) -> Field:
    """The same positions in samples of a source's luma plane."""
    return places * np.float32(2)


def in_chroma(places: Field) -> Field:
    """The same positions in samples of a source's chroma planes."""
    return (places - np.float32(0.5)) * np.float32(0.5)
