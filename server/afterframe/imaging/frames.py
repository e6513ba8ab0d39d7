"""What goes into a generator, and what comes out: the prepared photo, and the frames of its clip."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from afterframe.scene import Scene

Pixels = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.float32]
PixelFormat = Literal["rgb24", "yuv420p"]


class Progress(Protocol):
    """Is called with how far a clip is, after each frame or step."""

    def __call__(self, share: float, eta_s: float | None = None, /) -> None:
        """Report progress.

        Args:
            share: of the whole clip that is done, 0-1.
            eta_s: time left, seconds, if the caller knows it better than from the pace so far.
        """
        ...


CancelCheck = Callable[[], bool]
"""True once the user asked to stop; checked between frames or steps."""


@dataclass(frozen=True, slots=True)
class PreparedPhoto:
    """A photo framed for its clip: decoded, upright, sRGB, cropped to the clip's aspect."""

    surround: Pixels
    """uint8 sRGB (height + 2 * margin_y, width + 2 * margin_x, 3): the frame and the picture around it
    that the camera may move over, at the same scale."""
    margin: tuple[int, int]
    """(margin_x, margin_y), pixels on each side; (0, 0) if the generator asked for none."""
    scene: Scene
    """What was found in the picture; its boxes are in shares of ``surround``."""
    f_number: float | None = None
    focal_35mm: float | None = None
    subject_distance_m: float | None = None
    end: Pixels | None = None
    """The photo that the clip ends with, where there is one, as :attr:`pixels`."""

    @property
    def pixels(self) -> Pixels:
        """The framed photo, uint8 sRGB (height, width, 3): what the clip starts from."""
        mx, my = self.margin
        height, width = self.surround.shape[:2]
        return self.surround[my : height - my, mx : width - mx]


@dataclass(frozen=True, slots=True)
class Model:
    """The trained model that makes a clip, and its input."""

    name: str
    version: str
    prompt: str
    """All the text that it is given."""
    settings: Mapping[str, object]
    """Everything else that determines the pixels (steps, guidance, precision ...); JSON values."""


@dataclass(frozen=True, slots=True)
class Sound:
    """The sound of a clip."""

    samples: Samples
    """float32 (samples, channels), -1 to 1; as long as the clip."""
    rate: int
    """Samples a second."""


@dataclass(frozen=True, slots=True)
class Frames:
    """A clip before it is encoded: its frames are made as they are read."""

    pixel_format: PixelFormat
    size: tuple[int, int]
    """(width, height), pixels."""
    fps: int
    count: int
    frames: Iterator[Pixels]
    """rgb24: uint8 (height, width, 3) sRGB. yuv420p: uint8 (height * 3 // 2, width), planes Y, U, V stacked as
    OpenCV's I420, BT.709, limited range. Each is an array of its own."""
    model: Model | None = None
    """None: no trained model was used."""
    sound: Callable[[], Sound | None] = lambda: None
    """The sound, available once all frames were read; None: the clip is silent."""
    preview: Callable[[], Pixels | None] = lambda: None
    """What the clip looks like so far while the first frame is waited for: sRGB, small; None: nothing to see yet. Asked
    for whenever progress is reported."""


@dataclass(frozen=True, slots=True)
class EncodedClip:
    """A clip that a server made, still encoded. It is decoded, so that it is graded and published like every other."""

    path: Path
    """An MP4 file that belongs to its generator."""
    size: tuple[int, int]
    """(width, height) asked for, pixels; servers round it to what their model can do."""
    longest_s: float
    """The rest is cut off, seconds."""
    model: Model | None = None
    shortest_s: float = 0.0
    """A shorter one is not what was asked for, seconds."""


@contextmanager
def every_cpu_core() -> Iterator[None]:
    """Let OpenCV use every CPU core meanwhile: before there are frames, no encoder needs them."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(os.cpu_count() or 1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def buffered(frames: Frames) -> Frames:
    """The same clip with all its frames in memory: whatever makes them has finished."""
    return replace(frames, frames=iter(list(frames.frames)))
