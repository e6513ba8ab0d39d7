"""A Lightroom and a real daemon that makes tiny clips."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))  # faults_processes

from faults_processes import Afterframe, Daemon
from lightroom import Lightroom

from factories import make_photo_file

if os.name != "posix":
    collect_ignore_glob = ["test_lightroom_daemon*.py"]  # process groups are POSIX's

TINY = {"size": [160, 90], "duration_s": 1.0, "fps": 12}


@dataclass
class Studio:
    """A photographer's machine: photos, Lightroom, and Afterframe with a daemon when one was started."""

    lightroom: Lightroom
    afterframe: Afterframe
    photos: Path
    daemon: Daemon | None = None

    def start(self, *watched: Path) -> Daemon:
        self.daemon = self.afterframe.serve(*watched)
        return self.daemon

    def settings(self, **sections: Any) -> None:
        """Write config.toml: tiny clips without a model, and what a test changes."""
        self.afterframe.settings(recipe=TINY, render={"generator": "parallax"}, **sections)

    @property
    def url(self) -> str:
        return str(json.loads((self.afterframe.home / "daemon.json").read_text())["url"])

    def shoot(self, name: str, seed: int = 0, **facts: Any) -> Any:
        """A photo on disk (unless it is a video or missing), and in the catalogue."""
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if facts.pop("missing", False):
            pass
        elif facts.get("isVideo") or facts.get("fileFormat") == "RAW":
            path.write_bytes(f"not for us: {name}".encode())
        elif not path.exists():
            make_photo_file(path, (240, 135), seed=seed or sum(name.encode()))
        return self.lightroom.photo(path, **facts)

    def clips(self) -> list[str]:
        return sorted(path.name for path in self.photos.rglob("*.mp4"))


@pytest.fixture
def make_studio(tmp_path: Path, home_of_its_own: Path) -> Iterator[Callable[..., Studio]]:
    made: list[Studio] = []

    def make(**lightroom: Any) -> Studio:
        afterframe = Afterframe(home_of_its_own)
        temp = tmp_path / "temp"
        temp.mkdir(exist_ok=True)
        photos = tmp_path / "Fotos von Jürgen & 花"
        photos.mkdir(exist_ok=True)
        studio = Studio(Lightroom(tmp_path, temp, **lightroom), afterframe, photos)
        studio.settings()
        studio.lightroom.prefs(home=str(home_of_its_own))
        made.append(studio)
        return studio

    yield make
    for studio in made:
        for daemon in studio.afterframe.daemons:
            daemon.end()


@pytest.fixture
def studio(make_studio: Callable[..., Studio]) -> Studio:
    return make_studio()
