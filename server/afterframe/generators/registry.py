"""Generators: photo and recipe in, frames out.

A generator is a class behind the entry-point group ``afterframe.generators``; the built-in ones
come through the same door. :func:`available` lists them, :func:`load` makes one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Protocol

from afterframe.domain import Recipe
from afterframe.errors import NotFound, UsageError
from afterframe.imaging.frames import (
    CancelCheck,
    Frames,
    Model,
    Movie,
    PixelFormat,
    Pixels,
    PreparedPhoto,
    Progress,
    Sound,
)

__all__ = [
    "Abilities",
    "CancelCheck",
    "Frames",
    "Generator",
    "Model",
    "Movie",
    "PixelFormat",
    "Pixels",
    "PreparedPhoto",
    "Progress",
    "Sound",
    "advice",
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
    ahead: bool = False
    """Its work is over before the first frame can be read: the next clip may begin while this one is finished."""
    graded: bool = False
    """Its frames are matched to the photo's colour afterwards. False: they are the photo's own pixels."""


class Generator(Protocol):
    """What every generator offers. One instance serves many renders, one at a time.

    It is made without arguments. One that has models to choose from takes ``model=`` (and has a static method
    ``find_model``, see :func:`resolve`); one that has memory plans takes ``plan=``, a number from 0, the fastest,
    upwards, and raises :class:`~afterframe.errors.OutOfMemory` with the number of the next.
    """

    name: str
    version: str
    abilities: Abilities

    def suit(self, recipe: Recipe) -> Recipe:
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
    ) -> Frames | Movie:
        """Start a clip. The work happens while ``frames`` is read; one that is made elsewhere may come whole.

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


def resolve(name: str, *, folders: bool = True) -> str:
    """What ``name`` means here: a generator, or ``GENERATOR:MODEL``; ``auto`` is the best one that can run.

    Args:
        folders: the model may be a folder on this machine; False where a program asks from outside.
    Raises:
        NotFound: no generator of that name is installed, or it has no such model.
        UsageError: it has no models to choose from.
    """
    kind, _, model = name.partition(":")
    if kind == "auto":
        kind = _MODELS if model else next(kind for kind in _BEST_FIRST if _is_ready(kind))
    if kind not in available():
        raise NotFound(
            f"There is no generator called “{kind}”.",
            f"Installed: {', '.join(available()) or 'none'}.",
            code="no_generator",
        )
    if not model:
        return kind
    find = getattr(_class_of(kind), "find_model", None)
    if find is None:
        raise UsageError(f"The generator {kind} has no models to choose from.", "Leave the model away.")
    return f"{kind}:{find(model, folders=folders)}"


def load(name: str, plan: int = 0) -> Generator:
    """Make the generator that ``name`` means here.

    Args:
        plan: its memory plan; 0 unless that was too much already.
    Raises:
        NotFound: no generator of that name is installed, or it has no such model.
    """
    kind, _, model = resolve(name).partition(":")
    options: dict[str, object] = ({"model": model} if model else {}) | ({"plan": plan} if plan else {})
    generator: Generator = _class_of(kind)(**options)
    return generator


_MODELS = "diffusers"
"""The generator that is meant where only a model is named."""
_BEST_FIRST = (_MODELS, "parallax")


def _is_ready(kind: str) -> bool:
    """Whether a generator has what it needs here (device and weights); one that does not say so needs nothing."""
    if kind not in available():
        return False
    ready = getattr(_class_of(kind), "is_ready", None)
    return ready is None or bool(ready())


def advice(meant: str) -> str:
    """What would make a better generator than ``meant`` usable here; empty when nothing is missing."""
    if meant != _BEST_FIRST[-1] or _MODELS not in available():
        return ""
    lacks = getattr(_class_of(_MODELS), "lacks", None)
    return str(lacks()) if lacks else ""


def _class_of(kind: str) -> Callable[..., Any]:
    (entry,) = tuple(entry_points(group="afterframe.generators", name=kind))[:1]
    made: Callable[..., Any] = entry.load()
    return made
