"""The protocol of generators, which are found through the entry-point group ``afterframe.generators``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from afterframe.domain import Recipe
from afterframe.imaging.frames import CancelCheck, EncodedClip, Frames, PreparedPhoto, Progress


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a generator can do."""

    last_frame: bool = False
    """It can end on a given frame (``direction: before``)."""
    loop: bool = False
    audio: bool = False
    grid: int = 2
    """Width and height must be multiples of this, pixels."""
    trained: bool = False
    """Its pixels come from a trained model (decides the IPTC digital source type)."""
    ahead: bool = False
    """Its work is done before the first frame can be read: the next clip may begin while this one is encoded."""
    elsewhere: bool = False
    """Another machine does its work: memory and energy of this one say nothing about a clip."""
    graded: bool = False
    """Its frames are matched to the photo's colour afterwards. False: they are the photo's own pixels."""


class Generator(Protocol):
    """A generator. One instance serves many renders, one at a time.

    An entry point of the group names a class that is made as ``Class(settings)``, where ``settings`` is a
    :class:`~afterframe.config.Settings`: Afterframe's own folder and what config.toml says. What else such a class
    may have, all of it optional:

    - ``Class(settings, model="...")``, where it has models to choose from; then also a static method
      ``find_model(model, settings, *, folders)`` that returns the model's full name or raises
      :class:`~afterframe.errors.NotFound`. ``folders`` is False where the name comes from another program: then no
      folder of this machine may be named.
    - ``Class(settings, plan=1)``, where it has memory plans, numbered from 0, the fastest. It raises
      :class:`~afterframe.errors.OutOfMemory` with the number of the next one.
    - a static method ``is_ready(settings)``: whether device and weights are here, so that ``auto`` may choose it.
    - a static method ``missing_requirements(settings)``: what a person can do so that ``auto`` may choose it.
    """

    name: str
    version: str
    capabilities: Capabilities

    def adapt(self, recipe: Recipe) -> Recipe:
        """The recipe as this generator can do it (size, frame rate, length), each change with its reason.

        Raises:
            GenerateError: it cannot do the recipe at all (no loop, no last frame).
        """
        ...

    def overscan(self, recipe: Recipe) -> float:
        """The margin that the camera needs on each side, as a share of the frame (0-0.2)."""
        ...

    def generate(
        self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck
    ) -> Frames | EncodedClip:
        """Start a clip. The work happens while ``frames`` is read; a clip made on another machine may come whole.

        Raises:
            GenerateError: from here or while reading; ``transient`` says whether trying again can help.
            Cancelled: while reading, within one frame of ``cancelled()`` becoming true.
        """
        ...

    def close(self) -> None:
        """Release memory and devices."""
        ...


@runtime_checkable
class MakesTakes(Protocol):
    """A generator that can make a clip cheaply first, so that several can be compared before one is finished."""

    def take(
        self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck
    ) -> Frames | EncodedClip:
        """Start a clip as :meth:`Generator.generate` does, in less time: what it shows must be much the same."""
        ...
