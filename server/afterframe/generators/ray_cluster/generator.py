"""Ray: clips from a cluster of machines, one warm renderer beside each GPU.

    connection  joining the cluster, its nodes     actor  the half that runs there     checks  of what that half sends

Each worker process holds one renderer. It takes a GPU where the cluster has any, else a CPU core. It ends with the
worker, so that no GPU stays taken when the daemon is gone. When a machine leaves in the middle of a clip, the photo
gets no strike: its job goes back to the queue.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from afterframe.config import Settings
from afterframe.domain import Recipe
from afterframe.errors import Cancelled, GenerateError, NotFound, OutOfMemory, Unavailable
from afterframe.generator_name import GeneratorName
from afterframe.generators.interface import Capabilities
from afterframe.generators.ray_cluster.actor import ClipFormat, Message, RenderActor
from afterframe.generators.ray_cluster.checks import (
    checked_answer,
    checked_format,
    checked_frames,
    checked_message,
    checked_sound,
)
from afterframe.generators.ray_cluster.connection import check_reachable, connect, nodes
from afterframe.imaging.frames import CancelCheck, Frames, Pixels, PreparedPhoto, Progress, Sound

__all__ = ["Ray"]

POLL_INTERVAL_S = 0.3
"""How often progress and cancellation are checked, seconds."""
FREE_TIMEOUT_S = 4.0
"""How long to wait for a free GPU, seconds: Ray may need that long to notice that one was released."""
START_TIMEOUT_S = 20.0
"""A renderer that has not started by then lost its GPU to another worker, seconds; starting takes two or three."""
ANSWER_TIMEOUT_S = 600.0
"""How long a renderer may take to answer, seconds: it may have to load a model first."""
STOP_TIMEOUT_S = 10.0
"""How long a renderer may take to stop, seconds."""
NODE_LOSS_TIMEOUT_S = 40.0
"""How long Ray may take to notice that a machine left, seconds (health check: 5 misses, 3 s apart, and a margin)."""
STREAMING = {"num_returns": "streaming", "_generator_backpressure_num_objects": 4}
"""How a clip is sent: its renderer is at most so many messages ahead of their reader."""

log = logging.getLogger(__name__)


class Ray:
    """The generator; see the module.

    Args:
        settings: these name the cluster.
        model: the generator that makes the frames there; empty: the one that the settings name.
        plan: its memory plan.
    """

    name = "ray"

    def __init__(self, settings: Settings, model: str = "", plan: int = 0) -> None:
        self._config = settings.config.cluster
        self._generator = model or self._config.generator
        self._plan = plan
        self.version = "1"
        self.capabilities = Capabilities()
        self._ray: Any = None
        self._actor: Any = None
        self._node_id = ""
        self._pause = threading.Event()

    @staticmethod
    def find_model(name: str, settings: Settings, *, folders: bool = True) -> str:  # noqa: ARG004 - part of the agreement
        """The name of a generator on the cluster's machines; only they know which ones they have.

        Raises:
            NotFound: it would send the work on to other machines, or names a folder where that is not allowed.
        """
        wanted = GeneratorName.parse(name)
        if wanted.kind in ("ray", "remote") or (not folders and any(mark in wanted.model for mark in "/\\")):
            raise NotFound(
                f"A cluster's machines cannot make clips with “{name}”.",
                "Name a generator that they have, such as parallax.",
            )
        return name

    def adapt(self, recipe: Recipe) -> Recipe:
        """The recipe as the generator there can do it."""
        adapted: Recipe = self._ask("adapt", recipe)
        return adapted

    def overscan(self, recipe: Recipe) -> float:
        """The margin that the generator there needs."""
        return float(self._ask("overscan", recipe))

    def generate(self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck) -> Frames:
        """Have a clip made on the cluster; its frames arrive while they are read.

        Raises:
            Unavailable: the cluster does not answer, no GPU is free, or the machine left in the middle.
            GenerateError: what the generator there raises.
            Cancelled: ``cancelled()`` became true; the renderer has stopped.
        """
        self._ensure_actor()
        messages = self._messages(photo, recipe, progress, cancelled)
        try:
            clip = checked_format(next(messages, None), recipe)
        except BaseException:
            messages.close()
            raise
        sounds: list[Sound] = []
        return Frames(
            clip.pixel_format,
            clip.size,
            clip.fps,
            clip.count,
            _frames(messages, sounds, clip),
            model=clip.model,
            sound=lambda: sounds[0] if sounds else None,
        )

    def close(self) -> None:
        """End the renderer: its GPU is free again."""
        self._drop_actor()
        if self._ray is not None:
            self._ray.shutdown()
            self._ray = None

    # -- the renderer ------------------------------------------------------------------------

    def _ensure_actor(self) -> None:
        """Start a renderer on a machine of the cluster, unless one is there."""
        if self._actor is not None:
            return
        self._ray = connect(self._config)
        self._node_id = ""
        with self._ray_errors():
            has_gpus = any(node.alive and node.gpus for node in nodes(self._ray))
            self._start_actor("GPU" if has_gpus else "CPU")
        info = self._ask("info")
        self.capabilities = replace(info.capabilities, elsewhere=True)
        self.version = f"{info.name} {info.version}"

    def _start_actor(self, resource: str) -> None:
        none_free = Unavailable(
            f"No {'GPU' if resource == 'GPU' else 'CPU core'} of the cluster is free.",
            "`afterframe cluster status` shows them; cluster.slots must not be more than there are.",
        )
        if not self._is_free(resource):
            raise none_free
        need = {"num_gpus": 1, "num_cpus": 0} if resource == "GPU" else {"num_cpus": 1}
        self._actor = (
            self._ray.remote(RenderActor)
            .options(**need, max_concurrency=2, max_restarts=0, max_task_retries=0, scheduling_strategy="SPREAD")
            .remote(self._generator, self._plan)
        )
        try:
            self._node_id = self._ray.get(self._actor.node_id.remote(), timeout=START_TIMEOUT_S)
        except self._ray.exceptions.GetTimeoutError:
            # Another worker was quicker. An actor that goes on waiting would take the next GPU from one who can use it.
            self._drop_actor()
            raise none_free from None

    def _is_free(self, resource: str) -> bool:
        ends = time.monotonic() + FREE_TIMEOUT_S
        while self._ray.available_resources().get(resource, 0) < 1:
            if time.monotonic() > ends:
                return False
            self._pause.wait(POLL_INTERVAL_S)
        return True

    def _ask(self, question: str, *arguments: object) -> Any:
        """The renderer's answer; an error in it is raised."""
        if question != "info":
            self._ensure_actor()
        with self._ray_errors():
            answer = self._ray.get(getattr(self._actor, question).remote(*arguments), timeout=ANSWER_TIMEOUT_S)
        return checked_answer(question, answer)

    def _drop_actor(self) -> None:
        if self._actor is not None:
            with contextlib.suppress(Exception):  # it may be gone, with its machine or the whole cluster
                self._ray.kill(self._actor, no_restart=True)
            self._actor = None

    # -- a clip ------------------------------------------------------------------------------

    def _messages(
        self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck
    ) -> Generator[Message, None, None]:
        """What the renderer sends for a clip, as it arrives; it stops when this is closed early."""
        stream = self._actor.render.options(**STREAMING).remote(photo, recipe)
        reported: tuple[float, float | None] = (0.0, None)
        ended = False
        try:
            while True:
                kind, content = checked_message(self._receive(stream))
                ended = kind in ("end", "error")
                if kind == "end":
                    return
                if kind == "progress" and content != reported:
                    reported = content
                    progress(*reported)
                if cancelled():
                    raise Cancelled("The clip was cancelled.")
                if kind == "error":
                    raise content
                if kind != "progress":
                    yield kind, content
        finally:
            if not ended:
                self._stop(stream)

    def _receive(self, stream: Any) -> object:
        """The next message; ("progress", ...) while there is none yet, ("end", None) after the last."""
        with self._ray_errors():
            ready, _ = self._ray.wait([stream], timeout=POLL_INTERVAL_S, fetch_local=False)
            if not ready:
                return "progress", self._ray.get(self._actor.progress.remote(), timeout=ANSWER_TIMEOUT_S)
            try:
                message: object = self._ray.get(next(stream))
            except StopIteration:
                return "end", None
        return message

    def _stop(self, stream: Any) -> None:
        """Stop the clip. The renderer stays warm if it stops in time; otherwise it is ended."""
        if self._actor is None:
            return
        ends = time.monotonic() + STOP_TIMEOUT_S
        try:
            self._actor.stop.remote()
            while time.monotonic() < ends:
                ready, _ = self._ray.wait([stream], timeout=POLL_INTERVAL_S, fetch_local=False)
                if ready:
                    next(stream)
        except StopIteration:
            return
        except self._ray.exceptions.RayError as error:
            log.info("the renderer did not stop in order: %s", type(error).__name__)
        self._drop_actor()

    # -- what can go wrong -------------------------------------------------------------------

    @contextlib.contextmanager
    def _ray_errors(self) -> Iterator[None]:
        """Turns Ray's errors into ours."""
        try:
            yield
        except (self._ray.exceptions.RayError, ConnectionError) as error:
            raise self._translated(error) from error

    def _translated(self, error: Any) -> GenerateError:
        errors = self._ray.exceptions
        if isinstance(error, errors.OutOfMemoryError):
            self._drop_actor()
            return OutOfMemory("Memory ran out on a machine of the cluster.", "Choose a smaller size.")
        if isinstance(error, errors.RayTaskError):
            return GenerateError(
                f"The cluster's renderer failed: {str(error.cause or error).strip().splitlines()[-1]}",
                "Install the same version of Afterframe on every machine of the cluster.",
                transient=True,
            )
        log.warning("%s", type(error).__name__)
        if getattr(error, "actor_init_failed", False):
            self._drop_actor()
            return GenerateError(
                "The cluster's machines cannot start a renderer.",
                "Install the same versions of Python and Afterframe on each of them.",
                code="no_renderer",
            )
        return self._lost_renderer()

    def _lost_renderer(self) -> GenerateError:
        """The renderer is gone: with its machine, or alone because of the photo."""
        node_lost = self._has_left()
        self._drop_actor()
        if node_lost:
            return Unavailable(
                "The machine of the cluster that was making the clip went away.",
                "Nothing to do: another one makes it.",
                code="node_lost",
            )
        return GenerateError(
            "The cluster's renderer crashed on this photo.",
            "Try another generator or a smaller size.",
            code="worker_died",
            transient=True,
        )

    def _has_left(self) -> bool:
        """Whether the renderer's machine has left the cluster; Ray may take a while to notice."""
        ends = time.monotonic() + NODE_LOSS_TIMEOUT_S
        while time.monotonic() < ends:
            if not self._is_listed():
                return True
            try:
                self._ray.get(self._actor.node_id.remote(), timeout=POLL_INTERVAL_S)
            except self._ray.exceptions.ActorDiedError:
                return self._node_leaves_soon()
            except self._ray.exceptions.RayError as error:
                log.debug("Ray does not know yet: %s", type(error).__name__)
            else:
                return False
            self._pause.wait(POLL_INTERVAL_S)
        return True  # it does not answer, whatever Ray believes

    def _is_listed(self) -> bool:
        """Whether the head lists the renderer's machine among the living."""
        try:
            check_reachable(self._config)  # a dead head is not asked: Ray waits a minute for it, and ends the process
        except Unavailable:
            return False
        return self._node_id in {node.id for node in nodes(self._ray) if node.alive}

    def _node_leaves_soon(self) -> bool:
        """Whether the renderer died together with its machine: Ray reports the two deaths in either order."""
        for _ in range(10):
            if not self._is_listed():
                return True
            self._pause.wait(POLL_INTERVAL_S)
        return False


def _frames(messages: Generator[Message, None, None], sounds: list[Sound], clip: ClipFormat) -> Iterator[Pixels]:
    left = clip.count
    with contextlib.closing(messages):
        for kind, content in messages:
            if kind == "sound":
                sounds.append(checked_sound(content))
                continue
            piece = checked_frames(kind, content, clip, left)
            left -= len(piece)
            # Copies: the piece itself lies in Ray's memory, which is to be released.
            yield from (np.array(frame) for frame in piece)
