"""Hand-written stand-ins that fail on demand."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from afterframe.config import LimitsConfig
from afterframe.domain import Recipe
from afterframe.errors import AfterframeError, PhotoError
from afterframe.generators.interface import Capabilities
from afterframe.imaging.frames import CancelCheck, Frames, Pixels, PreparedPhoto, Progress
from afterframe.intake.foreign_files import ForeignFiles
from afterframe.intake.photo_reader import Reading
from afterframe.scene import Scene
from afterframe.state.database import Database
from afterframe.system.hashing import sha256_of
from factories import make_reading


class OtherProcess:
    """Holds the state file's lock, as another process would. Who asks on this thread is refused at once."""

    def __init__(self, database: Database) -> None:
        database.connection.execute("PRAGMA busy_timeout = 0")
        self._connection = sqlite3.connect(database.path, isolation_level=None)

    def lock(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def unlock(self) -> None:
        self._connection.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close()


def open_files() -> ForeignFiles:
    """Reads foreign files in this process."""
    return ForeignFiles(LimitsConfig(), isolated=lambda read, path: read(path))


@dataclass
class FakeReader:
    """Reads nothing but the hash; fails for the paths that it is told to."""

    problems: dict[Path, Exception] = field(default_factory=dict)
    scene: Scene = field(default_factory=Scene)
    asked: list[Path] = field(default_factory=list)

    def read(self, path: Path) -> Reading:
        self.asked.append(path)
        if path in self.problems:
            raise self.problems[path]
        if not path.exists():
            raise PhotoError(f"{path} is not there.", "It may have been moved.", code="missing")
        return make_reading(path, sha256_of(path), scene=self.scene)


@dataclass
class FakeGenerator:
    """Grey frames, as many as the recipe asks for; fails at ``fail_at`` with ``error``."""

    name: str = "fake"
    version: str = "1"
    capabilities: Capabilities = field(default_factory=Capabilities)
    error: AfterframeError | None = None
    fail_at: int = 0
    closed: bool = False

    def adapt(self, recipe: Recipe) -> Recipe:
        return recipe

    def overscan(self, recipe: Recipe) -> float:
        return 0.0

    def generate(self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck) -> Frames:
        return Frames("rgb24", recipe.size, recipe.fps, recipe.frame_count, self._frames(recipe))

    def _frames(self, recipe: Recipe) -> Iterator[Pixels]:
        width, height = recipe.size
        for index in range(recipe.frame_count):
            if self.error is not None and index == self.fail_at:
                raise self.error
            yield np.full((height, width, 3), 40 + index, np.uint8)

    def close(self) -> None:
        self.closed = True
