"""SQLite: connections, transactions, migrations, and the log of events.

One WAL file. Each thread gets its own connection; each process opens the file for itself.
synchronous=FULL, because a commit that power loss undoes would let a clip be made twice
(https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import astuple
from importlib.resources import files
from pathlib import Path
from typing import Any

from afterframe.state.search_keys import SearchKeys, search_keys

EVENTS_KEPT = 10_000


def _schema(connection: sqlite3.Connection) -> None:
    for statement in files("afterframe.state").joinpath("schema.sql").read_text("utf-8").split(";\n"):
        connection.execute(statement)


def _memory_plans(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE jobs ADD COLUMN plan INTEGER NOT NULL DEFAULT 0")  # the generator's memory plan
    connection.execute("ALTER TABLE jobs ADD COLUMN note TEXT NOT NULL DEFAULT ''")  # what happened on the way


def _review(connection: sqlite3.Connection) -> None:
    """What clips are found, sorted and grouped by, beside the clips' own long rows; kept by catalog.put_clip."""
    connection.execute(
        """CREATE TABLE clip_keys (
             seq INTEGER PRIMARY KEY REFERENCES clips (seq) ON DELETE CASCADE,
             folder TEXT NOT NULL, name TEXT NOT NULL, made_day TEXT NOT NULL, taken TEXT NOT NULL,
             photo_type TEXT NOT NULL, camera TEXT NOT NULL, lens TEXT NOT NULL, words TEXT NOT NULL) STRICT"""
    )
    connection.execute("CREATE INDEX clips_judged ON clips (present, verdict, rating)")
    rows = connection.execute(
        """SELECT clips.seq, clips.created_at, clips.recipe, photos.path, photos.facts
           FROM clips JOIN photos ON photos.id = clips.photo_id"""
    ).fetchall()
    for row in rows:
        keys = search_keys(row["path"], row["created_at"], json.loads(row["recipe"]), json.loads(row["facts"]))
        put_keys(connection, "clip_keys", row["seq"], keys)


def put_keys(connection: sqlite3.Connection, table: str, seq: int, keys: SearchKeys) -> None:
    """Keep what a clip ("clip_keys") or an unfinished render ("render_keys") is found by."""
    marks = "?, ?, ?, ?, ?, ?, ?, ?, ?"
    connection.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", (seq, *astuple(keys)))  # noqa: S608 - ours


def _measures(connection: sqlite3.Connection) -> None:
    connection.execute(
        "ALTER TABLE clips ADD COLUMN measures TEXT NOT NULL DEFAULT '{}'"
    )  # afterframe.grade.fidelity's


def _page_indexes(connection: sqlite3.Connection) -> None:
    """Counts, failures and refusals are asked for at every look at the page, whatever has been done before."""
    connection.execute("CREATE INDEX jobs_state ON jobs (state, seq)")
    connection.execute("CREATE INDEX photos_refused ON photos (seen_at) WHERE problem IS NOT NULL")


def _suspects(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE jobs ADD COLUMN alone INTEGER NOT NULL DEFAULT 0")  # beside no other job


def _unfinished(connection: sqlite3.Connection) -> None:
    """The same for renders that are not done; kept by jobs.Queue."""
    connection.execute(
        """CREATE TABLE render_keys (
             seq INTEGER PRIMARY KEY REFERENCES jobs (seq) ON DELETE CASCADE,
             folder TEXT NOT NULL, name TEXT NOT NULL, made_day TEXT NOT NULL, taken TEXT NOT NULL,
             photo_type TEXT NOT NULL, camera TEXT NOT NULL, lens TEXT NOT NULL, words TEXT NOT NULL) STRICT"""
    )
    rows = connection.execute(
        """SELECT jobs.seq, jobs.created_at, jobs.recipe, photos.path, photos.facts
           FROM jobs JOIN photos ON photos.id = jobs.photo_id WHERE jobs.state <> 'done'"""
    ).fetchall()
    for row in rows:
        keys = search_keys(row["path"], row["created_at"], json.loads(row["recipe"]), json.loads(row["facts"]))
        put_keys(connection, "render_keys", row["seq"], keys)


def _places(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE INDEX jobs_place ON jobs (place)")  # the last one is asked for with every new job


MIGRATIONS: tuple[tuple[str, Callable[[sqlite3.Connection], None]], ...] = (
    ("schema", _schema),
    ("memory plans", _memory_plans),
    ("review", _review),
    ("measures", _measures),
    ("page indexes", _page_indexes),
    ("suspects", _suspects),
    ("unfinished", _unfinished),
    ("places", _places),
)
"""Named steps; the file's user_version counts those that it has had."""


class Database:
    """The state file. Safe to share between threads.

    Args:
        path: where the file is, or will be.
    Raises:
        sqlite3.Error: the file is damaged or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        # Paths, places and captions are nobody else's business. SQLite gives its -wal and -shm the same rights. Only
        # a new file is opened here: closing it would undo the locks that this process has on one that is in use.
        with suppress(OSError):  # it is there; or it cannot be made, which SQLite tells
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        self._migrate()

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._open()
            self._local.connection = connection
        return connection

    def _open(self) -> sqlite3.Connection:
        # Only close() touches a connection from another thread than its own.
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        with self._guard:
            self._all.append(connection)
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. An inner transaction joins the outer one."""
        connection = self.connection
        if connection.in_transaction:
            yield connection
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _migrate(self) -> None:
        with self.transaction() as connection:
            done: int = connection.execute("PRAGMA user_version").fetchone()[0]
            for _, step in MIGRATIONS[done:]:
                step(connection)
            if done < len(MIGRATIONS):
                connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def emit(self, kind: str, body: Mapping[str, Any], at: float) -> None:
        """Add an event to the log, inside the caller's transaction if there is one."""
        with self.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO events (at, kind, body) VALUES (?, ?, ?)", (at, kind, json.dumps(body))
            ).lastrowid
            connection.execute("DELETE FROM events WHERE cursor <= ?", ((cursor or 0) - EVENTS_KEPT,))

    def events_since(self, cursor: int, limit: int = 500) -> list[dict[str, Any]]:
        """Events after ``cursor``, oldest first, each {cursor, at, kind, ...body}."""
        rows = self.connection.execute(
            "SELECT cursor, at, kind, body FROM events WHERE cursor > ? ORDER BY cursor LIMIT ?", (cursor, limit)
        )
        return [{**json.loads(r["body"]), "cursor": r["cursor"], "at": r["at"], "kind": r["kind"]} for r in rows]

    def last_cursor(self) -> int:
        """The newest event's cursor; 0 when there is none."""
        row = self.connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        """Close every thread's connection."""
        with self._guard:
            for connection in self._all:
                connection.close()
            self._all.clear()
        self._local = threading.local()
