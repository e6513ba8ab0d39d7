"""A Lightroom and a real daemon, which is ended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from lightroom import Lightroom
from lightroom_studio import Afterframe, Studio

if os.name != "posix":
    collect_ignore_glob = ["test_lightroom_daemon.py"]  # process groups are POSIX's


@pytest.fixture
def studio(tmp_path: Path, home_of_its_own: Path) -> Iterator[Studio]:
    """Photos in a folder with an awkward name, and Afterframe not started yet."""
    temp, photos = tmp_path / "temp", tmp_path / "Fotos von Jürgen & 花"
    temp.mkdir()
    photos.mkdir()
    made = Studio(Lightroom(tmp_path, temp), Afterframe(home_of_its_own), photos)
    made.settings()
    made.lightroom.prefs(home=str(home_of_its_own))
    yield made
    for daemon in made.afterframe.daemons:
        daemon.end()
