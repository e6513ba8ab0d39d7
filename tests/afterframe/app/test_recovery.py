from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import cv2
import pytest

from afterframe.app.daemon import Daemon
from afterframe.app.recovery import Leftovers
from afterframe.config import Config, Home, ServerConfig, WatchConfig
from afterframe.intake.scan import scan
from afterframe.naming import UPLOAD_PREFIX
from afterframe.publish.reservation import machine_id
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.queue import Queue
from factories import Clock, make_job
from markers import real_locks


def test_the_daemon_leaves_opencv_its_threads(home_of_its_own: os.PathLike[str]) -> None:
    before = cv2.getNumThreads()
    daemon, found = Daemon(Home.find(), Config(server=ServerConfig(port=0))), []

    def ready(*_: Any) -> None:
        found.append(cv2.getNumThreads())
        daemon.stop()

    try:
        cv2.setNumThreads(7)
        daemon.run(ready, lambda event: None)
        assert found == [7]
    finally:
        cv2.setNumThreads(before)


@pytest.fixture
def leftovers(queue: Queue, clock: Clock, tmp_path: Path) -> Leftovers:
    return Leftovers(queue, Home(tmp_path), started_at=clock.now, clock=clock)


def an_upload(folder: Path, name: str, touched_at: float) -> Path:
    staging = folder / f"{UPLOAD_PREFIX}{name}"
    staging.mkdir()
    (staging / "x.jpg").write_bytes(b"a whole photo")
    os.utime(staging, (touched_at, touched_at))
    return staging


def test_uploads_that_a_crash_interrupted_are_removed_and_those_under_way_are_not(
    leftovers: Leftovers, clock: Clock, tmp_path: Path
) -> None:
    crashed = an_upload(tmp_path, "crashed", clock.now - 61)
    another_afterframes = an_upload(tmp_path, "elsewhere", clock.now - 59)
    ours = an_upload(tmp_path, "ours", clock.now + 1)
    for staging in (crashed, another_afterframes, ours):
        leftovers.clear(staging)
    assert [staging.exists() for staging in (crashed, another_afterframes, ours)] == [False, True, True]
    clock.forward(902)
    leftovers.clear_unwatched(tmp_path)
    assert not another_afterframes.exists()
    assert not ours.exists()


def test_a_link_of_that_name_is_not_followed(leftovers: Leftovers, tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "a.jpg").touch()
    (tmp_path / f"{UPLOAD_PREFIX}link").symlink_to(tmp_path / "private")
    os.utime(tmp_path / f"{UPLOAD_PREFIX}link", (0, 0), follow_symlinks=False)
    leftovers.clear(tmp_path / f"{UPLOAD_PREFIX}link")
    assert (tmp_path / "private" / "a.jpg").exists()


@real_locks
def test_the_start_of_a_daemon_removes_what_crashes_left(tmp_path: Path) -> None:
    home = Home.find().make()
    watched, allowed = tmp_path / "watched", tmp_path / "allowed"
    for folder in (watched, watched / "inner", allowed):
        folder.mkdir()
        an_upload(folder, "old", 0)
    lock = home.owners / "daemon-1-abc.lock"
    lock.touch()
    os.utime(lock, (0, 0))
    config = Config(server=ServerConfig(port=0), watch=WatchConfig(folders=(str(watched),), allowed=(str(allowed),)))
    daemon, scanned = Daemon(home, config), threading.Event()

    def swept(*_: Any) -> None:
        while list(watched.rglob(f"{UPLOAD_PREFIX}*")):
            assert not scanned.wait(0.02)
        daemon.stop()

    daemon.run(swept, lambda event: None)
    assert list(allowed.iterdir()) == list((watched / "inner").iterdir()) == []
    assert not lock.exists()


@pytest.mark.parametrize("name", [".afterframe-probe-0123", ".photometa-0123456789ab.part"])
def test_a_hidden_file_that_stands_for_moments_is_removed_after_a_minute(
    leftovers: Leftovers, clock: Clock, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.touch()
    os.utime(path, (clock(), clock()))
    assert scan(tmp_path).temporaries == [path]
    leftovers.clear(path)
    assert path.exists()
    clock.forward(61)
    leftovers.clear(path)
    assert not path.exists()


def test_only_our_own_reservations_of_renders_that_have_ended_are_removed(
    leftovers: Leftovers, queue: Queue, catalog: Catalog, database: Database, tmp_path: Path
) -> None:
    job = make_job(queue, catalog)
    queue.claim("daemon-1-aa/0")
    path = tmp_path / f".afterframe-{'0' * 32}.reserved"
    ours = machine_id(tmp_path)
    for machine, state, stays in (("another", "done", True), (ours, "running", True), (ours, "done", False)):
        path.write_text(json.dumps({"machine": machine, "job": job.id}))
        database.connection.execute("UPDATE jobs SET state = ?", (state,))
        assert scan(tmp_path).temporaries == [path]
        leftovers.clear(path)
        assert path.exists() == stays, (machine, state)


def test_a_frame_of_a_render_that_waits_again_is_removed_after_a_minute(
    leftovers: Leftovers, clock: Clock, queue: Queue, catalog: Catalog, tmp_path: Path
) -> None:
    job = make_job(queue, catalog)
    clip = tmp_path / f".afterframe-{job.id}.mp4"
    clip.touch()
    os.utime(clip, (clock(), clock()))
    leftovers.clear_beside(tmp_path / "DSC_0042.jpg")
    assert clip.exists()
    clock.forward(61)
    queue.claim("daemon-1-aa/0")
    leftovers.clear_beside(tmp_path / "DSC_0042.jpg")
    assert clip.exists()
    queue.release("daemon-1-aa")
    leftovers.clear_beside(tmp_path / "DSC_0042.jpg")
    assert not clip.exists()


def test_a_part_of_a_clip_of_an_unknown_render_is_removed_after_a_day(
    leftovers: Leftovers, clock: Clock, tmp_path: Path
) -> None:
    clip = tmp_path / f".afterframe-{'a' * 32}.mp4"
    clip.touch()
    os.utime(clip, (clock(), clock()))
    clock.forward(86_300)
    leftovers.clear(clip)  # another Afterframe's, on a folder that both know
    assert clip.exists()
    clock.forward(200)
    leftovers.clear(clip)
    assert not clip.exists()
