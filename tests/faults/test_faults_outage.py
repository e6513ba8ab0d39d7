"""A state file that cannot be written for a while: no strike, no killed worker, one clip.

AFTERFRAME_FULL=1 lets it last two minutes instead of seconds, four times as long as a lease.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest
from faults_processes import Afterframe, Daemon, clips_in, hidden_in, python_path, until

from factories import make_photo_file

OUTAGE_S = 120.0 if os.environ.get("AFTERFRAME_FULL") == "1" else 4.0
WAITING = Path(__file__).parents[2] / "scripts" / "waiting"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2 * OUTAGE_S + 180)]

Mount = Callable[..., Path]
log = logging.getLogger(__name__)


@pytest.fixture
def slow_renders(afterframe: Afterframe) -> Afterframe:
    """Renders take three quarters of an outage, so that the clip is to be published in the middle of it."""
    afterframe.environment["PYTHONPATH"] = python_path(WAITING)
    afterframe.environment["AFTERFRAME_WAIT_S"] = str(0.75 * OUTAGE_S)
    return afterframe


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Another process's transaction that does not end."""
    with closing(sqlite3.connect(state, isolation_level=None, timeout=30)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def full(disk: Path) -> Iterator[None]:
    filler = disk / "filler"
    with pytest.raises(OSError, match="No space left"), filler.open("wb", buffering=0) as file:
        while file.write(bytes(1 << 12)):
            pass
    yield
    filler.unlink()


def workers(daemon: Daemon) -> set[int]:
    return {process.pid for process in daemon.members() if "afterframe.render.worker" in process.cmdline()}


def endure(afterframe: Afterframe, daemon: Daemon, folder: Path, outage: AbstractContextManager[None]) -> None:
    """Let a render begin, then the outage, and see what became of it."""
    make_photo_file(folder / "A.jpg")
    until(lambda: afterframe.rows("SELECT 1 FROM jobs WHERE progress > 0"), daemon.said())
    before = workers(daemon)
    with outage:
        threading.Event().wait(OUTAGE_S)
        (job,) = afterframe.rows("SELECT state, updated_at FROM jobs")
        assert job["state"] == "running"
        silent_s = time.time() - job["updated_at"]
        assert silent_s > 0.8 * OUTAGE_S, "it could be written after all"
        assert workers(daemon) == before
    until(afterframe.idle, daemon.said(), seconds=90)
    (done,) = afterframe.rows("SELECT state, strikes FROM jobs")
    killed = len(before - workers(daemon))
    log.info("%g s, nothing written for %.0f s; %s, %d workers killed", OUTAGE_S, silent_s, done, killed)
    assert done == {"state": "done", "strikes": 0}
    assert not killed
    assert clips_in(folder) == ["A_motion.mp4"]
    assert hidden_in(folder) == []


def test_a_locked_state_file_costs_nothing(slow_renders: Afterframe, folder: Path) -> None:
    slow_renders.settings(render={"generator": "waiting"})
    daemon = slow_renders.serve(folder)
    endure(slow_renders, daemon, folder, locked(slow_renders.home / "state.db"))


def test_a_full_disk_under_the_state_file_costs_nothing(slow_renders: Afterframe, folder: Path, mount: Mount) -> None:
    slow_renders.home = mount("home", "size=8m")
    slow_renders.settings(render={"generator": "waiting"})
    daemon = slow_renders.serve(folder)
    endure(slow_renders, daemon, folder, full(slow_renders.home))
