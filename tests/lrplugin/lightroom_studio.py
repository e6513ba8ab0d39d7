"""A photographer's machine: Lightroom, photos, and a real daemon that makes tiny clips."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))  # faults_processes

from faults_processes import Afterframe, Daemon
from lightroom import Lightroom

from factories import make_photo_file

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
