"""The warp in loops that numba compiles for this CPU: the same frames as OpenCV's, in half the time.

A row is processed in passes simple enough to become vector instructions: source positions, the samples there
(four neighbours in one word), and their mix. Positions are fixed-point numbers of 1/256 sample. The interpreter's
lock is released meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar, cast

import cv2
import numba
import numpy as np
import numpy.typing as npt
from numba import float32, int32, uint8, uint32, uint64

from afterframe.generators.parallax.warp import SPACING, BlendMask, Field, OpenCvWarper, grain, in_chroma, in_luma
from afterframe.generators.parallax.yuv import Planes
from afterframe.imaging.frames import Pixels

_Row = npt.NDArray[Any]
_Loop = TypeVar("_Loop", bound=Callable[..., None])
_PARTS = 256
"""Of a sample."""
_WHOLE = 1 << 16
"""A share of 1, and a gain of 1."""


def _compiled(arguments: str) -> Callable[[_Loop], _Loop]:
    """Compile when this module is imported; the result is kept beside it, or in the user's cache."""

    def compiler(loop: _Loop) -> _Loop:
        signature = f"void({arguments})"
        try:
            return cast(_Loop, numba.njit(signature, nogil=True, cache=True)(loop))
        except RuntimeError:  # there is nowhere to keep it
            return cast(_Loop, numba.njit(signature, nogil=True)(loop))

    return compiler


# In these loops every step is cast back to 32 bits: numba would go on with 64, and half as many at once.


@_compiled("f4[::1], f4[::1], f4[::1], f4[::1], f4, i4, i4, u4, u4[::1], u4[::1], u4[::1]")
def _sample_places(
    x_above: _Row, x_below: _Row, y_above: _Row, y_below: _Row, below: Any, last_x: Any, last_y: Any, stride: Any,
    at: _Row, right: _Row, down: _Row,
) -> None:  # fmt: skip
    """Source positions of a row's pixels: the sample, and the fractions to its right and below."""
    end_x, end_y = float32(last_x), float32(last_y)
    for i in range(at.shape[0]):
        # Mirrored at the borders; clipped as integers, since a position that is NaN must not leave the plane.
        x = end_x - abs(end_x - abs(x_above[i] + (x_below[i] - x_above[i]) * below))
        y = end_y - abs(end_y - abs(y_above[i] + (y_below[i] - y_above[i]) * below))
        parts_x = uint32(min(max(int32(x + float32(0.5)), int32(0)), last_x))
        parts_y = uint32(min(max(int32(y + float32(0.5)), int32(0)), last_y))
        at[i] = uint32(uint32(uint32(parts_y >> uint32(8)) * stride) + uint32(parts_x >> uint32(8)))
        right[i] = uint32(parts_x & uint32(255))
        down[i] = uint32(parts_y & uint32(255))


@_compiled("u1[::1], u4[::1], u4, u4[::1]")
def _load(plane: _Row, at: _Row, stride: Any, four: _Row) -> None:
    """The sample at each position and its neighbours: bytes 0-3 are the sample, right, below, below right."""
    one = uint64(1)
    for i in range(at.shape[0]):
        above = uint64(at[i])
        below = uint64(above + uint64(stride))
        pair = uint32(plane[above]) | uint32(uint32(plane[above + one]) << uint32(8))
        other = uint32(plane[below]) | uint32(uint32(plane[below + one]) << uint32(8))
        four[i] = uint32(pair | uint32(other << uint32(16)))


