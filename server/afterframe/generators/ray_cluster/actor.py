"""The half that runs on the cluster: one warm generator beside each GPU.

Photo and recipe come in as messages, frames go out in pieces: no disk is shared. What it gives is one stream of
items, each a pair of what it is and the thing itself:

    ("head", Head)            once, first            ("frames", array (n, ...))     until all are there
    ("sound", Sound)          at most once           ("error", AfterframeError)     instead of the rest
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from afterframe.config import Home, Settings
from afterframe.domain import Recipe
from afterframe.errors import AfterframeError, GenerateError, OutOfMemory
from afterframe.generators import registry
from afterframe.generators.interface import Capabilities, Generator
from afterframe.imaging.frames import EncodedClip, Frames, Model, PixelFormat, PreparedPhoto

PIECE_BYTES = 8 << 20
"""Frames are sent in pieces of about this size."""
Item = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class About:
    """What a renderer is."""

    node_id: str
    name: str
    version: str
    capabilities: Capabilities


@dataclass(frozen=True, slots=True)
class Head:
    """A clip's form, see :class:`afterframe.imaging.frames.Frames`."""

    pixel_format: PixelFormat
    size: tuple[int, int]
    fps: int
    count: int
    model: Model | None


class RenderActor:
    """A Ray actor with two threads: one renders, the other answers how far it is and hears a wish to stop.

    Args:
        generator: a generator's name, as :func:`afterframe.generators.registry.load` takes it, on that machine.
        plan: its memory plan.
        node_id: of the machine that it runs on; asked of Ray by default.
    """

    def __init__(self, generator: str, plan: int = 0, node_id: str = "") -> None:
        self._name = generator
        self._plan = plan
        self._node_id = node_id
        self._made: Generator | None = None
        self._loading = threading.Lock()
        self._stop = threading.Event()
        self._told: tuple[float, float | None] = (0.0, None)

    def where(self) -> str:
        """The id of its node: it runs."""
        if not self._node_id:
            import ray

            self._node_id = ray.get_runtime_context().get_node_id()
        return self._node_id

    def about(self) -> Item:
        """("about", About) or ("error", ...)."""
        return self._said(lambda made: ("about", About(self.where(), made.name, made.version, made.capabilities)))

    def adapt(self, recipe: Recipe) -> Item:
        """("recipe", Recipe) or ("error", ...)."""
        return self._said(lambda made: ("recipe", made.adapt(recipe)))

    def overscan(self, recipe: Recipe) -> Item:
        """("overscan", float) or ("error", ...)."""
        return self._said(lambda made: ("overscan", made.overscan(recipe)))

    def _said(self, answer: Any) -> Item:
        try:
            made: Item = answer(self._generator())
        except AfterframeError as error:
            return "error", error
        return made

    def _generator(self) -> Generator:
        """The generator, made with the settings of the machine that this runs on."""
        with self._loading:
            if self._made is None:
                self._made = registry.load(self._name, Settings(Home.find()), self._plan)
            return self._made

    def render(self, photo: PreparedPhoto, recipe: Recipe) -> Iterator[Item]:
        """Make a clip; see the module."""
        self._stop.clear()
        self._told = (0.0, None)
        try:
            frames = self._generator().generate(photo, recipe, self._note, self._stop.is_set)
            if isinstance(frames, EncodedClip):
                raise GenerateError(f"{self._name} works elsewhere itself.", "Set cluster.generator to another one.")
            yield "head", Head(frames.pixel_format, frames.size, frames.fps, frames.count, frames.model)
            yield from (("frames", piece) for piece in _pieces(frames))
            if sound := frames.sound():
                yield "sound", sound
        except AfterframeError as error:
            yield "error", error
        except MemoryError:
            yield "error", OutOfMemory("Memory ran out in the cluster.", "Choose a smaller size.")

    def _note(self, share: float, eta_s: float | None = None, /) -> None:
        self._told = (share, eta_s)

    def progress(self) -> tuple[float, float | None]:
        """The share that is done, 0-1, and the time left, seconds."""
        return self._told

    def stop(self) -> None:
        """Stop the clip that is being made."""
        self._stop.set()


def _pieces(frames: Frames) -> Iterator[Any]:
    """The frames, some at a time."""
    piece: list[Any] = []
    for frame in frames.frames:
        piece.append(frame)
        if len(piece) * frame.nbytes >= PIECE_BYTES:
            yield np.stack(piece)
            piece = []
    if piece:
        yield np.stack(piece)
