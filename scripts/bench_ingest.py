"""From a closed file to a durable job, and looking 100,000 files through.

    closed     photos are written into a watched folder, one after the other, and closed; the time until
               their job is committed, less the settle time. Noticing is the watcher's part; reading
               decodes the photo to its end and looks at it, because the recipe depends on what it shows
    renamed    the same, each photo written under a hidden name in the folder and renamed: no settling
    moved in   the same, each photo written outside the watched folder and moved in
    scan       a folder of many files, seen for the first time and again later

Everything is real: watcher, change events, reader process, SQLite. `main(argv)` gives the numbers.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from afterframe.config import Config, Home, Settings
from afterframe.intake.foreign_files import ForeignFiles
from afterframe.intake.ingest import Ingest
from afterframe.intake.photo_reader import PhotoReader
from afterframe.intake.scan import scan
from afterframe.intake.watcher import Handlers, Watcher
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList
from afterframe.state.queue import Queue
from demo_photos import PHOTOS, write_photo

FOLDER_FILES = 1000
"""Files in each folder of the large tree."""


def main(argv: list[str]) -> dict[str, Any]:
    """Measure; see the module."""
    parser = argparse.ArgumentParser(prog="bench.py ingest", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photos", type=int, default=50, help="photos that arrive (default 50)")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between them (default 1)")
    parser.add_argument("--files", type=int, default=100_000, help="files to look through (default 100000)")
    options = parser.parse_args(argv)
    return {
        "closed_ms_beyond_settling": arrivals(options.photos, options.every, "closed"),
        "renamed_ms": arrivals(options.photos, options.every, "renamed"),
        "moved_in_ms": arrivals(options.photos, options.every, "moved in"),
        "scan": scans(options.files),
    }


class Timed:
    """An ingest that notes when each photo was dealt with, its job committed."""

    def __init__(self, ingest: Ingest, count: int) -> None:
        self._ingest = ingest
        self._count = count
        self.began: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.all_done = threading.Event()

    def accept(self, path: Path, *, final: bool) -> bool:
        """As :meth:`Ingest.accept`."""
        self.began.setdefault(path.name, time.monotonic())
        done = self._ingest.accept(path, final=final)
        if done:
            self.ended[path.name] = time.monotonic()
        if len(self.ended) == self._count:
            self.all_done.set()
        return done


def arrivals(count: int, every_s: float, how: str) -> dict[str, float]:
    """How long photos wait until their job is durable, milliseconds.

    Args:
        how: "closed", "renamed" or "moved in".
    """
    with tempfile.TemporaryDirectory(prefix="afterframe-bench-") as temporary:
        folder, aside = Path(temporary) / "watched", Path(temporary) / "aside"
        folder.mkdir()
        aside.mkdir()
        data = write_photo(PHOTOS[0], aside).read_bytes()
        config = Config()
        with watching(folder, config, count) as ingest:
            closed = {}
            for number in range(count):
                target = folder / f"photo-{number:05}.jpg"
                part = {"closed": target, "renamed": folder / f".{target.name}.part", "moved in": aside / target.name}[
                    how
                ]
                part.write_bytes(data + b"%d" % number)  # each with a content of its own
                if part != target:
                    part.replace(target)
                closed[target.name] = time.monotonic()
                time.sleep(every_s)
            if not ingest.all_done.wait(60 + 5 * count):
                raise RuntimeError(f"{count - len(ingest.ended)} photos were not dealt with")
            queued = len(ingest.ended)
    settle_s = config.watch.settle_s if how == "closed" else 0.0
    waits = [1000 * (ingest.ended[name] - closed[name] - settle_s) for name in closed]
    noticed = [1000 * (ingest.began[name] - closed[name] - settle_s) for name in closed]
    worked = [1000 * (ingest.ended[name] - ingest.began[name]) for name in closed]
    numbers = {"all": waits, "noticing": noticed, "reading_and_enqueueing": worked}
    return {"photos": float(queued)} | {
        f"{name}_p{percent}": percentile(values, percent) for name, values in numbers.items() for percent in (50, 99)
    }


@contextmanager
def watching(folder: Path, config: Config, count: int) -> Iterator[Timed]:
    """A watcher on a folder, with everything behind it up to the queue."""
    with ExitStack() as stack:
        settings = Settings(Home(folder.parent / "home").make(), config)
        database = Database(settings.home.database)
        stack.callback(database.close)
        catalog, folders = Catalog(database), FolderList(database)
        folders.put(folder, watch=True)
        reader = PhotoReader(config.limits)
        stack.callback(reader.close)
        warm = write_photo(PHOTOS[0], folder.parent / "aside")
        reader.read(warm)  # the reader's process is running already when a photo comes
        ingest = Timed(
            Ingest(database, catalog, Queue(database), settings, reader.read, ForeignFiles(config.limits)), count
        )
        watcher = Watcher(
            catalog, folders, config.watch, Handlers(photo=ingest.accept, temporary=ignore, clip=ignore_clip)
        )
        watcher.start()
        stack.callback(watcher.stop)
        time.sleep(1)  # the folder's first scan is over
        yield ingest


def ignore(*_: object) -> None:
    """Temporary files are not measured."""


def ignore_clip(_: Path) -> bool:
    """A clip that is not looked at."""
    return True


def percentile(values: list[float], percent: int) -> float:
    """By rank, between neighbours."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def scans(count: int) -> dict[str, float]:
    """Seconds to look a large folder through: the listing alone, a new folder, a known one."""
    with tempfile.TemporaryDirectory(prefix="afterframe-bench-") as temporary:
        folder = Path(temporary) / "watched"
        make_files(folder, count)
        database = Database(Home(Path(temporary) / "home").make().database)
        catalog, folders = Catalog(database), FolderList(database)
        folders.put(folder, watch=True)
        watcher = Watcher(
            catalog, folders, Config().watch, Handlers(photo=Ignored().accept, temporary=ignore, clip=ignore_clip)
        )
        numbers = {
            "files": float(count),
            "listing_s": timed(lambda: scan(folder)),
            "new_folder_s": timed(lambda: watcher.scan_folder(folder)),
            "known_folder_s": timed(lambda: watcher.scan_folder(folder)),
        }
        database.close()
    return numbers


def make_files(folder: Path, count: int) -> None:
    """Tiny files with photos' names, a thousand to a folder, an hour old."""
    an_hour_ago = time.time() - 3600
    for number in range(count):
        path = folder / f"{number // FOLDER_FILES:04}" / f"DSC_{number % FOLDER_FILES:04}.jpg"
        if number % FOLDER_FILES == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
        os.utime(path, (an_hour_ago, an_hour_ago))


def timed(action: Callable[[], object]) -> float:
    """How long it takes, seconds."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


class Ignored:
    """Deals with every photo by doing nothing."""

    def accept(self, path: Path, *, final: bool) -> bool:
        """It is dealt with."""
        return True
