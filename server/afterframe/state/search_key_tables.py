"""The tables that search keys are kept in, beside the long rows of clips and jobs.

They are derived data: made from :class:`afterframe.state.search_keys.SearchKeys`, and made and filled again on opening
a state file that holds other keys. So a new key needs no migration.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from afterframe.domain import JobState
from afterframe.state import search_keys
from afterframe.state.search_keys import SearchKeys
from afterframe.state.transaction import transaction

_FINGERPRINT = "search_keys"
"""Which keys the tables hold, among the settings."""


@dataclass(frozen=True, slots=True)
class KeyTable:
    """Where one kind of entry has its keys."""

    name: str
    entries: str
    """The table of the entries, whose ``seq`` the keys share."""
    which: str = "TRUE"
    """The entries that have keys, in SQL."""


CLIP_KEYS = KeyTable("clip_keys", "clips")
RENDER_KEYS = KeyTable("render_keys", "jobs", f"jobs.state <> '{JobState.DONE}'")


def put_keys(connection: sqlite3.Connection, table: KeyTable, seq: int, keys: SearchKeys) -> None:
    """Keep one entry's keys."""
    connection.execute(_insert(table), (seq, *keys.values()))


def refresh(connection: sqlite3.Connection) -> None:
    """Make the tables again if they hold other keys than this program's."""
    if _recorded(connection) == _fingerprint():
        return
    with transaction(connection):
        if _recorded(connection) == _fingerprint():  # another process was faster
            return
        for table in (CLIP_KEYS, RENDER_KEYS):
            connection.execute(f"DROP TABLE IF EXISTS {table.name}")
            connection.execute(_create(table))
            connection.executemany(_insert(table), _computed(connection, table))
        connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (_FINGERPRINT, _fingerprint()))


def _fingerprint() -> str:
    return json.dumps({"revision": search_keys.REVISION, "keys": search_keys.SearchKeys.kinds()})


def _recorded(connection: sqlite3.Connection) -> str | None:
    row = connection.execute("SELECT value FROM settings WHERE name = ?", (_FINGERPRINT,)).fetchone()
    return row["value"] if row else None


def _create(table: KeyTable) -> str:
    columns = "".join(f", {name} TEXT NOT NULL" for name in search_keys.SearchKeys.kinds())
    seq = f"seq INTEGER PRIMARY KEY REFERENCES {table.entries} (seq) ON DELETE CASCADE"
    return f"CREATE TABLE {table.name} ({seq}{columns}) STRICT"


def _insert(table: KeyTable) -> str:
    names = ("seq", *search_keys.SearchKeys.kinds())
    marks = ", ".join("?" * len(names))
    return f"INSERT OR REPLACE INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - our own names


def _computed(connection: sqlite3.Connection, table: KeyTable) -> Iterator[tuple[object, ...]]:
    rows = connection.execute(
        f"""SELECT {table.entries}.seq, {table.entries}.created_at, {table.entries}.recipe, photos.path, photos.facts
            FROM {table.entries} JOIN photos ON photos.id = {table.entries}.photo_id WHERE {table.which}"""  # noqa: S608
    )
    for row in rows:
        recipe, facts = json.loads(row["recipe"]), json.loads(row["facts"])
        keys = search_keys.search_keys(row["path"], row["created_at"], recipe, facts)
        yield (row["seq"], *keys.values())
