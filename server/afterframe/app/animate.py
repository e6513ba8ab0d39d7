"""`afterframe animate`: the daemon's own stages, for the photos named, with or without a daemon running."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from afterframe.app.recovery import Leftovers, recover
from afterframe.config import Config, Home, Settings
from afterframe.domain import Clip, Failure, Job, JobState
from afterframe.errors import AfterframeError, WrongState
from afterframe.intake.extension import extension_of
from afterframe.intake.foreign_files import ForeignFiles
from afterframe.intake.foreign_names import KNOWN_NAMES, ForeignNames
from afterframe.intake.ingest import Ingest, RenderRequest
from afterframe.intake.photo_reader import PhotoReader
from afterframe.intake.scan import scan
from afterframe.naming import is_our_poster
from afterframe.publish.publisher import Publisher
from afterframe.render.slots import WorkerGroup, worker_specs
from afterframe.render.supervisor import Supervisor
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.queue import Queue
from afterframe.system.locks import Owner

POLL_INTERVAL_S = 0.1
"""How often the queue is asked for progress, seconds."""


PASSING = frozenset(
    {"read_only", "disk_full", "folder_missing", "disk_failing", "folder_unavailable", "unavailable", "node_lost"}
)
"""Errors for which the daemon lets a render wait; the command gives up."""


@dataclass(slots=True)
class AnimateResult:
    """What became of one photo."""

    photo: str
    """As the user gave it, or as found under the folder given."""
    state: str = "queued"
    """"done", "failed" or "refused" in the end."""
    jobs: list[Job] = field(default_factory=list)
    clips: list[Clip] = field(default_factory=list)
    error: Failure | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        clips = [
            {"path": c.path, "sidecar": c.sidecar_path, "seed": c.recipe.seed, "measures": c.measures}
            for c in self.clips
        ]
        error = self.error.to_dict() if self.error else None
        return {"photo": self.photo, "state": self.state, "clips": clips, "error": error}


def find_photos(given: Iterable[str], foreign: ForeignNames = KNOWN_NAMES) -> Iterator[str]:
    """The photos that paths name: files as they are, folders scanned, our own posters left out.

    Args:
        foreign: what is left alone in folders.
    A folder that cannot be listed, or a path that is too long, is given as it is: reading it says why.
    """
    for path in given:
        try:
            if not Path(path).is_dir():
                yield path
                continue
            found = sorted(scan(Path(path), foreign).photos)
        except OSError:
            yield path
            continue
        for photo in found:
            if not is_our_poster(Path(photo)):
                yield os.path.join(path, os.path.relpath(photo, path))  # noqa: PTH118 - as the user spelled it


class OneShot:
    """Animates photos and waits for them.

    Args:
        on_progress: called with all results whenever something may have changed.
    """

    def __init__(self, home: Home, config: Config, on_progress: Callable[[list[AnimateResult]], None]) -> None:
        self._settings = Settings(home.make(), config)
        self._home = home
        self._config = config
        self._on_progress = on_progress
        self._pause = threading.Event()

    def run(self, photos: Iterable[str], overrides: dict[str, object], generator: str | None) -> list[AnimateResult]:
        """Animate photos; one bad photo does not stop the others. An interrupt cancels what is not done."""

        def ask(photo: str, ingest: Ingest, owner: str) -> list[Job]:
            request = RenderRequest(overrides, generator=generator, reserved_for=owner)
            return ingest.request(ingest.as_spelled(_absolute(photo)), request)

        return self._run(photos, ask)

    def extend(self, clips: Iterable[str], seconds: float) -> list[AnimateResult]:
        """Make clips longer, likewise. What is named are the clips, not their photos."""

        def ask(named: str, ingest: Ingest, owner: str) -> list[Job]:
            clip = ingest.known_clip(ingest.as_spelled(_absolute(named)))
            order = extension_of(clip, seconds, clip.generator, reserved_for=owner)
            return ingest.request(Path(clip.photo_path), order)

        return self._run(clips, ask)

    def _run(self, named: Iterable[str], ask: Callable[[str, Ingest, str], list[Job]]) -> list[AnimateResult]:
        results: list[AnimateResult] = []
        with ExitStack() as stack:
            owner = stack.enter_context(Owner(self._home.owners, "animate"))
            database = stack.enter_context(closing(Database(self._home.database)))
            catalog, queue = Catalog(database), Queue(database)
            publisher = Publisher(database, self._settings)
            recover(publisher, queue, self._home)
            leftovers = Leftovers(queue, self._home, time.time())
            reader = stack.enter_context(closing(PhotoReader(self._config.limits, detectors=self._settings.detectors)))
            foreign = stack.enter_context(closing(ForeignFiles(self._config.limits)))
            ingest = Ingest(database, catalog, queue, self._settings, reader.read, foreign)
            workers = WorkerGroup(owner.id, worker_specs(self._config, reserved=True))
            supervisor = Supervisor(queue, publisher, workers)
            supervisor.start()
            stack.callback(supervisor.stop)
            try:
                cleared: set[Path] = set()
                for one in named:
                    if (folder := Path(one).parent) not in cleared:
                        cleared.add(folder)
                        leftovers.clear_beside(Path(one))
                    results.append(_begin(one, lambda one=one: ask(one, ingest, owner.id)))  # type: ignore[misc]
                    self._refresh(results, catalog, queue)
                self._wait(results, catalog, queue)
                _give_back(results, queue)
            except KeyboardInterrupt:
                _cancel(results, queue)
                raise
        return results

    def _wait(self, results: list[AnimateResult], catalog: Catalog, queue: Queue) -> None:
        while any(result.state == "queued" for result in results):
            self._pause.wait(POLL_INTERVAL_S)
            self._refresh(results, catalog, queue)

    def _refresh(self, results: list[AnimateResult], catalog: Catalog, queue: Queue) -> None:
        for result in results:
            if result.state != "queued":
                continue
            result.jobs = [queue.get(job.id) for job in result.jobs]
            if all(job.state.ended for job in result.jobs):
                result.clips = [catalog.clip(job.clip_id) for job in result.jobs if job.clip_id]
                bad = next((job for job in result.jobs if job.state != JobState.DONE), None)
                result.state = "failed" if bad else "done"
                result.error = (bad.error or Failure("cancelled", f"{result.photo} was cancelled.")) if bad else None
        self._on_progress(results)


def _absolute(path: str) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - keeps symlinks' own names


def _begin(named: str, ask: Callable[[], list[Job]]) -> AnimateResult:
    result = AnimateResult(named)
    try:
        result.jobs = ask()
    except AfterframeError as error:
        result.state, result.error = "refused", Failure(**error.to_dict())
    return result


def _give_back(results: list[AnimateResult], queue: Queue) -> None:
    """The watch's own renders go on waiting for what the command did not wait for."""
    for job in (job for result in results for job in result.jobs):
        if job.origin == "watch" and job.state is JobState.FAILED and job.error and job.error.code in PASSING:
            with contextlib.suppress(WrongState):
                queue.retry(job.id)


def _cancel(results: list[AnimateResult], queue: Queue) -> None:
    for job in (job for result in results for job in result.jobs):
        try:
            queue.cancel(job.id)
        except WrongState:
            continue  # done or being put in place
