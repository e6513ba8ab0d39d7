"""Ray: clips from a cluster of machines, one warm renderer beside each GPU.

    connection  joining the cluster, its nodes     renderer  the half that runs there

Each worker process holds one renderer. It takes a GPU where the cluster has any, else a processor. It ends with
the worker, so that nothing keeps a GPU when the daemon is gone. A machine that leaves in the middle costs the
photo nothing: its job goes back to the queue.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from afterframe.config import Settings
from afterframe.domain import GeneratorName, Recipe
from afterframe.errors import AfterframeError, Cancelled, GenerateError, NotFound, OutOfMemory, Unavailable
from afterframe.generators.interface import Capabilities
from afterframe.generators.ray_cluster.actor import Head, Item, RenderActor
from afterframe.generators.ray_cluster.connection import connect, nodes
from afterframe.imaging.frames import CancelCheck, Frames, Pixels, PreparedPhoto, Progress, Sound

__all__ = ["Ray"]

LOOK_S = 0.3
"""How often a wish to stop is noticed and progress asked for, seconds."""
FREE_S = 4.0
"""How long to wait for a free GPU, seconds: Ray may need as long to know that one was given back."""
PLACE_S = 20.0
"""A renderer that has not started on a free one by then lost it to another, seconds; it takes two or three."""
ANSWER_S = 600.0
"""Loading a model may take as long, seconds."""
STOP_S = 10.0
"""How long a renderer may take to stop, seconds."""
LEAVE_S = 40.0
"""How long Ray may take to notice that a machine left (its health check: 5 misses, 3 s apart, and some)."""
AHEAD = 4
"""Pieces of frames that are made before they are taken."""

log = logging.getLogger(__name__)


class Ray:
    """The generator; see the module.

    Args:
        settings: name the cluster.
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
        """A generator of the cluster's machines: they know which they have.

        Raises:
            NotFound: it is one that works elsewhere itself, or names a folder where that is not allowed.
        """
        wanted = GeneratorName.parse(name)
        if wanted.kind in ("ray", "remote") or (not folders and any(mark in wanted.model for mark in "/\\")):
            raise NotFound(
                f"A cluster's machines do not make clips with “{name}”.",
                "Name a generator they have, such as parallax.",
            )
        return name

    def adapt(self, recipe: Recipe) -> Recipe:
        """As the generator there can do it."""
        suited: Recipe = self._ask("adapt", recipe)
        return suited

    def overscan(self, recipe: Recipe) -> float:
        """As the generator there wants it."""
        return float(self._ask("overscan", recipe))

    def generate(self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck) -> Frames:
        """Have a clip made on the cluster; its frames come while they are read.

        Raises:
            Unavailable: the cluster or a free GPU is not there, or the machine left in the middle.
            GenerateError: what the generator there raises.
            Cancelled: ``cancelled()`` became true; the renderer has stopped.
        """
        self._place()
        items = self._items(photo, recipe, progress, cancelled)
        kind, head = next(items)
        assert kind == "head"
        assert isinstance(head, Head)
        heard: list[Sound] = []
        return Frames(
            head.pixel_format,
            head.size,
            head.fps,
            head.count,
            _frames(items, heard),
            model=head.model,
            sound=lambda: heard[0] if heard else None,
        )

    def close(self) -> None:
        """End the renderer: its GPU is free again."""
        self._drop()
        if self._ray is not None:
            self._ray.shutdown()
            self._ray = None

    # -- the renderer ------------------------------------------------------------------------

    def _place(self) -> None:
        """Have a renderer, on a machine of the cluster."""
        if self._actor is not None:
            return
        self._ray = connect(self._config)
        self._node_id = ""
        with self._mapped():
            has_gpus = any(node.alive and node.gpus for node in nodes(self._ray))
            none_free = Unavailable(
                f"No {'GPU' if has_gpus else 'processor'} of the cluster is free.",
                "`afterframe cluster status` shows them; cluster.slots must not be more than there are.",
            )
            if not self._is_free("GPU" if has_gpus else "CPU"):
                raise none_free
            need = {"num_gpus": 1, "num_cpus": 0} if has_gpus else {"num_cpus": 1}
            self._actor = (
                self._ray.remote(RenderActor)
                .options(**need, max_concurrency=2, max_restarts=0, max_task_retries=0, scheduling_strategy="SPREAD")
                .remote(self._generator, self._plan)
            )
            try:
                self._node_id = self._ray.get(self._actor.where.remote(), timeout=PLACE_S)
            except self._ray.exceptions.GetTimeoutError:
                # Somebody was quicker. One that goes on waiting would take the next GPU from whoever can use it.
                self._drop()
                raise none_free from None
        about = self._ask("about")
        self.capabilities = about.capabilities
        self.version = f"{about.name} {about.version}"

    def _is_free(self, what: str) -> bool:
        ends = time.monotonic() + FREE_S
        while self._ray.available_resources().get(what, 0) < 1:
            if time.monotonic() > ends:
                return False
            self._pause.wait(LOOK_S)
        return True

    def _ask(self, question: str, *given: object) -> Any:
        """What the renderer answers; an error that it names is raised."""
        if question != "about":
            self._place()
        with self._mapped():
            _, answer = self._ray.get(getattr(self._actor, question).remote(*given), timeout=ANSWER_S)
        if isinstance(answer, AfterframeError):
            raise answer
        return answer

    def _drop(self) -> None:
        if self._actor is not None:
            with contextlib.suppress(Exception):  # it may be gone, with its machine or the whole cluster
                self._ray.kill(self._actor, no_restart=True)
            self._actor = None

    # -- a clip ------------------------------------------------------------------------------

    def _items(
        self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck
    ) -> Iterator[Item]:
        stream = self._actor.render.options(num_returns="streaming", _generator_backpressure_num_objects=AHEAD).remote(
            photo, recipe
        )
        told: tuple[float, float | None] = (0.0, None)
        ended = False
        try:
            while True:
                with self._mapped():
                    ready, _ = self._ray.wait([stream], timeout=LOOK_S, fetch_local=False)
                    if not ready:
                        share = self._ray.get(self._actor.progress.remote(), timeout=ANSWER_S)
                        if share != told:
                            told = share
                            progress(*told)
                    else:
                        try:
                            kind, thing = self._ray.get(next(stream))
                        except StopIteration:
                            ended = True
                            return
                if cancelled():
                    raise Cancelled("The clip was cancelled.")
                if ready:
                    if kind == "error":
                        ended = True
                        raise thing
                    yield kind, thing
        finally:
            if not ended:
                self._stop(stream)

    def _stop(self, stream: Any) -> None:
        """Stop the clip; the renderer stays warm if it does so soon, else it is ended."""
        if self._actor is None:
            return
        ends = time.monotonic() + STOP_S
        try:
            self._actor.stop.remote()
            while time.monotonic() < ends:
                ready, _ = self._ray.wait([stream], timeout=LOOK_S, fetch_local=False)
                if ready:
                    next(stream)
        except StopIteration:
            return
        except self._ray.exceptions.RayError as error:
            log.info("the renderer did not stop in order: %s", type(error).__name__)
        self._drop()

    @contextlib.contextmanager
    def _mapped(self) -> Iterator[None]:
        """Ray's errors as ours."""
        errors = self._ray.exceptions
        try:
            yield
        except errors.OutOfMemoryError as error:
            self._drop()
            raise OutOfMemory("Memory ran out on a machine of the cluster.", "Choose a smaller size.") from error
        except errors.RayTaskError as error:
            raise GenerateError(
                f"The cluster's renderer failed: {str(error.cause or error).strip().splitlines()[-1]}",
                "Every machine of the cluster needs the same Afterframe.",
                retryable=True,
            ) from error
        except (errors.RayError, ConnectionError) as error:
            log.warning("%s", type(error).__name__)
            if getattr(error, "actor_init_failed", False):
                self._drop()
                raise GenerateError(
                    "The cluster's machines cannot start a renderer.",
                    "Every one of them needs the same Python and Afterframe.",
                    code="no_renderer",
                ) from error
            left = self._has_left()
            self._drop()
            if left:
                raise Unavailable(
                    "The cluster's machine that made the clip went away.",
                    "Nothing: another one makes it.",
                    code="node_lost",
                ) from error
            raise GenerateError(
                "The cluster's renderer died over this photo.",
                "Try another generator or a smaller size.",
                code="worker_died",
                retryable=True,
            ) from error

    def _has_left(self) -> bool:
        """Whether the renderer's machine has left the cluster; Ray may need a while to know."""
        ends = time.monotonic() + LEAVE_S
        while time.monotonic() < ends:
            try:
                alive = {node.id for node in nodes(self._ray) if node.alive}
                if self._node_id not in alive:
                    return True
                self._ray.get(self._actor.where.remote(), timeout=LOOK_S)
            except self._ray.exceptions.ActorDiedError:
                return self._left_soon()
            except self._ray.exceptions.RayError as error:
                log.debug("not known yet: %s", type(error).__name__)
            else:
                return False
            self._pause.wait(LOOK_S)
        return True  # it does not answer, whatever Ray thinks of it

    def _left_soon(self) -> bool:
        """The renderer is dead: with its machine, or alone? The two are told in any order."""
        for _ in range(10):
            if self._node_id not in {node.id for node in nodes(self._ray) if node.alive}:
                return True
            self._pause.wait(LOOK_S)
        return False


def _frames(items: Iterator[Item], heard: list[Sound]) -> Iterator[Pixels]:
    for kind, thing in items:
        if kind == "sound":
            heard.append(thing)
        else:
            # A copy: the piece itself lies in Ray's memory, which is to be given back.
            yield from (np.array(frame) for frame in thing)
