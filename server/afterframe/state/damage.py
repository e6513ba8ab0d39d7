"""What is wrong with the state file, in words and with the remedy: one owner for terminal, page, API and doctor."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from afterframe.errors import AfterframeError, StateDamaged, StateUnusable, shortened

REMEDY = (
    "Stop Afterframe, move the file away, then run `afterframe rebuild FOLDER` for each of your folders: the sidecars "
    "there hold clips and verdicts."
)
DAMAGED = frozenset(
    {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_ERROR,  # our SQL fits our tables: they are not there as we made them
        sqlite3.SQLITE_SCHEMA,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_CONSTRAINT,
    }
)
"""SQLite's result codes that a sound file of ours never gives."""
T = TypeVar("T")


def damaged(file: Path | str, why: object) -> StateDamaged:
    """The state file holds what we did not write."""
    return StateDamaged(f"{file} is damaged ({shortened(why, 200)}).", REMEDY)


def explained(error: sqlite3.Error, file: Path) -> AfterframeError:
    """What an error of SQLite means for the state file."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    if primary in DAMAGED or (primary is None and "decode" in str(error)):  # "Could not decode to UTF-8 column"
        return damaged(file, error)
    if primary == sqlite3.SQLITE_FULL:
        return StateUnusable(f"The disk of {file} is full.", "Free some space, then try again.")
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StateUnusable(f"{file} is locked by another program.", "Try again; close the program that has it open.")
    return StateUnusable(f"{file} cannot be used: {error}.", "Check the disk, and the permissions of the folder.")


def of_row(make: Callable[[sqlite3.Row], T]) -> Callable[[sqlite3.Row], T]:
    """Decorate what makes an entity of a row: a row that holds none says that the state file is damaged."""

    @functools.wraps(make)
    def made(row: sqlite3.Row) -> T:
        try:
            return make(row)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise damaged("The state file", repr(error)) from error

    return made
