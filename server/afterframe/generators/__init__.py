"""Generators: photo and recipe in, frames out.

A generator is a class behind the entry-point group ``afterframe.generators``; the built-in ones
come through the same door. :func:`available` lists them, :func:`load` makes one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from afterframe.errors import NotFound
from afterframe.models import Recipe, Scene

Pixels = npt.NDArray[np.uint8]
PixelFormat = Literal["rgb24", "yuv420p"]
Progress = Callable[[float], None]
"""Called with the share done, 0-1, after each frame or step."""
CancelCheck = Callable[[], bool]
"""True once the user asked to stop; looked at between frames or steps."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a generator can do."""

    last_frame: bool = False
    """Can end on a given frame (``direction: before``)."""
    loop: bool = False
    audio: bool = False
    grid: int = 2
    """Width and height must be multiples of this, pixels."""
    trained: bool = False
    """Its pixels come from a trained model (decides the IPTC digital source type)."""
    graded: bool = False
    """Its frames are matched to the photo's colour afterwards. False: they are the photo's own pixels."""


@dataclass(frozen=True, slots=True)
class PreparedPhoto:
    """A photo framed for its clip: decoded, upright, sRGB, cropped to the clip's aspect."""

    surround: Pixels
    """uint8 sRGB (height + 2 * margin_y, width + 2 * margin_x, 3): the frame and the picture around it
    that the camera may move over, at the same scale."""
    margin: tuple[int, int]
    """(margin_x, margin_y), pixels on each side; (0, 0) where the generator asked for none."""
    scene: Scene
    """What was seen in the picture, in shares of ``surround``."""
    f_number: float | None = None
    focal_35mm: float | None = None
    subject_distance_m: float | None = None

    @property
    def pixels(self) -> Pixels:
        """The framed photo, uint8 sRGB (height, width, 3): what the clip starts from."""
        mx, my = self.margin
        height, width = self.surround.shape[:2]
        return self.surround[my : height - my, mx : width - mx]


@dataclass(frozen=True, slots=True)
class Frames:
    """A clip on its way: frames are made as they are read."""

    pixel_format: PixelFormat
    size: tuple[int, int]
    """(width, height), pixels."""
    fps: int
    count: int
    frames: Iterator[Pixels]
    """rgb24: uint8 (height, width, 3) sRGB. yuv420p: uint8 (height * 3 // 2, width), planes Y, U, V stacked as
    OpenCV's I420, BT.709, limited range. A frame is only valid until the next one is read."""


class Generator(Protocol):
    """What every generator offers. One instance serves many renders, one at a time."""

    name: str
    version: str
    abilities: Abilities

    def overscan(self, recipe: Recipe) -> float:
        """The margin wanted on each side for the camera to move over, as a share of the frame (0-0.2)."""
        ...

    def generate(self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck) -> Frames:
        """Start a clip. The work happens while ``frames`` is read.

        Raises:
            GenerateError: from here or while reading; ``retryable`` says whether again can help.
            Cancelled: while reading, within one frame of ``cancelled()`` becoming true.
        """
        ...

    def close(self) -> None:
        """Give back memory and devices."""
        ...


def available() -> list[str]:
    """The names of all installed generators, sorted."""
    return sorted({entry.name for entry in entry_points(group="afterframe.generators")})


def load(name: str) -> Generator:
    """Make the generator called ``name``; ``auto`` is the best one that can run here.

    Raises:
        NotFound: no generator of that name is installed.
    """
    wanted = "parallax" if name == "auto" else name
    for entry in entry_points(group="afterframe.generators", name=wanted):
        generator: Generator = entry.load()()
        return generator
    raise NotFound(
        f"There is no generator called “{name}”.", f"Installed: {', '.join(available()) or 'none'}.", code="no_generator"
    )
