"""A clip's transforms over time: fitted at key frames, steady between them, following slow drift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from afterframe.grade.alignment import AlignedFrame, Tracker
from afterframe.grade.colour_transform import NONE, Transform, fit
from afterframe.imaging.colour import Floats, ciede2000, from_oklab, to_cielab, to_oklab

REACH_S = 1.0
"""Key frames within this distance of a frame contribute to its transform, seconds."""
WORTH_IT = (0.9, 0.2)
"""A key frame is graded only if that lowers the mean dE00 below this share of itself, and by at least this much."""
SKIN_COUNTS = 4.0
"""Weight of a skin sample relative to others."""
_STRENGTHS = (1.0, 0.5)
"""Tried in turn until nothing is made worse."""
_SAMPLES = 4000
"""Most samples taken from a key frame; half for the fit, half to validate it."""
_INERTIA = 0.5
"""Weight of the previous frame's transform, against 1 for a key frame at the same time."""
_JUMP = 0.006
"""A first frame whose transform differs this much from the second's is graded on its own, OKLab."""


@dataclass(frozen=True, slots=True)
class _Key:
    at_s: float
    transform: Transform
    trust: float


@dataclass(frozen=True, slots=True)
class _Samples:
    """Pairs of colours from one key frame, OKLab (samples, 3)."""

    seen: Floats
    wanted: Floats
    weight: Floats
    skin: Floats
    """1 where the photo shows skin, else 0."""

    def every_other(self, first: int) -> _Samples:
        return _Samples(*(part[first::2] for part in (self.seen, self.wanted, self.weight, self.skin)))


class TransformTrack:
    """The transforms of one clip.

    Args:
        tracker: on the clip's photo.
        skin: (height, width) of the tracker's photo: 1 on skin, else 0.
    """

    def __init__(self, tracker: Tracker, skin: Floats) -> None:
        self._tracker = tracker
        self._skin = skin
        self._photo = to_oklab(tracker.photo)
        self._first: Transform | None = None
        self._keys: list[_Key] = []
        self._now: Transform | None = None
        self._looked = 0

    def add_key_frame(self, at_s: float, frame: Floats) -> None:
        """Fit a key frame; call in the clip's order.

        Args:
            frame: sRGB 0-1, of the size of the tracker's photo.
        """
        match = self._tracker.match(frame)
        self._looked += 1
        if not match.usable:
            return
        before = self._keys[-1].transform if self._keys else NONE
        self._keys.append(_Key(at_s, self._judged(self._samples(match), before), match.trust))
        if self._looked == 2 and len(self._keys) == 2:
            self._part_with_the_first()

    def at(self, at_s: float) -> Transform:
        """A frame's transform; call in the clip's order.

        A straight line through the key frames within reach (LOESS, tricube weights). Without any, the last transform
        is held, and the next key frames change it gradually.
        """
        if at_s == 0 and self._first is not None:
            return self._first
        self._keys = [key for key in self._keys[:-1] if key.at_s > at_s - REACH_S] + self._keys[-1:]
        apart = np.array([key.at_s - at_s for key in self._keys])
        weight = np.clip(1 - np.abs(apart / REACH_S) ** 3, 0, 1) ** 3 * [key.trust for key in self._keys]
        if weight.sum() < 1e-6:
            self._now = self._now or NONE
            return self._now
        found = self._line(apart, weight / weight.sum())
        if self._now is not None:
            held = _INERTIA / (_INERTIA + float(weight.sum()))
            found = found * (1 - held) + self._now.coefficients * held
        self._now = Transform(found)
        return self._now

    def _line(self, apart: npt.NDArray[np.float64], share: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The value of the line fitted through the key frames' coefficients; ``apart``: their distances, seconds."""
        values = np.stack([key.transform.coefficients for key in self._keys])
        centre = float(share @ apart)
        spread = float(share @ (apart - centre) ** 2)
        mean = np.tensordot(share, values, 1)
        slope = np.tensordot(share * (apart - centre), values, 1) / (spread + (0.1 * REACH_S) ** 2)
        return np.asarray(mean - slope * np.clip(centre, -REACH_S / 2, REACH_S / 2), np.float64)

    def _part_with_the_first(self) -> None:
        """Some models show the photo itself in the first frame and their own colours from the second on."""
        first, second = (key.transform for key in self._keys)
        apart = np.linalg.norm(first.oklab(self._photo) - second.oklab(self._photo), axis=-1)
        if float(apart.mean()) > _JUMP:
            self._first = first
            del self._keys[0]

    def _samples(self, match: AlignedFrame) -> _Samples:
        at = np.flatnonzero(match.same)
        at = at[:: max(1, len(at) // _SAMPLES)]
        seen, wanted = to_oklab(match.frame.reshape(-1, 3)[at]), self._photo.reshape(-1, 3)[at]
        skin = self._skin.reshape(-1)[at]
        # A wide sky must not outvote a face: a colour 100 times as common counts 10 times as much.
        cells = np.round(wanted * np.array([10, 20, 20], np.float32)).astype(np.int64) @ [1, 100, 10_000]
        _, cell, count = np.unique(cells, return_inverse=True, return_counts=True)
        weight = np.asarray(count[cell] ** -0.5 * (1 + (SKIN_COUNTS - 1) * skin), np.float32)
        return _Samples(seen, wanted, weight, skin)

    def _judged(self, samples: _Samples, before: Transform) -> Transform:
        """The fitted transform at the greatest strength that makes nothing worse, on samples it was not fitted to."""
        for_fit, for_judging = samples.every_other(0), samples.every_other(1)
        found = fit(for_fit.seen, for_fit.wanted, for_fit.weight, before)
        return next((t for s in _STRENGTHS if _helps(t := found.scaled(s), for_judging)), NONE)


def _helps(transform: Transform, samples: _Samples) -> bool:
    wanted = to_cielab(from_oklab(samples.wanted))
    was = ciede2000(to_cielab(from_oklab(samples.seen)), wanted)
    now = ciede2000(to_cielab(from_oklab(transform.oklab(samples.seen))), wanted)
    share, step = WORTH_IT
    if not len(was) or now.mean() > min(was.mean() * share, was.mean() - step):
        return False
    worse = [np.average(now - was, weights=part) > 0 for part in (samples.weight, samples.skin) if part.any()]
    return not any(worse)
