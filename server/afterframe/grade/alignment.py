"""Finds where a frame still shows what its photo shows, by small pictures, optical flow and a test of structure."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from afterframe.imaging.colour import Floats

SIDE = 256
"""Long side of the pictures that are matched, pixels."""
_WINDOW = 9
"""Side of the window in which structure is compared, pixels."""
_TEXTURE = 2.5
"""Least standard deviation in the window for it to count as structure, levels of 255."""
_SAME = 0.7
"""Least correlation in the window for two positions to show the same thing."""
_LEAST_SIDE = 24
"""Pixels. OpenCV's DIS flow reads out of bounds on smaller pictures: strips of 8 to 1 and more are not tracked."""
_TRUSTED = 0.3
"""Share of the photo's structure that must be found again before colours are compared."""


@dataclass(frozen=True, slots=True)
class AlignedFrame:
    """A frame aligned with its photo."""

    frame: Floats
    """The frame's colours where the photo's pixels went: sRGB 0-1 (height, width, 3), softened."""
    same: npt.NDArray[np.bool_]
    """(height, width): true where the frame shows what the photo shows."""
    trust: float
    """Share of the photo's structure found in the frame, 0-1; 1 if neither has any."""

    @property
    def usable(self) -> bool:
        """Enough was found again to compare colours."""
        return self.trust >= _TRUSTED and bool(self.same.any())


class Tracker:
    """Follows a photo's pixels through the frames of its clip, in order.

    Args:
        photo: sRGB 0-1 (height, width, 3), long side :data:`SIDE`.
    """

    def __init__(self, photo: Floats) -> None:
        self.photo = soft(photo)
        """The photo's colours, softened like the frames."""
        self._grey = _grey(photo)
        height, width = self._grey.shape
        self._here = np.dstack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)))
        self._flow = np.zeros_like(self._here)
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def match(self, frame: Floats) -> AlignedFrame:
        """Find the photo in a frame of the photo's own size.

        The frame is first aligned as the previous one was, and only the movement since then is estimated: large
        movement is followed step by step, and a repeating pattern is not mistaken for its neighbour.
        """
        grey = _grey(frame)
        if min(grey.shape) < _LEAST_SIDE:
            return AlignedFrame(soft(frame), np.zeros(grey.shape, np.bool_), 0.0)
        laid = _at(grey, self._here + self._flow)
        since = np.asarray(self._dis.calc(_structure(self._grey), _structure(laid), None), np.float32)  # type: ignore[call-overload]
        flow = since + _at(self._flow, self._here + since)
        where = self._here + flow
        height, width = grey.shape
        seen = np.all((where >= 0) & (where <= np.array([width - 1, height - 1])), axis=2)
        same, trust = _compare(self._grey, _at(grey, where), np.asarray(seen))
        self._flow = _filled(flow, same)
        return AlignedFrame(_at(soft(frame), where), same, trust)


def _at(picture: Floats, where: Floats) -> Floats:
    """A picture's values at (x, y) positions."""
    x, y = np.ascontiguousarray(where[..., 0]), np.ascontiguousarray(where[..., 1])
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _filled(flow: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    """The flow, smoothed, and filled in from its surroundings where it is unknown."""
    weight = known.astype(np.float32) + 1e-6
    near = cv2.blur(flow * weight[..., None], (31, 31)) / cv2.blur(weight, (31, 31))[..., None]
    return np.asarray(np.where(known[..., None], cv2.blur(flow, (3, 3)), near), np.float32)


def soft(picture: Floats) -> Floats:
    """Without noise and the finest detail: a misalignment of one pixel must not look like another colour."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.5), np.float32)


def _compare(one: Floats, other: Floats, seen: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.bool_], float]:
    """Where two grey pictures have the same structure, or neither has any; and the share of structure found again."""
    box = (_WINDOW, _WINDOW)
    mean_one, mean_other = cv2.blur(one, box), cv2.blur(other, box)
    var_one = np.maximum(cv2.blur(one * one, box) - mean_one**2, 0)
    var_other = np.maximum(cv2.blur(other * other, box) - mean_other**2, 0)
    together = cv2.blur(one * other, box) - mean_one * mean_other
    rough_one, rough_other = var_one > _TEXTURE**2, var_other > _TEXTURE**2
    found = rough_one & (together > _SAME * np.sqrt(var_one * var_other + 1e-3)) & seen
    calm = ~rough_one & ~rough_other & seen
    structure = float(rough_one.mean())
    trust = float((found & rough_one).sum() / max(1, rough_one.sum()))
    if structure < 0.01:
        trust = float((~rough_other).mean())
    return found | calm, trust


def _grey(picture: Floats) -> Floats:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) * 255, np.float32)


def _structure(grey: Floats) -> npt.NDArray[np.uint8]:
    """Detail relative to its surroundings: a darkened sky must not be matched to where it was equally dark before."""
    detail = grey - cv2.GaussianBlur(grey, (0, 0), 6)
    strength = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), 6)) + 2
    return np.asarray(np.clip(detail / strength * 40 + 128, 0, 255), np.uint8)
