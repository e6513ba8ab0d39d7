"""What every test gets: a home of its own, no stray threads or processes, no unexpected errors in the log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from afterframe.config import Config, Home, Settings

SHARED = Path(__file__).parents[1].parent / "shared"
"""Real photographs and sidecars, beside the project on some machines."""


@pytest.fixture(autouse=True)
def home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "afterframe-home"
    monkeypatch.setenv("AFTERFRAME_HOME", str(home))
    return home


@pytest.fixture
def settings(home_of_its_own: Path) -> Settings:
    return Settings(Home(home_of_its_own).make(), Config())


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    before = set(threading.enumerate())
    children = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    # Other libraries' service threads (watchdog's, OpenCV's) are not ours to judge, ours have names.
    left = [t for t in set(threading.enumerate()) - before if t.is_alive() and not t.daemon]
    assert not left, f"threads left behind: {left}"
    late = [c for c in psutil.Process().children(recursive=True) if c.pid not in children and not _of(c, children)]
    # multiprocessing's own tracker lives as long as the test run.
    late = [c for c in late if "resource_tracker" not in " ".join(_command(c))]
    _, alive = psutil.wait_procs(late, timeout=5)
    assert not alive, f"processes left behind: {alive}"


def _of(process: psutil.Process, others: set[int]) -> bool:
    """Whether one of ``others`` started it: a browser that serves many tests starts helpers when it likes."""
    try:
        return any(parent.pid in others for parent in process.parents())
    except psutil.NoSuchProcess:
        return False


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.fixture(autouse=True)
def no_unexpected_errors(caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if request.node.get_closest_marker("logs_errors"):
        return
    errors = [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert not errors, [record.getMessage() for record in errors]


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the shared photographs are not on this machine")
    return SHARED
