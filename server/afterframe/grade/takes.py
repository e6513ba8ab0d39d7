"""How good a take is, and which of several is best: by measures alone, each with the limits that it is held to.

=============  =======================================================================================================
``photo``      the photo's frame against the photo, mean CIEDE2000 (:mod:`afterframe.grade.fidelity`)
``drift``      the largest mean CIEDE2000 between that frame and later ones; without it the photo was not found again
``faces``      the share of the photo's faces that is not found again along the clip, 0-1; the worst moment counts
``flicker``    how far brightness turns back on itself from frame to frame, levels of 255
``motion``     the mean movement, percent of the long side a second
``loop_seam``  loops only: the step from the last frame to the first over the median step
=============  =======================================================================================================

A fault is 0 up to the measure's first limit and 1 at its second, beyond which a take is not good enough; the faults'
sum decides. The limits are set by hand: they have not been fitted to people's choices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from afterframe.domain import Recipe
from afterframe.grade.alignment import SIDE, Tracker
from afterframe.grade.faces import face_boxes
from afterframe.grade.fidelity import Fidelity
from afterframe.grade.flicker import FlickerMeter
from afterframe.grade.flow import small_grey
from afterframe.imaging.colour import Floats, small_rgb
from afterframe.imaging.frames import Frames, Pixels, PreparedPhoto

FACE_LOOKS = 6
"""Moments at which faces are looked for."""
WISHED = 3.0
"""Movement of a clip of full motion intensity, percent of the long side a second."""
_LIMITS = {
    "photo": (1.5, 6.0),
    "drift": (2.0, 9.0),
    "faces": (0.3, 0.7),
    "flicker": (2.0, 8.0),
    "loop_seam": (1.5, 4.0),
}
_TOO_STILL, _TOO_LIVELY = (0.4, 0.1), (6.0, 15.0)
"""The same for movement, as a share of what was wished."""
_SAID = {
    "photo": "its first frame is off the photo",
    "drift": "its colours drift",
    "lost": "it does not show the photo any more",
    "faces": "its faces change",
    "flicker": "it flickers",
    "still": "hardly anything moves",
    "lively": "it moves far more than was wished",
    "loop_seam": "its loop jumps",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One take, measured."""

    measures: Mapping[str, float]
    faults: Mapping[str, float]
    """What is wrong -> how much, 0 nothing, from 1 on too much."""

    @property
    def score(self) -> float:
        """The sum of its faults: 0 is faultless."""
        return sum(self.faults.values())

    @property
    def good_enough(self) -> bool:
        """No fault is too much."""
        return max(self.faults.values(), default=0.0) < 1

    @property
    def worst(self) -> str:
        """Its greatest fault, in words; empty: it has none."""
        fault = max(self.faults, key=lambda name: self.faults[name], default="")
        return self._said(fault) if fault and self.faults[fault] > 0 else ""

    def worse_than(self, other: Judged) -> str:
        """Why the other is better, in words."""
        excess = {name: fault - other.faults.get(name, 0.0) for name, fault in self.faults.items()}
        most = max(excess, key=lambda name: excess[name], default="")
        if not most or excess[most] < 0.01:
            return "as good as the one that was taken"
        there = other.measures.get(_measure_of(most))
        return self._said(most) + (f", {there:.3g} in the one that was taken" if there is not None else "")

    def _said(self, fault: str) -> str:
        value = self.measures.get(_measure_of(fault))
        return _SAID[fault] + (f" ({value:.3g})" if value is not None else "")


class TakeMeter:
    """Measures one take while its frames pass through.

    Args:
        photo: what it was made from.
    """

    def __init__(self, photo: PreparedPhoto, recipe: Recipe) -> None:
        self._photo, self._recipe = photo, recipe
        self.fidelity = Fidelity(photo, recipe)
        self._flicker = FlickerMeter()
        self._motion: list[float] = []
        self._lost: list[float] = []

    def watch(self, frames: Frames) -> Frames:
        """The same frames, measured in passing: rgb24."""
        return self.fidelity.watch(replace(frames, frames=self._watched(frames)))

    def _watched(self, frames: Frames) -> Iterator[Pixels]:
        looks = {round(share * (frames.count - 1)) for share in np.linspace(0, 1, FACE_LOOKS)}
        small = small_rgb(np.ascontiguousarray(self._photo.pixels), "rgb24", SIDE)
        tracker = Tracker(small)
        for number, frame in enumerate(frames.frames):
            flow = self._flicker.see(small_grey(frame))
            if flow is not None:
                self._motion.append(float(np.linalg.norm(flow, axis=2).mean()) / max(flow.shape[:2]) * 100 * frames.fps)
            if number in looks and self._photo.scene.faces:
                self._look_for_faces(tracker, small, frame)
            yield frame

    def _look_for_faces(self, tracker: Tracker, small: Floats, frame: Pixels) -> None:
        height, width = small.shape[:2]
        shown = np.asarray(cv2.resize(small_rgb(frame, "rgb24", SIDE), (width, height)), np.float32)
        same = tracker.match(shown).same
        lost = []
        for left, top, right, bottom in face_boxes(self._photo, (width, height)):
            inside = same[top:bottom, left:right]
            if inside.size:
                lost.append(1 - float(inside.mean()))
        if lost:
            self._lost.append(float(np.mean(lost)))

    def judged(self) -> Judged:
        """What was measured; complete once all frames have passed."""
        told = self.fidelity.measures()
        found: dict[str, float | None] = {
            "photo": told.get("photo_de00"),
            "drift": told.get("drift_de00", None if self._photo.end is None else 0.0),
            "faces": max(self._lost, default=None),
            "flicker": self._flicker.worst,
            "motion": float(np.mean(self._motion)) if self._motion else 0.0,
            "loop_seam": told.get("loop_seam"),
        }
        measures = {name: round(value, 3) for name, value in found.items() if value is not None}
        return Judged(measures, faults_of(measures, self._recipe.motion_intensity))


def faults_of(measures: Mapping[str, float], motion_intensity: float) -> dict[str, float]:
    """What is wrong with a take of these measures, each from 0 to (and beyond) 1."""
    if "drift" not in measures:
        return {"lost": 10.0}  # nothing else can be said of it
    faults = {name: _ramp(measures[name], *limits) for name, limits in _LIMITS.items() if name in measures}
    wished = WISHED * motion_intensity
    if wished > 0:
        share = measures.get("motion", 0.0) / wished
        faults["still"] = _ramp(-share, -_TOO_STILL[0], -_TOO_STILL[1])
        faults["lively"] = _ramp(share, *_TOO_LIVELY)
    return faults


def ranked(takes: Sequence[Judged]) -> list[int]:
    """The takes' places in the sequence, best first; of equals the earlier one."""
    return sorted(range(len(takes)), key=lambda at: (round(takes[at].score, 3), at))


def _ramp(value: float, good: float, bad: float) -> float:
    return max(0.0, (value - good) / (bad - good))


def _measure_of(fault: str) -> str:
    return {"still": "motion", "lively": "motion", "lost": ""}.get(fault, fault)
