"""From one photo to another of the same place: both moved along the flow between them, and blended on the way.

The photos are aligned as wholes first (ORB points, a turned, scaled and shifted copy by RANSAC: Rublee et al. 2011,
Fischler and Bolles 1981), so that a large step between them is followed; what is left between them is optical flow.
At the ends of the clip each photo is shown as it is.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from afterframe.errors import GenerateError
from afterframe.grade.flow import enlarged, found_again, moved, small_grey, warped
from afterframe.imaging.frames import Pixels

OVERLAP = 0.35
"""Least share of the first photo that the second must show, too."""
FOUND = 0.4
"""Least share of that in which the flow leads there and back."""
_POINTS_SIDE, _LEAST_POINTS = 640, 12
Matrix = npt.NDArray[np.float64]


class Passage:
    """The way from one photo to another.

    Args:
        first, last: uint8 sRGB (height, width, 3), of one size.
    Raises:
        GenerateError: they do not show the same place.
    """

    def __init__(self, first: Pixels, last: Pixels) -> None:
        self._first, self._last = first, last
        height, width = first.shape[:2]
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        self._here = np.stack([x, y], axis=-1)
        self._lie = _lie(first, last)
        laid = _sampled(last, _applied(self._lie, self._here))
        one, other = small_grey(first), small_grey(laid)
        there, back = moved(one, other), moved(other, one)
        shown = self._inside(_applied(self._lie, self._here))
        small_shown = cv2.resize(shown.astype(np.float32), one.shape[::-1], interpolation=cv2.INTER_AREA) > 0.5
        alike = found_again(there, back) * _alike(one, np.asarray(warped(other, there), np.uint8))
        found = float(alike[small_shown].mean()) if small_shown.any() else 0.0
        if shown.mean() < OVERLAP or found < FOUND:
            raise GenerateError(
                "The two photos do not show the same place: there is no way from one to the other.",
                "Choose photos that overlap by half or more, or a model that takes a last frame: ltx-2b or wan22-a14b.",
                code="photos_apart",
            )
        self._flow = enlarged(cv2.GaussianBlur(there, (0, 0), 1.5).astype(np.float32), (width, height))

    def frame(self, moment: float) -> Pixels:
        """uint8 sRGB (height, width, 3) at a moment of the way, 0 the first photo, 1 the last."""
        way = moment * moment * (3 - 2 * moment)
        if way <= 0:
            return self._first.copy()
        if way >= 1:
            return self._last.copy()
        back = np.asarray(np.linalg.inv(_part(self._lie, way)), np.float64)
        base = _applied(back, self._here)  # where each pixel lies in the first photo
        flow = _sampled(self._flow, base)
        in_first = np.asarray(base - way * flow, np.float32)
        in_last = _applied(self._lie, np.asarray(base + (1 - way) * flow, np.float32))
        first, last = _sampled(self._first, in_first), _sampled(self._last, in_last)
        shares = [self._inside(in_first) * (1 - way), self._inside(in_last) * way]
        shares = [cv2.GaussianBlur(share.astype(np.float32), (0, 0), 3) + 1e-4 for share in shares]
        weight = (shares[1] / (shares[0] + shares[1]))[..., None]
        return np.asarray(np.rint(first * (1 - weight) + last * weight), np.uint8)

    def _inside(self, places: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        height, width = self._first.shape[:2]
        return np.asarray(np.all((places >= 0) & (places <= np.array([width - 1, height - 1])), axis=-1))


def _lie(first: Pixels, last: Pixels) -> Matrix:
    """How the first photo lies in the last, 3x3; as it is where too few points are found again."""
    scale = min(1.0, _POINTS_SIDE / max(first.shape))
    small = [
        cv2.resize(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        for one in (first, last)
    ]
    orb = cv2.ORB.create(2000)
    (points, marks), (others, other_marks) = (orb.detectAndCompute(one, None) for one in small)
    if marks is None or other_marks is None or min(len(points), len(others)) < _LEAST_POINTS:
        return np.eye(3)
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(marks, other_marks, k=2)
    good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < 0.75 * pair[1].distance]
    if len(good) < _LEAST_POINTS:
        return np.eye(3)
    here = np.array([points[match.queryIdx].pt for match in good])
    there = np.array([others[match.trainIdx].pt for match in good])
    found, agreed = cv2.estimateAffinePartial2D(here, there, method=cv2.RANSAC, ransacReprojThreshold=3.0)
    if found is None or agreed.sum() < _LEAST_POINTS:
        return np.eye(3)
    lie = np.vstack([np.array(found, np.float64), [0, 0, 1]])
    lie[:2, 2] /= scale
    return lie


def _part(lie: Matrix, way: float) -> Matrix:
    """A part of a turn, scaling and shift, 0-1: each goes on evenly."""
    scale, turn = float(np.hypot(lie[0, 0], lie[1, 0])) ** way, float(np.arctan2(lie[1, 0], lie[0, 0])) * way
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    return np.array([[cos, -sin, lie[0, 2] * way], [sin, cos, lie[1, 2] * way], [0, 0, 1]])


def _applied(lie: Matrix, places: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(places @ lie[:2, :2].T.astype(np.float32) + lie[:2, 2].astype(np.float32), np.float32)


def _sampled(picture: npt.NDArray[Any], places: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    x, y = np.ascontiguousarray(places[..., 0], np.float32), np.ascontiguousarray(places[..., 1], np.float32)
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _alike(one: Pixels, other: Pixels) -> npt.NDArray[np.float32]:
    """1 where two grey pictures have the same structure, or neither has any."""
    a, b = one.astype(np.float32), other.astype(np.float32)
    box = (9, 9)
    mean_a, mean_b = cv2.blur(a, box), cv2.blur(b, box)
    var_a, var_b = cv2.blur(a * a, box) - mean_a**2, cv2.blur(b * b, box) - mean_b**2
    together = cv2.blur(a * b, box) - mean_a * mean_b
    rough = (var_a > 6) | (var_b > 6)
    same = together > 0.6 * np.sqrt(np.maximum(var_a * var_b, 1e-3))
    return np.asarray(np.where(rough, same, np.abs(mean_a - mean_b) < 30), np.float32)
