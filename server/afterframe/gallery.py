"""The clips in the choice and order that the review page shows, however many there are.

What clips are found by is held in memory (:mod:`afterframe.shelf`), and follows the log of events. The clips
themselves are read from the state file, a page at a time.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import numpy as np

from afterframe.catalog import SELECT_CLIP, clip_of
from afterframe.db import Database
from afterframe.models import Clip
from afterframe.shelf import EMPTY, FOLDER, KEYS, SHARED, SORTS, Choice, Group, Shelf, behind, labels, rows_of

KINDS = ("clip", "clip_gone", "verdict")
"""Events after which a clip is looked at again."""


class Gallery:
    """Reads the catalogue's clips whose files are there. Safe to share between threads.

    Args:
        database: the state file.
        together: the photos in the folders under this one count as in this one.
    """

    def __init__(self, database: Database, together: Path | None = None) -> None:
        self._db = database
        self._together = "" if together is None else str(together)
        self._guard = threading.Lock()
        self._cursor = -1
        self._shelf = EMPTY

    def outline(self, choice: Choice, sort: str) -> list[Group]:
        """Every group in order, with its number of clips."""
        shelf = self._fresh()
        rows = rows_of(shelf, choice, sort)
        how = SORTS[sort]
        if not how.grouped or not len(rows):
            return [Group(len(rows), {})] if len(rows) else []
        columns = {name: shelf.columns[name][rows] for name in how.columns[: how.grouped]}
        changes = np.logical_or.reduce([column[1:] != column[:-1] for column in columns.values()])
        begins = np.concatenate(([0], np.flatnonzero(changes) + 1))
        counts = np.diff(np.append(begins, len(rows)))
        read = {name: labels(shelf, name, column[begins]) for name, column in columns.items()}
        return [
            Group(int(count), {name: texts[index] for name, texts in read.items()})
            for index, count in enumerate(counts)
        ]

    def page(
        self, choice: Choice, sort: str, *, after: int | None = None, skip: int = 0, limit: int = 50
    ) -> tuple[list[Clip], int | None]:
        """Some clips in order, and the cursor of those that follow, None at the end.

        Args:
            after: the cursor of the page before.
            skip: how many to leave out first.
        Raises:
            UsageError: the clip that the cursor names is not in the list any more.
        """
        shelf = self._fresh()
        rows = rows_of(shelf, choice, sort)
        begin = skip if after is None else skip + behind(shelf, choice, sort, after)
        wanted = [int(seq) for seq in shelf.columns["seq"][rows[begin : begin + limit]]]
        return self._read(wanted), wanted[-1] if begin + limit < len(rows) else None

    def choices(self) -> dict[str, list[str]]:
        """What there is to choose from: folders, cameras, lenses and kinds of photo."""
        shelf = self._fresh()
        return {
            column: sorted(shelf.shared[column].texts[number] for number in np.unique(shelf.columns[column]))
            for column in SHARED
        }

    def _read(self, seqs: list[int]) -> list[Clip]:
        marks = ", ".join("?" * len(seqs))
        rows = self._db.connection.execute(f"{SELECT_CLIP} WHERE clips.seq IN ({marks})", seqs)
        found = {row["seq"]: clip_of(row) for row in rows}
        return [found[seq] for seq in seqs if seq in found]  # one may have been replaced this very moment

    # -- keeping up --------------------------------------------------------------------------

    def _fresh(self) -> Shelf:
        """The shelf as the state file has it now."""
        with self._guard:
            connection = self._db.connection
            first, last = connection.execute("SELECT MIN(cursor), MAX(cursor) FROM events").fetchone()
            first, last = first or 0, last or 0
            if self._cursor < 0 or last < self._cursor or first > self._cursor + 1:
                self._shelf = self._all()
            elif last > self._cursor:
                self._shelf = self._changed()
            self._cursor = last
            return self._shelf

    def _all(self) -> Shelf:
        connection = self._db.connection
        judged = connection.execute("SELECT seq, verdict, rating FROM clips INDEXED BY clips_judged WHERE present = 1")
        present = {row[0]: (row[1], row[2]) for row in judged}
        rows = connection.execute(f"SELECT {', '.join(KEYS)} FROM clip_keys ORDER BY seq")  # noqa: S608 - our names
        return EMPTY.having([(*self._keys(row), *present[row[0]]) for row in rows if row[0] in present])

    def _changed(self) -> Shelf:
        """The shelf with the clips that events tell of: new ones, judged ones, ones that are gone."""
        events = "SELECT json_extract(body, '$.id') FROM events WHERE cursor > ? AND kind IN (?, ?, ?)"
        columns = ", ".join(f"clip_keys.{name}" for name in KEYS)
        rows = self._db.connection.execute(
            f"""SELECT {columns}, clips.verdict, clips.rating, clips.present
                FROM clips JOIN clip_keys ON clip_keys.seq = clips.seq WHERE clips.id IN ({events})
                ORDER BY clips.seq""",  # noqa: S608 - our own names
            (self._cursor, *KINDS),
        ).fetchall()
        told = self._db.connection.execute(
            events.replace("SELECT ", "SELECT COUNT(DISTINCT ", 1).replace(" FROM", ") FROM", 1), (self._cursor, *KINDS)
        ).fetchone()[0]
        if told != len(rows):
            return self._all()  # a clip was replaced by another one
        shelf = self._shelf.without([row["seq"] for row in rows])
        return shelf.having([(*self._keys(row), row["verdict"], row["rating"]) for row in rows if row["present"]])

    def _keys(self, row: sqlite3.Row) -> tuple[Any, ...]:
        """KEYS, with the folder that the photo counts as in."""
        keys = tuple(row)[: len(KEYS)]
        if not self._together or not keys[FOLDER].startswith(self._together + os.sep):
            return keys
        return (*keys[:FOLDER], self._together, *keys[FOLDER + 1 :])
