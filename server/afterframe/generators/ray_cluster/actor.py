"""The half that runs on the cluster: one warm generator beside each GPU.

No disk is shared: photo and recipe arrive as arguments, and a clip leaves as a stream of messages, each a pair of its
kind and its content:

    ("format", ClipFormat)    once, first            ("frames", array (n, ...))     until all have been sent
    ("sound", Sound)          at most once           ("error", AfterframeError)     instead of the rest
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
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
Message = tuple[str, Any]
"""A kind, and the content that it has."""


@dataclass(frozen=True, slots=True)
class ActorInfo:
    """The generator that a renderer uses, and where it runs."""

    node_id: str
    name: str
    version: str
    capabilities: Capabilities


@dataclass(frozen=True, slots=True)
class ClipFormat:
    """A clip's size, length and pixel format, see :class:`afterframe.imaging.frames.Frames`."""

    pixel_format: PixelFormat
    size: tuple[int, int]
    fps: int
    count: int
    model: Model | None


class RenderActor:
    """A Ray actor with two threads: one renders, the other tells the progress and takes the order to stop.

    Args:
        generator: what makes the frames on that machine, as :func:`afterframe.generators.registry.load` takes it.
        plan: its memory plan.
        node_id: of the machine that it runs on; empty: Ray is asked.
    """

    def __init__(self, generator: str, plan: int = 0, node_id: str = "") -> None:
        self._name = generator
        self._plan = plan
        self._node_id = node_id
        self._made: Generator | None = None
        self._loading = threading.Lock()
        self._stop = threading.Event()
        self._progress: tuple[float, float | None] = (0.0, None)

    def node_id(self) -> str:
        """The id of the machine that it runs on; an answer at all says that it has started."""
        if not self._node_id:
            import ray

            self._node_id = ray.get_runtime_context().get_node_id()
        return self._node_id

    def info(self) -> Message:
        """("info", ActorInfo) or ("error", ...)."""
        return self._answer(
            lambda made: ("info", ActorInfo(self.node_id(), made.name, made.version, made.capabilities))
        )

    def adapt(self, recipe: Recipe) -> Message:
        """("recipe", Recipe) or ("error", ...)."""
        return self._answer(lambda made: ("recipe", made.adapt(recipe)))

    def overscan(self, recipe: Recipe) -> Message:
        """("overscan", float) or ("error", ...)."""
        return self._answer(lambda made: ("overscan", made.overscan(recipe)))

    def _answer(self, question: Callable[[Generator], Message]) -> Message:
        try:
            return question(self._generator())
        except AfterframeError as error:
            return "error", error

    def _generator(self) -> Generator:
        """The generator, made with the settings of the machine that this runs on."""
        with self._loading:
            if self._made is None:
                self._made = registry.load(self._name, Settings(Home.find()), self._plan)
            return self._made

    def render(self, photo: PreparedPhoto, recipe: Recipe) -> Iterator[Message]:
        """Make a clip; the module says which messages it sends."""
        self._stop.clear()
        self._progress = (0.0, None)
        try:
            frames = self._generator().generate(photo, recipe, self._note_progress, self._stop.is_set)
            if isinstance(frames, EncodedClip):
                raise GenerateError(
                    f"The generator {self._name} sends its work to other machines.",
                    "Set cluster.generator to another one.",
                )
            yield "format", ClipFormat(frames.pixel_format, frames.size, frames.fps, frames.count, frames.model)
            yield from (("frames", piece) for piece in _pieces(frames))
            if sound := frames.sound():
                yield "sound", sound
        except AfterframeError as error:
            yield "error", error
        except MemoryError:
            yield "error", OutOfMemory("Memory ran out on a machine of the cluster.", "Choose a smaller size.")

    def _note_progress(self, share: float, eta_s: float | None = None, /) -> None:
        self._progress = (share, eta_s)

    def progress(self) -> tuple[float, float | None]:
        """The share that is done, 0-1, and the time left, seconds; None: not known."""
        return self._progress

    def stop(self) -> None:
        """Cancel the clip that is being made."""
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
