"""Generators: photo and recipe in, frames out.

A generator is a class behind the entry-point group ``afterframe.generators``; the built-in ones
come through the same door. :func:`available` lists them, :func:`load` makes one.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Protocol

from afterframe.errors import NotFound
from afterframe.frames import CancelCheck, Frames, PixelFormat, Pixels, PreparedPhoto, Progress
from afterframe.models import Recipe

__all__ = [
    "Abilities",
    "CancelCheck",
    "Frames",
    "Generator",
    "PixelFormat",
    "Pixels",
    "PreparedPhoto",
    "Progress",
    "available",
    "load",
    "resolve",
]


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


def resolve(name: str) -> str:
    """The name of the generator that ``name`` means here: ``auto`` is the best one that can run.

    Raises:
        NotFound: no generator of that name is installed.
    """
    wanted = "parallax" if name == "auto" else name
    if wanted in available():
        return wanted
    raise NotFound(
        f"There is no generator called “{name}”.",
        f"Installed: {', '.join(available()) or 'none'}.",
        code="no_generator",
    )


def load(name: str) -> Generator:
    """Make the generator that ``name`` means here.

    Raises:
        NotFound: no generator of that name is installed.
    """
    (entry,) = tuple(entry_points(group="afterframe.generators", name=resolve(name)))[:1]
    generator: Generator = entry.load()()
    return generator
