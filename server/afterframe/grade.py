"""Match a model's clip to its photo's colours: one steady transform per clip.

The first frame shows what the photo shows, so the two are compared pixel by pixel in CIE L*a*b*
(D65) and one gain and one shift per channel are fitted; the same ones hold for every frame, so
that nothing flickers. The clip is left alone where that would not help.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from afterframe.frames import Frames, Pixels

FIT_SIDE = 256
"""Long side of the pictures that are compared, pixels."""
GAIN_LIMITS = (0.7, 1.4)
WORTH_IT = 0.9
"""The transform must bring the first frame's colour difference under this share of what it was."""

Lab = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Grade:
    """lab -> lab * gain + shift, per channel."""

    gain: Lab
    shift: Lab

    def apply(self, frame: Pixels) -> Pixels:
        """Grade one frame, uint8 sRGB (height, width, 3)."""
        return _rgb(_lab(frame) * self.gain + self.shift)


def match_grade(frames: Frames, photo: Pixels) -> Frames:
    """Shift a clip's colour towards its photo.

    Args:
        frames: in rgb24; others are passed through.
        photo: uint8 sRGB (height, width, 3), what the first frame should look like.
    """
    if frames.pixel_format != "rgb24":
        return frames
    return replace(frames, frames=_graded(frames.frames, photo))


def _graded(frames: Iterator[Pixels], photo: Pixels) -> Iterator[Pixels]:
    grade: Grade | None = None
    for index, frame in enumerate(frames):
        if index == 0:
            grade = fit(frame, photo)
        yield grade.apply(frame) if grade else frame


def fit(frame: Pixels, photo: Pixels) -> Grade | None:
    """Fit the transform from a first frame to its photo; None where it would not help."""
    seen, wanted = _lab(_small(frame)).reshape(-1, 3), _lab(_small(photo, like=frame)).reshape(-1, 3)
    spread = seen.std(axis=0)
    covariance = ((seen - seen.mean(axis=0)) * (wanted - wanted.mean(axis=0))).mean(axis=0)
    gain = np.clip(np.where(spread > 1, covariance / np.maximum(spread**2, 1e-6), 1.0), *GAIN_LIMITS)
    shift = wanted.mean(axis=0) - seen.mean(axis=0) * gain
    grade = Grade(gain.astype(np.float32), shift.astype(np.float32))
    before = float(np.linalg.norm(seen - wanted, axis=1).mean())
    after = float(np.linalg.norm(seen * grade.gain + grade.shift - wanted, axis=1).mean())
    return grade if after < before * WORTH_IT else None


def _small(picture: Pixels, like: Pixels | None = None) -> Pixels:
    height, width = (picture if like is None else like).shape[:2]
    scale = min(1.0, FIT_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _lab(picture: Pixels) -> Lab:
    return np.asarray(cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), dtype=np.float32)


def _rgb(lab: Lab) -> Pixels:
    rgb = cv2.cvtColor(lab.astype(np.float32), cv2.COLOR_LAB2RGB)
    return np.asarray(np.clip(rgb * 255 + 0.5, 0, 255), dtype=np.uint8)
