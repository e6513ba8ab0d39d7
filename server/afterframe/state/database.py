"""SQLite: connections, transactions, and the log of events.

One WAL file. Each thread gets its own connection; each process opens the file for itself.
synchronous=FULL, because a commit that power loss undoes would let a clip be made twice
(https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from afterframe.errors import AfterframeError, NewerState, StateDamaged, StateUnusable
from afterframe.formats import strict_json
from afterframe.state.damage import damaged, explained
from afterframe.state.migrations import migrate, migrations
from afterframe.state.search_key_tables import refresh
from afterframe.state.transaction import transaction

EVENTS_KEPT = 10_000


class Database:
    """The state file. Safe to share between threads.

    Args:
        path: where the file is, or will be.
    Raises:
        NewerState: a newer Afterframe wrote the file.
        StateUnusable: it may only be read, or not even that.
        StateDamaged, sqlite3.Error: the file is damaged or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: StateDamaged | None = None
        """What was found wrong with the file, until it is opened again."""
        self._local = threading.local()
        self._all: dict[threading.Thread, sqlite3.Connection] = {}
        self._guard = threading.Lock()
        # Paths, places and captions are nobody else's business. SQLite gives its -wal and -shm the same rights. Only
        # a new file is opened here: closing it would undo the locks that this process has on one that is in use.
        with suppress(OSError):  # it is there; or it cannot be made, which SQLite tells
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):  # SQLite would give its -wal the same rights
            raise StateUnusable(f"{path} may not be read and written.", "Check its permissions and its disk's.")
        try:
            migrate(self.connection, path, migrations(), time.time())
            refresh(self.connection)
        except NewerState as error:  # or a damaged one, whose names and numbers mean nothing
            self.look_for_damage()
            self.close()
            raise self.damage or error from None
        except UnicodeDecodeError as error:  # SQLite's own message repeats a name that is no text
            self.close()
            raise damaged(path, repr(error)) from error
        except BaseException:
            self.close()
            raise

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._open()
            self._local.connection = connection
        return connection

    def _open(self) -> sqlite3.Connection:
        # Another thread than its own only closes a connection.
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        with self._guard:
            for thread in [thread for thread in self._all if not thread.is_alive()]:
                self._all.pop(thread).close()
            self._all[threading.current_thread()] = connection
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. An inner transaction joins the outer one."""
        with transaction(self.connection) as connection:
            yield connection

    def emit(self, kind: str, body: Mapping[str, Any], at: float) -> None:
        """Add an event to the log, inside the caller's transaction if there is one."""
        with self.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO events (at, kind, body) VALUES (?, ?, ?)", (at, kind, strict_json.dumps(body))
            ).lastrowid
            connection.execute("DELETE FROM events WHERE cursor <= ?", ((cursor or 0) - EVENTS_KEPT,))

    def quick_check(self) -> str:
        """What SQLite finds damaged in the file; "ok" when it finds nothing."""
        return str(self.connection.execute("PRAGMA quick_check(1)").fetchone()[0])

    def look_for_damage(self) -> None:
        """Check the file, and remember in ``damage`` what is wrong."""
        try:
            answer = self.quick_check()
        except sqlite3.DatabaseError as error:
            self.note(error)
        else:
            if answer != "ok":
                self.damage = damaged(self.path, answer)

    def note(self, error: sqlite3.Error) -> AfterframeError:
        """An error of SQLite in words; damage is remembered."""
        told = explained(error, self.path)
        if isinstance(told, StateDamaged):
            self.damage = self.damage or told
        return told

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
            for connection in self._all.values():
                connection.close()
            self._all.clear()
        self._local = threading.local()