@_compiled("u4[::1], u4[::1], u4[::1], u1[::1]")
def _mix(four: _Row, right: _Row, down: _Row, out: _Row) -> None:
    """Bilinear interpolation; both rows at once, in the halves of a word."""
    low, halves = uint32(0xFFFF), uint32(0x00FF00FF)
    for i in range(out.shape[0]):
        here = uint32(uint32(four[i] & halves) * uint32(uint32(_PARTS) - right[i]))
        beside = uint32(uint32(uint32(four[i] >> uint32(8)) & halves) * right[i])
        both = uint32(here + beside)
        above = uint32(uint32(both & low) * uint32(uint32(_PARTS) - down[i]))
        below = uint32(uint32(both >> uint32(16)) * down[i])
        out[i] = uint8(uint32(uint32(above + below) + uint32(_WHOLE // 2)) >> uint32(16))


@_compiled("u2[::1], u4[::1], u4, u4[::1], u4[::1]")
def _load_pairs(plane: _Row, at: _Row, stride: Any, above: _Row, below: _Row) -> None:
    """As :func:`_load`, of two planes in the bytes of one: bytes 0-3 are both samples, then both right of them."""
    one = uint64(1)
    for i in range(at.shape[0]):
        here = uint64(at[i])
        under = uint64(here + uint64(stride))
        above[i] = uint32(plane[here]) | uint32(uint32(plane[here + one]) << uint32(16))
        below[i] = uint32(plane[under]) | uint32(uint32(plane[under + one]) << uint32(16))


@_compiled("u4[::1], u4[::1], u4, u4[::1], u4[::1], u1[::1]")
def _mix_pairs(above: _Row, below: _Row, byte: Any, right: _Row, down: _Row, out: _Row) -> None:
    """As :func:`_mix`, of the plane in the byte that many bits up."""
    low, halves = uint32(0xFFFF), uint32(0x00FF00FF)
    for i in range(out.shape[0]):
        upper = uint32(uint32(uint32(above[i] >> byte) & halves) * uint32(uint32(_PARTS) - down[i]))
        both = uint32(upper + uint32(uint32(uint32(below[i] >> byte) & halves) * down[i]))
        here = uint32(uint32(both & low) * uint32(uint32(_PARTS) - right[i]))
        beside = uint32(uint32(both >> uint32(16)) * right[i])
        out[i] = uint8(uint32(uint32(here + beside) + uint32(_WHOLE // 2)) >> uint32(16))


@_compiled("u1[::1], u1[::1], u4")
def _lay(seen: _Row, out: _Row, share: Any) -> None:
    """Mix samples into a row."""
    for i in range(out.shape[0]):
        kept = uint32(uint32(out[i]) * uint32(uint32(_WHOLE) - share))
        mixed = uint32(kept + uint32(uint32(seen[i]) * share))
        out[i] = uint8(uint32(mixed + uint32(_WHOLE // 2)) >> uint32(16))


@_compiled("u1[::1], i4, i4, f4[:,::1], f4[:,::1], i4[::1], i4[::1], u4, u1[:,::1]")
def _show_luma(
    plane: _Row, width: Any, height: Any, xs: _Row, ys: _Row, left: _Row, right: _Row, share: Any, luma: _Row
) -> None:
    """Fill ``luma`` from ``plane`` (flat, one column and row more than ``width`` and ``height``).

    ``xs`` and ``ys`` hold a position for each column of pixels, one spacing before the first and after the last
    too, but only on the rows of nodes; ``left`` and ``right`` say which columns are needed around each of those.
    """
    work, seen = np.empty((4, luma.shape[1]), np.uint32), np.empty(luma.shape[1], np.uint8)
    last_x, last_y, stride = int32((width - 1) * _PARTS), int32((height - 1) * _PARTS), uint32(width + 1)
    for row in range(luma.shape[0]):
        halves = 2 * row + SPACING + 1  # in half pixels, from the first row of nodes
        node = halves // (2 * SPACING)
        below = float32(halves - node * 2 * SPACING) / float32(2 * SPACING)
        start, stop = min(left[node], left[node + 1]), max(right[node], right[node + 1])
        if start >= stop:
            continue
        first, last, n = start + SPACING, stop + SPACING, stop - start
        at, beside, down, four = work[0, :n], work[1, :n], work[2, :n], work[3, :n]
        _sample_places(
            xs[node, first:last], xs[node + 1, first:last], ys[node, first:last], ys[node + 1, first:last], below,
            last_x, last_y, stride, at, beside, down,
        )  # fmt: skip
        _load(plane, at, stride, four)
        out = luma[row, start:stop]
        if share == _WHOLE:
            _mix(four, beside, down, out)
        else:
            _mix(four, beside, down, seen[:n])
            _lay(seen[:n], out, share)


@_compiled("u2[::1], i4, i4, f4[:,::1], f4[:,::1], i4[::1], i4[::1], u4, u1[:,:,::1]")
def _show_chroma(
    plane: _Row, width: Any, height: Any, xs: _Row, ys: _Row, left: _Row, right: _Row, share: Any, chroma: _Row
) -> None:
    """As :func:`_show_luma`, for both planes of ``chroma``: ``plane`` holds Cb in its low bytes, Cr in its high."""
    columns, spacing = chroma.shape[2], SPACING // 2
    work, seen = np.empty((5, columns), np.uint32), np.empty(columns, np.uint8)
    last_x, last_y, stride = int32((width - 1) * _PARTS), int32((height - 1) * _PARTS), uint32(width + 1)
    for row in range(chroma.shape[1]):
        halves = 2 * row + spacing + 1
        node = halves // (2 * spacing)
        under = float32(halves - node * 2 * spacing) / float32(2 * spacing)
        start, stop = min(left[node], left[node + 1]), max(right[node], right[node + 1])
        if start >= stop:
            continue
        first, last, n = start + spacing, stop + spacing, stop - start
        at, beside, down, above, below = work[0, :n], work[1, :n], work[2, :n], work[3, :n], work[4, :n]
        _sample_places(
            xs[node, first:last], xs[node + 1, first:last], ys[node, first:last], ys[node + 1, first:last], under,
            last_x, last_y, stride, at, beside, down,
        )  # fmt: skip
        _load_pairs(plane, at, stride, above, below)
        for which in range(2):
            out = chroma[which, row, start:stop]
            if share == _WHOLE:
                _mix_pairs(above, below, uint32(8 * which), beside, down, out)
            else:
                _mix_pairs(above, below, uint32(8 * which), beside, down, seen[:n])
                _lay(seen[:n], out, share)


@_compiled("u1[:,::1], u4[::1], u1[:,::1]")
def _light(luma: _Row, gain: _Row, noise: _Row) -> None:
    """Multiply every row by ``gain``, in 65536ths; noise instead of rounding."""
    for row in range(luma.shape[0]):
        for i in range(luma.shape[1]):
            lit = uint32(uint32(luma[row, i]) * gain[i]) + uint32(uint32(noise[row, i]) << uint32(8))
            luma[row, i] = uint8(min(uint32(uint32(lit) >> uint32(16)), uint32(255)))


class CompiledWarper(OpenCvWarper):
    """As :class:`OpenCvWarper`, by the loops above."""

    def __init__(self, source: Planes, size: tuple[int, int]) -> None:
        super().__init__(source, size)
        self._luma2x = _one_more(source.luma2x)
        self._chroma = _one_more(source.cb.astype(np.uint16) | source.cr.astype(np.uint16) << 8)

    def _show(self, luma: Pixels, chroma: Pixels, places: Field, over: BlendMask | None = None) -> None:
        share = _WHOLE if over is None else round(over.share * _WHOLE)
        for show, plane, there, spacing, out in (
            (_show_luma, self._luma2x, in_luma(places), SPACING, luma),
            (_show_chroma, self._chroma, in_chroma(places), SPACING // 2, chroma),
        ):
            xs, ys = (_along_rows(there[..., axis], spacing) for axis in (0, 1))
            left, right = _wanted(over, places.shape[0], spacing, out.shape[-1])
            height, width = plane.shape[0] - 1, plane.shape[1] - 1
            show(plane.reshape(-1), width, height, xs, ys, left, right, share, out)

    def _light(self, luma: Pixels, gain: npt.NDArray[np.float32]) -> None:
        _light(luma, np.round(gain * _WHOLE).astype(np.uint32), self._noise)

    @cached_property
    def _noise(self) -> Pixels:
        return (grain((self._height, self._width)) * 256).astype(np.uint8)


def _one_more(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """With the last row and column repeated: sampling them needs their neighbours, too."""
    return np.asarray(cv2.copyMakeBorder(plane, 0, 1, 0, 1, cv2.BORDER_REPLICATE))


def _along_rows(places: npt.NDArray[np.float32], spacing: int) -> npt.NDArray[np.float32]:
    """A position for every column of pixels, in 256ths of a sample."""
    rows, columns = places.shape
    parts = places * np.float32(_PARTS)
    return np.asarray(cv2.resize(parts, (columns * spacing, rows), interpolation=cv2.INTER_LINEAR), np.float32)


def _wanted(
    over: BlendMask | None, rows: int, spacing: int, width: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """For each row of nodes, the first pixel needed and the one after the last."""
    if over is None:
        return np.zeros(rows, np.int32), np.full(rows, width, np.int32)
    apart = over.apart
    some = apart.any(axis=1)
    first, last = apart.argmax(axis=1), apart.shape[1] - 1 - apart[:, ::-1].argmax(axis=1)
    left = np.where(some, np.maximum(0, first - 2) * spacing, width)
    right = np.where(some, np.minimum(width, (last + 1) * spacing), 0)
    return left.astype(np.int32), right.astype(np.int32)
