"""Migrations of the state file: named steps, each applied once, in its own transaction, and recorded.

A step is a file of ``state/schema``, named by its file. It is SQL alone, so that nothing of today's code can change
what it does; once released, it never changes. The table ``migrations`` records which steps a file has had.

Until version 0.1 only SQLite's user_version counted them. It still does, so that such a file's steps are known.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from afterframe.errors import NewerState
from afterframe.state.transaction import transaction

COPIES_KEPT = 2
"""Copies of a state file as earlier versions left it."""
_RECORD = "CREATE TABLE migrations (name TEXT PRIMARY KEY, applied_at REAL) STRICT, WITHOUT ROWID"
"""applied_at: Unix time, seconds; NULL where only user_version counted."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step."""

    name: str
    sql: str
    """Statements, each ended by a semicolon at the end of a line."""

    def statements(self) -> Iterator[str]:
        """Each statement by itself: sqlite3's executescript would commit first."""
        statement = ""
        for line in self.sql.splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):
                yield statement
                statement = ""
        if statement.strip():
            yield statement


@cache
def migrations() -> tuple[Migration, ...]:
    """Every step that this program knows, in order."""
    found = files("afterframe.state").joinpath("schema").iterdir()
    sources = sorted((file for file in found if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(Migration(file.name.removesuffix(".sql"), file.read_text("utf-8")) for file in sources)


def migrate(connection: sqlite3.Connection, path: Path, steps: Sequence[Migration], now: float) -> None:
    """Apply the steps that a state file has not had yet.

    Args:
        path: the file, for the error's message.
        now: Unix time, seconds.
    A copy of a file that an earlier version wrote is kept beside it first: that version can read it again.

    Raises:
        NewerState: a newer Afterframe wrote the file; nothing was changed.
        sqlite3.Error: it could not be copied, or a step failed; the file is as the step before left it.
    """
    missing = _missing(connection, path, steps)
    if not missing and _is_recorded(connection):
        return
    if missing and len(missing) < len(steps):  # not a new file
        _keep_copy(connection, path, missing[0].name)
    connection.execute("PRAGMA foreign_keys = OFF")  # a step that rebuilds a table must not delete what refers to it
    try:
        with transaction(connection):
            _adopt(connection, path, steps)
        for step in steps:
            with transaction(connection):
                if step in _missing(connection, path, steps):  # another process may have been faster
                    _apply(connection, step, now)
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def _keep_copy(connection: sqlite3.Connection, path: Path, step: str) -> None:
    """Copy a state file as it is before a step: ``state-before-STEP.db``."""
    copy = path.with_name(f"{path.stem}-before-{step}{path.suffix}")
    part = path.with_name(f".{copy.name}.{secrets.token_hex(4)}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(part)) as target:
            connection.backup(target)
        part.replace(copy)
    finally:
        part.unlink(missing_ok=True)
    older = sorted(copies_of(path), key=lambda kept: kept.stat().st_mtime, reverse=True)[COPIES_KEPT:]
    for kept in older:
        kept.unlink(missing_ok=True)


def copies_of(path: Path) -> list[Path]:
    """The copies of earlier versions that are kept of a state file."""
    return sorted(path.parent.glob(f"{path.stem}-before-*{path.suffix}"))


def _missing(connection: sqlite3.Connection, path: Path, steps: Sequence[Migration]) -> list[Migration]:
    """The steps that a file has not had."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    names = [step.name for step in steps]
    had = _recorded(connection) if _is_recorded(connection) else set(names[:version])
    if version > len(steps) or not had <= set(names):
        raise NewerState(
            f"{path} was written by a newer version of Afterframe.",
            "Update Afterframe; or move the file away and run `afterframe rebuild FOLDER` for each of your folders.",
        )
    return [step for step in steps if step.name not in had]


def _adopt(connection: sqlite3.Connection, path: Path, steps: Sequence[Migration]) -> None:
    """Record the steps that only user_version counted."""
    if _is_recorded(connection):
        return
    missing = _missing(connection, path, steps)
    connection.execute(_RECORD)
    had = [(step.name,) for step in steps if step not in missing]
    connection.executemany("INSERT INTO migrations VALUES (?, NULL)", had)


def _apply(connection: sqlite3.Connection, step: Migration, now: float) -> None:
    for statement in step.statements():
        connection.execute(statement)
    if connection.execute("PRAGMA foreign_key_check").fetchone():
        raise sqlite3.IntegrityError(f"The migration {step.name} left rows without what they refer to.")
    connection.execute("INSERT INTO migrations VALUES (?, ?)", (step.name, now))
    connection.execute(f"PRAGMA user_version = {len(_recorded(connection))}")


def _is_recorded(connection: sqlite3.Connection) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migrations'").fetchone()
    return found is not None


def _recorded(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM migrations")}
