"""What every generator offers: the protocol behind the entry-point group ``afterframe.generators``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from afterframe.domain import Recipe
from afterframe.imaging.frames import CancelCheck, EncodedClip, Frames, PreparedPhoto, Progress


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a generator can do."""

    last_frame: bool = False
    """Can end on a given frame (``direction: before``)."""
    loop: bool = False
    audio: bool = False
    grid: int = 2
    """Width and height must be multiples of this, pixels."""
    trained: bool = False
    """Its pixels come from a trained model (decides the IPTC digital source type)."""
    ahead: bool = False
    """Its work is over before the first frame can be read: the next clip may begin while this one is finished."""
    graded: bool = False
    """Its frames are matched to the photo's colour afterwards. False: they are the photo's own pixels."""


class Generator(Protocol):
    """What every generator offers. One instance serves many renders, one at a time.

    It is made without arguments. One that has models to choose from takes ``model=`` and has a static method
    ``find_model`` (see :func:`~afterframe.generators.registry.resolve`). One that has memory plans takes ``plan=``, a
    number from 0, the fastest,
    upwards, and raises :class:`~afterframe.errors.OutOfMemory` with the number of the next.
    """

    name: str
    version: str
    capabilities: Capabilities

    def adapt(self, recipe: Recipe) -> Recipe:
        """The recipe as this generator can do it (size, frame rate, length), each change with its reason.

        Raises:
            GenerateError: it cannot be done at all (no loop, no last frame).
        """
        ...

    def overscan(self, recipe: Recipe) -> float:
        """The margin wanted on each side for the camera to move over, as a share of the frame (0-0.2)."""
        ...

    def generate(
        self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck
    ) -> Frames | EncodedClip:
        """Start a clip. The work happens while ``frames`` is read; one that is made elsewhere may come whole.

        Raises:
            GenerateError: from here or while reading; ``retryable`` says whether again can help.
            Cancelled: while reading, within one frame of ``cancelled()`` becoming true.
        """
        ...

    def close(self) -> None:
        """Give back memory and devices."""
        ...
