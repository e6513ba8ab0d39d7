"""How true a clip is to its photo, measured on its frames on their way to the encoder.

========================  ==========================================================================================
``photo_psnr_db``         the photo's frame (the first; the last with ``direction: before``) against the prepared
                          photo: peak signal-to-noise ratio of BT.709 luma, dB, at most 100
``photo_de00``            the same two: mean CIEDE2000 difference, at :data:`SIDE` pixels
``drift_de00``            the largest mean CIEDE2000 difference between the photo's frame and later (or earlier)
                          ones, aligned by optical flow; absent if they cannot be aligned, or the clip goes to
                          another photo
``loop_seam``             loops only: |last - first| over the median step between frames; 1 is invisible
========================  ==========================================================================================

All before encoding, on a handful of frames: a few hundredths of a second, whatever the clip's length.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import cv2
import numpy as np

from afterframe.domain import Direction, Recipe
from afterframe.grade.alignment import Tracker
from afterframe.imaging.colour import Floats, ciede2000, luma, small_rgb, to_cielab
from afterframe.imaging.frames import Frames, Pixels, PreparedPhoto

SIDE = 192
"""Long side of the pictures that are compared, pixels."""
SAMPLED_FRAMES = 5
"""Frames on which drift is measured, including the first and the last."""
STEPS = 6
"""Steps between frames that a loop's seam is compared with."""


LEAST_PSNR_DB = 15.0
"""At :data:`OVERVIEW` pixels; a photo that a model made a stop darker has more."""
LEAST_LIKENESS = 0.6
"""Correlation of luma, for photos that were graded beyond recognition of their levels."""
OVERVIEW = 48
"""Long side of the pictures that are compared for showing the same thing at all, pixels."""


def shows_photo(frame: Pixels, photo: PreparedPhoto) -> bool:
    """Whether a frame shows the photo at all, however it is graded.

    Args:
        frame: (height, width, 3), sRGB, of any size of about the photo's shape.
    """
    shown = _overview(frame)
    wanted = cv2.resize(_overview(photo.pixels), shown.shape[::-1], interpolation=cv2.INTER_AREA)
    if float(cv2.PSNR(shown, wanted)) >= LEAST_PSNR_DB:
        return True
    deviations = float(shown.std()) * float(wanted.std())
    covariance = float(((shown - shown.mean(dtype=float)) * (wanted - wanted.mean(dtype=float))).mean())
    return deviations > 0 and covariance / deviations >= LEAST_LIKENESS


def _overview(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    scale = OVERVIEW / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA)
    return np.asarray(luma(np.ascontiguousarray(small), "rgb24"), np.uint8)


class Fidelity:
    """Measures one clip while its frames pass through.

    Args:
        photo: what the clip was made from.
    """

    def __init__(self, photo: PreparedPhoto, recipe: Recipe) -> None:
        self._photo = photo
        self._loop = recipe.loop
        self._photo_last = recipe.direction == Direction.BEFORE
        self._seen: dict[int, Floats] = {}
        self._psnr_db: float | None = None
        self._count = 0
        self._measured: Mapping[str, float] = {}

    def watch(self, frames: Frames) -> Frames:
        """The same frames, some of them measured in passing."""
        self._count = frames.count
        return replace(frames, frames=self._watched(frames))

    def _watched(self, frames: Frames) -> Iterator[Pixels]:
        wanted = {*self._looks(), *(self._steps() if self._loop else ())}
        photos = self._photos_frame()
        for index, frame in enumerate(frames.frames):
            if index in wanted:
                self._seen[index] = small_rgb(frame, frames.pixel_format, SIDE)
            if index == photos:
                self._psnr_db = _psnr_db(luma(frame, frames.pixel_format), self._photo)
            yield frame
        self._measured = self._measure()  # now, while the encoder still has frames to work on

    def _looks(self) -> list[int]:
        return [round(share * (self._count - 1)) for share in np.linspace(0, 1, SAMPLED_FRAMES)]

    def _steps(self) -> list[int]:
        """Pairs of neighbouring frames along the clip, flattened."""
        starts = [round(share * (self._count - 2)) for share in np.linspace(0, 1, STEPS)]
        return [index for start in starts for index in (start, start + 1)]

    def _photos_frame(self) -> int:
        return self._count - 1 if self._photo_last else 0

    def measures(self) -> Mapping[str, float]:
        """The measurements by name; complete once all frames have passed."""
        return self._measured

    def _measure(self) -> Mapping[str, float]:
        found = {
            "photo_psnr_db": self._psnr_db,
            "photo_de00": self._photo_de00(),
            "drift_de00": None if self._photo.end is not None else self._drift_de00(),
            "loop_seam": self._loop_seam() if self._loop else None,
        }
        return {name: round(value, 2) for name, value in found.items() if value is not None}

    def _photo_de00(self) -> float | None:
        shown = self._seen.get(self._photos_frame())
        if shown is None:
            return None
        photo = small_rgb(np.ascontiguousarray(self._photo.pixels), "rgb24", SIDE)
        height, width = shown.shape[:2]
        return _apart(shown, np.asarray(cv2.resize(photo, (width, height)), np.float32))

    def _drift_de00(self) -> float | None:
        order = sorted(set(self._looks()), reverse=self._photo_last)
        start, *others = [self._seen[index] for index in order if index in self._seen]
        tracker = Tracker(start)
        matches = [match for match in map(tracker.match, others) if match.usable]
        return max((_apart(match.frame[match.same], tracker.photo[match.same]) for match in matches), default=None)

    def _loop_seam(self) -> float | None:
        steps = self._steps()
        if self._count < 3 or not {*steps, 0, self._count - 1} <= self._seen.keys():
            return None
        sizes = [_step(self._seen[one], self._seen[other]) for one, other in zip(steps[::2], steps[1::2], strict=True)]
        # A clip that hardly moves has no step to compare with: a tenth of a level of 255 stands in for it.
        return _step(self._seen[self._count - 1], self._seen[0]) / max(float(np.median(sizes)), 0.1 / 255)


def _step(one: Floats, other: Floats) -> float:
    return float(np.abs(one - other).mean())


def _apart(one: Floats, other: Floats) -> float:
    return float(ciede2000(to_cielab(one), to_cielab(other)).mean())


def _psnr_db(shown: Pixels, photo: PreparedPhoto) -> float:
    wanted = luma(np.ascontiguousarray(photo.pixels), "rgb24")
    if wanted.shape != shown.shape:
        wanted = np.asarray(cv2.resize(wanted, shown.shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    return min(100.0, float(cv2.PSNR(np.ascontiguousarray(shown), wanted)))
