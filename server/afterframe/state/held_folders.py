"""Folders that cannot be used for now: away, full, read-only or failing. Their renders wait and lose nothing."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afterframe.domain import Failure, JobState
from afterframe.state.catalog import inside, path_key
from afterframe.state.database import Database

REMEMBERED_S = 3600.0
"""A folder that is held again within this time is looked at less often, seconds."""


@dataclass(frozen=True, slots=True)
class HeldFolder:
    """A folder that cannot be used for now."""

    path: Path
    error: Failure
    since: float
    """Unix time, seconds."""
    tries: int
    """How often it was held in succession."""
    renders: int
    """How many wait for it."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON, for the API and ``afterframe status``."""
        return {
            "path": str(self.path),
            "error": self.error.to_dict(),
            "since": self.since,
            "renders": self.renders,
        }


class HeldFolders:
    """The held folders of the state file.

    Args:
        database: the state file.
        clock: Unix time, seconds; injected by tests.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._db = database
        self._clock = clock

    def all(self) -> list[HeldFolder]:
        """Every held folder, by path."""
        rows = self._db.connection.execute(
            """SELECT *, (SELECT COUNT(*) FROM jobs WHERE held_folder = held_folders.path AND state = ?) AS renders
               FROM held_folders WHERE released_at IS NULL ORDER BY path""",
            (JobState.QUEUED,),
        )
        return [_held(row) for row in rows]

    def hold(self, folder: Path, error: Failure) -> None:
        """Let the queued renders of a folder, and of those below it, wait. Holding it again changes nothing.

        A render that ``afterframe animate`` waits for at the terminal is not held: it fails, with the reason.
        """
        path, now = path_key(folder), self._clock()
        with self._db.transaction() as connection:
            connection.execute("DELETE FROM held_folders WHERE released_at < ?", (now - REMEMBERED_S,))
            held = connection.execute(
                """INSERT INTO held_folders (path, error, since) VALUES (?, ?, ?)
                   ON CONFLICT (path) DO UPDATE SET error = excluded.error, since = excluded.since,
                     tries = tries + 1, released_at = NULL WHERE released_at IS NOT NULL""",
                (path, json.dumps(error.to_dict()), now),
            )
            waiting = connection.execute(
                """UPDATE jobs SET held_folder = ? WHERE state = ? AND reserved_for IS NULL AND held_folder IS NULL
                   AND photo_id IN (SELECT id FROM photos WHERE path >= ? AND path < ?)""",
                (path, JobState.QUEUED, *inside(path)),
            )
            if held.rowcount or waiting.rowcount:
                self._db.emit("folders", {"path": path, "error": error.to_dict()}, now)

    def tries(self, folder: Path) -> int:
        """How often a folder was held in succession, up to now."""
        row = self._db.connection.execute(
            "SELECT tries FROM held_folders WHERE path = ? AND COALESCE(released_at, ?) >= ?",
            (path_key(folder), self._clock(), self._clock() - REMEMBERED_S),
        ).fetchone()
        return row["tries"] if row else 0

    def release(self, folder: Path) -> None:
        """The folder can be used again: its renders go on."""
        path, now = path_key(folder), self._clock()
        with self._db.transaction() as connection:
            connection.execute("UPDATE held_folders SET released_at = ? WHERE path = ?", (now, path))
            connection.execute("UPDATE jobs SET held_folder = NULL WHERE held_folder = ?", (path,))
            self._db.emit("folders", {"path": path, "error": None}, now)


def holding(connection: sqlite3.Connection, photo: str) -> str | None:
    """The held folder that a photo lies in, if there is one."""
    rows = connection.execute("SELECT path FROM held_folders WHERE released_at IS NULL")
    return next((row["path"] for row in rows if photo.startswith(row["path"].rstrip(os.sep) + os.sep)), None)


def _held(row: sqlite3.Row) -> HeldFolder:
    error = Failure(**json.loads(row["error"]))
    return HeldFolder(Path(row["path"]), error, row["since"], row["tries"], row["renders"])
