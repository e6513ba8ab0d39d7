"""The photo itself as the first frame of a model's clip, melted into the model's own frames along the optical flow.

A model's first frame is its photo through a VAE: softer, and a little off in colour. Here the photo takes its place,
and over :data:`REACH` frames what it shows goes over into what the model shows, each pixel where the flow finds it
again. A clip that leads up to its photo ends so; a loop does both. Where that would flicker, the model's frames stay.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

import cv2
import numpy as np

from afterframe.domain import Direction, Recipe
from afterframe.grade.flicker import FlickerMeter
from afterframe.grade.flow import enlarged, found_again, moved, small_grey, warped
from afterframe.imaging.frames import Frames, Pixels, PreparedPhoto

REACH = 6
"""Frames over which the photo goes over into the model's."""
SEEN = 1.0
"""More flicker than the model's own by this is too much, levels of 255: less cannot be seen."""


class PhotoFrame:
    """Melts the photo into one clip.

    Args:
        photo: what the clip was made from.
    """

    def __init__(self, photo: PreparedPhoto, recipe: Recipe) -> None:
        self._photo = np.ascontiguousarray(photo.pixels)
        self._end = photo.end
        self._loop = recipe.loop
        self._last = recipe.direction is Direction.BEFORE and not recipe.loop
        self.reason = ""
        """What was done, in words; once all frames have passed."""

    def melt(self, frames: Frames) -> Frames:
        """The same clip, with the photo in it: rgb24 only, others are passed through."""
        if frames.pixel_format != "rgb24" or frames.count < 3:
            return frames
        return replace(frames, frames=self._melted(frames))

    def _melted(self, frames: Frames) -> Iterator[Pixels]:
        both = self._loop or self._end is not None
        reach = min(REACH, (frames.count - 1) // 2 if both else frames.count - 1)
        source = iter(frames.frames)
        if not self._last:
            yield from self._better(self._photo, list(islice(source, reach + 1)), reach)
        if not (self._last or self._loop or self._end is not None):
            yield from source
            return
        held: deque[Pixels] = deque()
        for frame in source:
            held.append(frame)
            if len(held) > reach + (not self._loop):
                yield held.popleft()
        last = self._photo if self._end is None else np.ascontiguousarray(self._end)
        yield from reversed(self._better(last, list(reversed(held)), reach, away=1 if self._loop else 0))

    def _better(self, photo: Pixels, own: Sequence[Pixels], reach: int, away: int = 0) -> Sequence[Pixels]:
        """Frames with the photo in them, or as they are where that would flicker.

        Args:
            photo: the one that this end of the clip shows.
            own: from the photo's end of the clip on.
            away: steps between the first of them and the photo.
        """
        if not own or own[0].shape != photo.shape:
            return own
        melted = [_melt(photo, frame, _share((step + away) / reach)) for step, frame in enumerate(own)]
        before, after = flicker(own), flicker(melted)
        if after > before + SEEN:
            self.reason = (
                "the model's own frames stay: the photo would flicker into them "
                f"({after:.1f} levels, {before:.1f} without)"
            )
            return own
        self.reason = self.reason or f"the photo itself, melted into the model's frames within {reach}"
        return melted


def _share(way: float) -> float:
    """How much of the photo is left on the way (0-1) to the model's own frames: it begins and ends gently."""
    way = min(1.0, way)
    return 1 - way * way * (3 - 2 * way)


def _melt(photo: Pixels, frame: Pixels, share: float) -> Pixels:
    if share <= 0:
        return frame
    if share >= 1:
        return photo.copy()
    one, other = small_grey(frame), small_grey(photo)
    there, back = moved(one, other), moved(other, one)
    height, width = frame.shape[:2]
    laid = warped(photo, enlarged(there, (width, height))).astype(np.float32)
    sure = cv2.resize(found_again(there, back), (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    return np.asarray(np.rint(frame + share * sure * (laid - frame)), np.uint8)


def flicker(frames: Sequence[Pixels]) -> float:
    """The flicker of some frames, see :class:`FlickerMeter`."""
    meter = FlickerMeter()
    for frame in frames:
        meter.see(small_grey(frame))
    return meter.worst
