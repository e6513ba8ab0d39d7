"""A clip lands beside its photo whole or not at all, wherever it is interrupted and whatever fails."""

from __future__ import annotations

import errno
import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from faults_processes import clips_in, frames_of, hashes, hidden_in

import photometa
from afterframe.app.recovery import Leftovers, recover
from afterframe.config import Config, Home, RenderConfig, Settings
from afterframe.domain import Job, Stamp
from afterframe.intake.scan import scan
from afterframe.publish.publisher import Publisher
from afterframe.render.heartbeat import Heartbeat, WorkerContext
from afterframe.render.loop import attempt
from afterframe.render.renderer import Renderer
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.queue import NewJob, Queue
from afterframe.system.hashing import sha256_of
from factories import make_photo_file, make_recipe

pytestmark = pytest.mark.slow

CONFIG = Config(render=RenderConfig(preset="ultrafast", poster=True))
STEPS = ("link", "replace", "rename", "unlink", "remove", "fsync", "open")
"""The calls by which this process changes a folder."""


class PowerCut(BaseException):
    """Nothing runs after it: no handler, no clean-up."""


class Disk:
    """The operating system's edge: every change in a folder is counted, and can fail.

    Args:
        at: the change at which it happens, from 0.
        failure: PowerCut, after which every further change fails too; or an OSError, once.
    """

    def __init__(self, folder: Path, at: int, failure: Callable[[], BaseException]) -> None:
        self._folder = str(folder)
        self._at = at
        self._failure = failure
        self.changes: list[str] = []

    def change(self, step: str, target: object) -> None:
        """Called before each change."""
        self.changes.append(f"{step} {Path(os.fsdecode(str(target))).name}")
        failure = self._failure()
        count = len(self.changes) - 1
        if count == self._at or (count > self._at and isinstance(failure, PowerCut)):
            raise failure

    @contextmanager
    def at_work(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """While this holds, changes under the folder are counted."""
        with monkeypatch.context() as patch:
            for step in STEPS:
                module = io if step == "open" else os
                patch.setattr(module, step, self._watched(step, getattr(module, step)))
            yield

    def _watched(self, step: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            target = os.readlink(f"/proc/self/fd/{args[0]}") if step == "fsync" else args[0]
            writes = step != "open" or set(str(args[1] if len(args) > 1 else kwargs.get("mode", "r"))) & set("wax+")
            if writes and str(target).startswith(self._folder):
                self.change(step, target)
            return real(*args, **kwargs)

        return call


class Process:
    """One life of an Afterframe process on a home: as a start after a crash sees it."""

    def __init__(self, home: Home, number: int) -> None:
        self.database = Database(home.make().database)
        self.catalog, self.queue = Catalog(self.database), Queue(self.database)
        self.owner = f"test-{number}/0"
        settings = Settings(home, CONFIG)
        self.worker = WorkerContext(self.owner, threading.Event(), stall_s=300)
        self.renderer = Renderer(self.database, settings, self.owner)
        recover(Publisher(self.database, settings), self.queue, home)

    def order(self, photo: Path) -> None:
        """Ask for a clip of a photo."""
        known = self.catalog.put_photo(photo, Stamp.of(photo.stat()), sha256_of(photo), {})
        self.queue.enqueue(NewJob(known, make_recipe(), "parallax"))

    def work(self) -> list[Job]:
        """Render all that waits, as the worker process does; the jobs as they are then."""
        while job := self.queue.claim(self.owner):
            with Heartbeat(self.queue, job, self.worker) as beat:
                error = attempt(self.renderer, job, beat)
            if error is not None:
                self.queue.fail(job.id, self.owner, error)
        return self.queue.page()[0]


def prepare(tmp_path: Path, name: str, *, again: bool) -> tuple[Home, Path, Path]:
    """A home and a folder with a photo; with an earlier export's clip when it is exported over."""
    home, folder = Home(tmp_path / f"home-{name}"), tmp_path / f"photos-{name}"
    folder.mkdir()
    photo = make_photo_file(folder / "A.jpg", seed=1)
    if again:
        process = Process(home, 0)
        process.order(photo)
        process.work()
        process.database.close()
        make_photo_file(photo, seed=2)
    return home, folder, photo


def assert_one_whole_clip(folder: Path, photo: Path) -> None:
    assert clips_in(folder) == ["A_motion.mp4"]
    assert len(frames_of(folder / "A_motion.mp4")) == 4
    assert photometa.read_sidecar(folder / "A_motion.mp4.xmp")["afterframe:photoSHA256"] == sha256_of(photo)
    assert sorted(path.name for path in folder.iterdir()) == [
        "A.jpg",
        "A_motion.jpg",
        "A_motion.mp4",
        "A_motion.mp4.xmp",
    ]


def sweep(process: Process, home: Home, folder: Path) -> None:
    """What the next scan does with hidden files of renders that have ended."""
    for stray in scan(folder).temporaries:
        Leftovers(process.queue, home, 0.0).clear(stray)


@pytest.mark.parametrize("again", [False, True], ids=["first export", "exported over"])
def test_a_power_cut_before_any_step_leaves_one_whole_clip_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    cuts = 0
    while True:
        home, folder, photo = prepare(tmp_path, str(cuts), again=again)
        original = sha256_of(photo)
        disk = Disk(folder, cuts, PowerCut)
        before = Process(home, 1)
        before.order(photo)
        try:
            with disk.at_work(monkeypatch):
                before.work()
        except PowerCut:
            pass
        else:
            break
        finally:
            before.database.close()
        after = Process(home, 2)
        (job, *_) = after.work()
        assert (job.state, job.strikes) == ("done", 0), (disk.changes, job)
        assert len(after.catalog.clips_of(job.photo_id)) == 1
        assert after.queue.intents() == []
        sweep(after, home, folder)
        after.database.close()
        assert_one_whole_clip(folder, photo)
        assert sha256_of(photo) == original
        cuts += 1
    assert cuts == len(disk.changes) >= 8
    assert_one_whole_clip(folder, photo)


@pytest.mark.parametrize(
    ("number", "code", "again"), [(errno.ENOSPC, "disk_full", True), (errno.EROFS, "read_only", False)]
)
def test_an_error_at_any_step_leaves_no_part_of_a_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str, again: bool
) -> None:
    steps = 0
    while True:
        home, folder, photo = prepare(tmp_path, str(steps), again=again)
        before = {path.name: sha256_of(path) for path in folder.iterdir()}
        disk = Disk(folder, steps, lambda: OSError(number, os.strerror(number)))
        process = Process(home, 1)
        process.order(photo)
        with disk.at_work(monkeypatch):
            (job, *_) = process.work()
        sweep(process, home, folder)
        assert hidden_in(folder) == [], disk.changes[steps]
        if job.state == "failed":
            assert job.error is not None
            assert (job.error.code, job.strikes) == (code, 0), disk.changes[steps]
            assert "A.jpg" in job.error.message
            assert job.error.hint
            assert {path.name: sha256_of(path) for path in folder.iterdir()} == before, disk.changes[steps]
            process.queue.retry(job.id)
            (job, *_) = process.work()
        assert job.state == "done", disk.changes
        process.database.close()
        clips = clips_in(folder)
        assert clips == ["A_motion.mp4"], disk.changes[steps:]
        assert len(frames_of(folder / "A_motion.mp4")) == 4
        if len(disk.changes) <= steps:
            break
        steps += 1
    assert steps >= 8


def test_a_verdict_given_before_the_publish_was_committed_survives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, folder, photo = prepare(tmp_path, "verdict", again=False)
    process = Process(home, 1)
    process.order(photo)

    def cut(queue: Queue, job_id: str, clip_id: str) -> None:
        raise PowerCut

    with monkeypatch.context() as patch, pytest.raises(PowerCut):
        patch.setattr(Queue, "finish", cut)
        process.work()
    process.database.close()
    photometa.write_sidecar(folder / "A_motion.mp4.xmp", {"xmp:Rating": "5"})
    after = Process(home, 2)
    (job,) = after.work()
    assert job.state == "done"
    assert photometa.read_sidecar(folder / "A_motion.mp4.xmp")["xmp:Rating"] == "5"
    assert [clip.rating for clip in after.catalog.clips_of(job.photo_id)] == [5]
    after.database.close()
    assert clips_in(folder) == ["A_motion.mp4"]
    assert hashes(folder).keys() == {"A.jpg", "A_motion.jpg"}
