"""The folders that the daemon knows, and their backlogs: photos on hold until the user confirms them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

from afterframe.domain import Stamp
from afterframe.errors import NotFound
from afterframe.state.catalog import inside, path_key
from afterframe.state.database import Database
from afterframe.system.paths import are_one

_PASSED_OVER = "passed_over:"
"""With a folder's path: the name of its row in the settings."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that the daemon knows."""

    path: Path
    watch: bool
    """True: photos are animated automatically. False: only on request."""
    seen: bool
    """Its backlog was taken or confirmed."""
    waiting: int
    """Photos on hold until they are confirmed."""


class FolderList:
    """The folders of the state file.

    Args:
        database: the state file.
        clock: Unix time, seconds; injected by tests.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._db = database
        self._clock = clock

    def all(self) -> list[Folder]:
        """Every folder, by path."""
        rows = self._db.connection.execute("SELECT * FROM folders ORDER BY path")
        return [Folder(Path(r["path"]), bool(r["watch"]), bool(r["seen"]), r["waiting"]) for r in rows]

    def put(self, path: Path, *, watch: bool) -> None:
        """Add a folder, or change whether it is watched. One that is known under another spelling is the same."""
        known = [folder.path for folder in self.all()]
        if path not in known:
            path = next((other for other in known if are_one(other, path)), path)
        with self._db.transaction() as connection:
            connection.execute(
                """INSERT INTO folders (path, watch) VALUES (?, ?)
                   ON CONFLICT (path) DO UPDATE SET watch = excluded.watch""",
                (str(path), watch),
            )
            self._db.emit("folders", {}, self._clock())

    def drop(self, path: Path) -> None:
        """Forget a folder; its photos and clips stay as they are.

        Raises:
            NotFound: it is not one of the folders.
        """
        with self._db.transaction() as connection:
            if connection.execute("DELETE FROM folders WHERE path = ?", (str(path),)).rowcount == 0:
                raise NotFound(f"{path} is not one of the folders.", "GET /api/folders lists them.")
            connection.execute("DELETE FROM settings WHERE name = ?", (_PASSED_OVER + str(path),))
            self._db.emit("folders", {}, self._clock())

    def set_backlog(self, path: Path, *, seen: bool, waiting: int) -> None:
        """Record whether a folder's backlog was taken, and how many photos wait for a confirmation."""
        with self._db.transaction() as connection:
            connection.execute("UPDATE folders SET seen = ?, waiting = ? WHERE path = ?", (seen, waiting, str(path)))
            self._db.emit("folders", {}, self._clock())

    def set_passed_over(self, path: Path, counts: Mapping[str, int]) -> None:
        """Record the files of a folder that are no photos, by their suffixes."""
        row, value = _PASSED_OVER + str(path), json.dumps(counts, sort_keys=True)
        found = self._db.connection.execute("SELECT value FROM settings WHERE name = ?", (row,)).fetchone()
        if (found["value"] if found else "{}") != value:
            with self._db.transaction() as connection:
                connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (row, value))

    def passed_over(self, path: Path) -> dict[str, int]:
        """Suffix -> files of a folder that are no photos, as the last scan found them."""
        row = (_PASSED_OVER + str(path),)
        found = self._db.connection.execute("SELECT value FROM settings WHERE name = ?", row).fetchone()
        counts: dict[str, int] = json.loads(found["value"]) if found else {}
        return counts

    def hold_backlog(self, stamps: Mapping[str, Stamp]) -> None:
        """Put the photos of a large backlog on hold until they are confirmed.

        Args:
            stamps: path -> stamp.
        """
        with self._db.transaction() as connection:
            connection.executemany(
                """INSERT OR IGNORE INTO photos (path, size, mtime_ns, ctime_ns, on_hold, seen_at)
                   VALUES (?, ?, ?, ?, 1, ?)""",
                [(path_key(path), *astuple(stamp), self._clock()) for path, stamp in stamps.items()],
            )

    def release_backlog(self, folder: Path) -> int:
        """Take the photos of a folder off hold: the next scan finds them as new ones.

        Returns:
            How many there were.
        """
        with self._db.transaction() as connection:
            count = connection.execute(
                "DELETE FROM photos WHERE path >= ? AND path < ? AND sha256 IS NULL AND on_hold", inside(folder)
            ).rowcount
            self.set_backlog(folder, seen=True, waiting=0)
        return count
