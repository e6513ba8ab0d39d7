"""A watcher that a test turns by hand."""

from __future__ import annotations

import os
from pathlib import Path

from afterframe.config import WatchConfig
from afterframe.domain import Stamp
from afterframe.intake.watcher import Clocks, Handlers, Watcher
from afterframe.state.catalog import Catalog
from afterframe.state.folder_list import FolderList
from factories import Clock


class Taker:
    """Deals with photos; those named in ``arriving`` are not all there yet."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.taken: list[str] = []
        self.arriving: set[str] = set()

    def __call__(self, path: Path, *, final: bool) -> bool:
        if path.name in self.arriving and not final:
            return False
        self.taken.append(path.name)
        self.catalog.put_photo(path, Stamp.of(path.stat()), "a" * 64, {})
        return True


class NoEvents:
    """An observer whose events all get lost."""

    emitters: tuple[()] = ()

    def schedule(self, handler: object, path: str, *, recursive: bool) -> object:
        assert recursive
        return None

    def start(self) -> None: ...

    def is_alive(self) -> bool:
        return False


class Hand:
    """A watcher whose loop is turned by the test."""

    def __init__(self, catalog: Catalog, folders: FolderList, folder: Path, **config: float) -> None:
        self.clock, self.wall = Clock(1000.0), Clock(os.stat(folder).st_mtime)
        self.folder = folder
        self.taker = Taker(catalog)
        self.strays: list[Path] = []
        self.clips: list[Path] = []
        self.closed: list[Path] = []
        folders.put(folder, watch=True)
        self.watcher = Watcher(
            catalog,
            folders,
            WatchConfig(**config),
            Handlers(
                photo=self.taker,
                temporary=self.strays.append,
                clip=self.clips.append,
                closed=lambda path, error: self.closed.append(path),
            ),
            clocks=Clocks(self.clock, self.wall),
        )

    def turn(self, forward: float = 0.0) -> list[str]:
        """Let time pass, turn once, and tell what was taken."""
        self.clock.forward(forward)
        self.wall.forward(forward)
        before = len(self.taker.taken)
        self.watcher.turn()
        return self.taker.taken[before:]

    def export(self, name: str, data: bytes = b"x", age_s: float = 0.0) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (self.wall.now - age_s, self.wall.now - age_s))
        return path
