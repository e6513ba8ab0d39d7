"""A clip made longer: its own frames, then a part that a generator makes from the last of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from afterframe.domain import Clip, Direction, Recipe
from afterframe.encode.process import Encoding
from afterframe.encode.remote_clip import decode_clip
from afterframe.errors import GenerateError, WrongState
from afterframe.grade.flow import SIDE, moved, small_grey
from afterframe.imaging.colour import small_rgb
from afterframe.imaging.frames import EncodedClip, Frames, Pixels, PreparedPhoto, Samples, Sound
from afterframe.vision import look
from photometa import Facts

_EVERY = 8
"""Distance of the points by which photo and frame are aligned, pixels of the small picture."""
_ALIGNED = 0.5
"""Share of those points that must agree."""


@dataclass(frozen=True, slots=True)
class Extension:
    """The clip that is made longer, and how."""

    clip: Clip
    encoding: Encoding

    @property
    def begins_with_photo(self) -> bool:
        """Whether its first frame can be measured against the photo."""
        return self.clip.recipe.direction is Direction.AFTER

    def part_of(self, recipe: Recipe) -> Recipe:
        """The recipe of the part alone: one frame longer, for its first is the clip's last."""
        own = self.clip.recipe
        return replace(recipe, size=own.size, fps=own.fps, duration_s=recipe.duration_s + 1 / own.fps)

    def check(self, adapted: Recipe) -> None:
        """Whether the generator can go on at the clip's frame rate.

        Raises:
            GenerateError: it cannot.
        """
        if adapted.fps != self.clip.recipe.fps:
            raise GenerateError(
                f"{Path(self.clip.path).name} has {self.clip.recipe.fps} frames a second, but the part after it would "
                f"have {adapted.fps}.",
                "Extend it with the generator and model that made it.",
                code="other_frame_rate",
            )

    def clip_frames(self) -> Frames:
        """The clip's frames, decoded as they are read.

        Raises:
            WrongState: its file is gone.
            EncodeError: it cannot be decoded.
        """
        path = Path(self.clip.path)
        if not path.is_file():
            raise WrongState(f"{path.name} is not there any more.", "Extend another clip.", code="clip_gone")
        return decode_clip(EncodedClip(path, self.clip.recipe.size, self.clip.duration_s + 1), self.encoding)

    def last_frame(self, photo: PreparedPhoto, detectors: Path | None) -> PreparedPhoto:
        """The clip's last frame, as a generator takes it: around it what the photo shows there.

        Args:
            photo: the photo as it is prepared for the same generator and size.
            detectors: folder of the nets that see faces, people and things.
        """
        last: Pixels | None = None
        for last in self.clip_frames().frames:  # noqa: B007 - the last one is wanted
            pass
        assert last is not None, "decode_clip refuses an empty clip"
        height, width = photo.pixels.shape[:2]
        if last.shape[:2] != (height, width):
            last = np.asarray(cv2.resize(last, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        surround = surrounded(last, photo)
        return replace(photo, surround=surround, scene=look(surround, detectors, Facts(orientation=1)))

    def joined(self, part: Frames) -> Frames:
        """The clip, then the part without its first frame, in rgb24."""
        clip = self.clip_frames()
        return Frames(
            "rgb24",
            clip.size,
            clip.fps,
            clip.count + part.count - 1,
            chain(clip.frames, islice(_rgb(part, clip.size), 1, None)),
            model=part.model,
            sound=lambda: _joined_sound(clip, part),
        )


def surrounded(last: Pixels, photo: PreparedPhoto) -> Pixels:
    """A frame with a margin as wide as the photo's: of the photo where it can be aligned, else the frame mirrored."""
    mx, my = photo.margin
    if not (mx or my):
        return last
    made = np.asarray(cv2.copyMakeBorder(last, my, my, mx, mx, cv2.BORDER_REFLECT_101), np.uint8)
    lie = _alignment(photo.pixels, last)
    if lie is not None:
        shift = np.array([[1, 0, mx], [0, 1, my], [0, 0, 1]], np.float64)
        lie = shift @ np.vstack([lie, [0, 0, 1]]) @ np.linalg.inv(shift)
        size = made.shape[1], made.shape[0]
        laid = cv2.warpPerspective(photo.surround, lie, size, flags=cv2.INTER_LINEAR)
        shown = cv2.warpPerspective(np.full(photo.surround.shape[:2], 255, np.uint8), lie, size) == 255
        made = np.where(shown[..., None], laid, made).astype(np.uint8)
    made[my : my + last.shape[0], mx : mx + last.shape[1]] = last
    return made


def _alignment(photo: Pixels, last: Pixels) -> npt.NDArray[np.float64] | None:
    """How the photo lies in a frame: a turned, scaled and shifted copy, (2, 3); None where it is not found."""
    one, other = small_grey(photo), small_grey(last)
    flow = moved(one, other)
    y, x = np.mgrid[_EVERY // 2 : one.shape[0] : _EVERY, _EVERY // 2 : one.shape[1] : _EVERY].reshape(2, -1)
    here = np.stack([x, y], axis=1).astype(np.float64)
    there = here + flow[y, x]
    found, agreed = cv2.estimateAffinePartial2D(here, there, method=cv2.RANSAC, ransacReprojThreshold=1.0)
    if found is None or agreed.mean() < _ALIGNED:
        return None
    lie = np.array(found, np.float64)
    lie[:, 2] *= max(photo.shape) / min(SIDE, max(photo.shape))
    return lie


def _rgb(frames: Frames, size: tuple[int, int]) -> Iterator[Pixels]:
    for frame in frames.frames:
        shown = frame
        if frames.pixel_format == "yuv420p":
            colours = small_rgb(frame, "yuv420p", max(frames.size))
            shown = np.asarray(np.rint(colours * 255), np.uint8)
        if (shown.shape[1], shown.shape[0]) != size:
            shown = np.asarray(cv2.resize(shown, size, interpolation=cv2.INTER_CUBIC), np.uint8)
        yield shown


def _joined_sound(clip: Frames, part: Frames) -> Sound | None:
    """One sound after the other, at the rate of the first that there is; silence where there is none."""
    sounds = [clip.sound(), part.sound()]
    rate = next((sound.rate for sound in sounds if sound), 0)
    if not rate:
        return None
    lengths = [clip.count / clip.fps, (part.count - 1) / clip.fps]
    channels = max(sound.samples.shape[1] for sound in sounds if sound)
    made = [_fitted(*each, rate, channels) for each in zip(sounds, lengths, strict=True)]
    return Sound(np.concatenate(made), rate)


def _fitted(sound: Sound | None, length_s: float, rate: int, channels: int) -> Samples:
    """A sound at another rate (samples a second), as long as this: linear between its samples."""
    at = np.arange(round(length_s * rate)) / rate
    if sound is None or not len(sound.samples):
        return np.zeros((len(at), channels), np.float32)
    own = np.arange(len(sound.samples)) / sound.rate
    made = [
        np.interp(at, own, sound.samples[:, min(one, sound.samples.shape[1] - 1)], right=0) for one in range(channels)
    ]
    return np.stack(made, axis=1).astype(np.float32)
