"""What the tests inside real hosts need: darktable itself, and a daemon beside it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "faults")]  # darktable_host; faults_processes has the daemon

from darktable_host import Display, on_a_display  # noqa: E402 - found by the line above
from faults_processes import Afterframe  # noqa: E402

PROGRAMS = ("darktable", "Xvfb", "xdotool", "curl", "exiftool")


@pytest.fixture(scope="session")
def programs() -> None:
    """darktable and what drives it; scripts/test.py installs them, and CI fails without."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"missing: {', '.join(missing)}")
    if missing:
        pytest.skip(f"missing: {', '.join(missing)}")


@pytest.fixture
def display(programs: None, tmp_path: Path) -> Iterator[Display]:
    """An empty screen."""
    with on_a_display(tmp_path / "screen") as made:
        yield made


@pytest.fixture
def afterframe(home_of_its_own: Path) -> Iterator[Afterframe]:
    """Commands on a home of their own, set to tiny clips; every daemon is ended."""
    made = Afterframe(home_of_its_own)
    made.settings()
    yield made
    for daemon in made.daemons:
        daemon.end()
