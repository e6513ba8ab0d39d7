"""The lists of the review page, however long: clips, and renders that are not clips yet.

Their search keys are held in memory (:mod:`afterframe.state.list_index`) and follow the log of events. The entries
themselves are read from the state file, a page at a time.
"""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from afterframe.domain import Clip, Job, JobState, Verdict
from afterframe.state.catalog import SELECT_CLIP, clip_of
from afterframe.state.database import Database
from afterframe.state.list_index import (
    EMPTY,
    FOLDER,
    KEYS,
    SHARED,
    SORTS,
    Group,
    ListFilter,
    ListIndex,
    labels,
    rows_before,
    rows_of,
)
from afterframe.state.queue import Queue

KINDS = ("clip", "clip_gone", "verdict")
"""Events after which a clip is read again."""
NO_VERDICT = str(Verdict.NONE)

T = TypeVar("T")


class Listing(ABC, Generic[T]):
    """A list in any choice and order. Safe to share between threads.

    Args:
        database: the state file.
        together: the photos in the folders under this one count as in this one.
    """

    def __init__(self, database: Database, together: Path | None = None) -> None:
        self._db = database
        self._together = "" if together is None else str(together)
        self._guard = threading.Lock()
        self._cursor = -1
        self._index = EMPTY

    def sections(self, choice: ListFilter, sort: str) -> list[Group]:
        """Every group in order, with the number of its entries."""
        index = self._fresh()
        rows = rows_of(index, choice, sort)
        how = SORTS[sort]
        if not how.grouped or not len(rows):
            return [Group(len(rows), {})] if len(rows) else []
        columns = {name: index.columns[name][rows] for name in how.columns[: how.grouped]}
        changes = np.logical_or.reduce([column[1:] != column[:-1] for column in columns.values()])
        begins = np.concatenate(([0], np.flatnonzero(changes) + 1))
        counts = np.diff(np.append(begins, len(rows)))
        read = {name: labels(index, name, column[begins]) for name, column in columns.items()}
        return [
            Group(int(count), {name: texts[place] for name, texts in read.items()})
            for place, count in enumerate(counts)
        ]

    def page(
        self, choice: ListFilter, sort: str, *, after: int | None = None, skip: int = 0, limit: int = 50
    ) -> tuple[list[T], int | None]:
        """Some entries in order, and the cursor of those that follow, None at the end.

        Args:
            after: the cursor of the page before.
            skip: how many to leave out first.
        Raises:
            UsageError: the entry that the cursor names is not in the list any more.
        """
        index = self._fresh()
        rows = rows_of(index, choice, sort)
        begin = skip if after is None else skip + rows_before(index, choice, sort, after)
        wanted = [int(seq) for seq in index.columns["seq"][rows[begin : begin + limit]]]
        found = self._read(wanted)
        here = [found[seq] for seq in wanted if seq in found]  # one may have been replaced this very moment
        return here, wanted[-1] if begin + limit < len(rows) else None

    def facets(self) -> dict[str, list[str]]:
        """What there is to choose from: of every SHARED key its texts, sorted."""
        index = self._fresh()
        return {
            column: sorted(index.shared[column].texts[number] for number in np.unique(index.columns[column]))
            for column in SHARED
        }

    @abstractmethod
    def _read(self, seqs: list[int]) -> Mapping[int, T]:
        """Entries by their seq."""

    @abstractmethod
    def _all(self) -> ListIndex:
        """The index, made anew."""

    @abstractmethod
    def _changed(self) -> ListIndex:
        """The index with what events tell of."""

    # -- keeping up --------------------------------------------------------------------------

    def _fresh(self) -> ListIndex:
        """The index as the state file has it now."""
        with self._guard:
            connection = self._db.connection
            first, last = connection.execute("SELECT MIN(cursor), MAX(cursor) FROM events").fetchone()
            first, last = first or 0, last or 0
            if self._cursor < 0 or last < self._cursor or first > self._cursor + 1:
                self._index = self._all()
            elif last > self._cursor:
                self._index = self._changed()
            self._cursor = last
            return self._index

    def _keys(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """KEYS, with the folder that the photo counts as in."""
        keys: tuple[Any, ...] = tuple(row)[: len(KEYS)]
        if not self._together or not keys[FOLDER].startswith(self._together + os.sep):
            return keys
        return (*keys[:FOLDER], self._together, *keys[FOLDER + 1 :])


class ClipListing(Listing[Clip]):
    """The catalogue's clips whose files are there."""

    def _read(self, seqs: list[int]) -> Mapping[int, Clip]:
        marks = ", ".join("?" * len(seqs))
        rows = self._db.connection.execute(f"{SELECT_CLIP} WHERE clips.seq IN ({marks})", seqs)
        return {row["seq"]: clip_of(row) for row in rows}

    def _all(self) -> ListIndex:
        connection = self._db.connection
        judged = connection.execute("SELECT seq, verdict, rating FROM clips INDEXED BY clips_judged WHERE present = 1")
        present = {row[0]: (row[1], row[2]) for row in judged}
        rows = connection.execute(f"SELECT {', '.join(KEYS)} FROM clip_keys ORDER BY seq")  # noqa: S608 - our names
        return EMPTY.having([(*self._keys(row), JobState.DONE, *present[row[0]]) for row in rows if row[0] in present])

    def _changed(self) -> ListIndex:
        """The index with the clips that events tell of: new ones, judged ones, ones that are gone."""
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
        index = self._index.without([row["seq"] for row in rows])
        here = [row for row in rows if row["present"]]
        return index.having([(*self._keys(row), JobState.DONE, row["verdict"], row["rating"]) for row in here])


class RenderListing(Listing[Job]):
    """Renders that are not clips yet: those that wait, are being made, have failed or were cancelled.

    Args:
        queue: what the renders are read from.
    """

    def __init__(self, database: Database, queue: Queue, together: Path | None = None) -> None:
        super().__init__(database, together)
        self._queue = queue

    def _read(self, seqs: list[int]) -> Mapping[int, Job]:
        return self._queue.by_seq(seqs)

    def _all(self) -> ListIndex:
        connection = self._db.connection
        states = connection.execute(
            "SELECT seq, state FROM jobs INDEXED BY jobs_state WHERE state <> ?", (JobState.DONE,)
        )
        state = {row[0]: JobState(row[1]).listed_as for row in states}
        rows = connection.execute(f"SELECT {', '.join(KEYS)} FROM render_keys ORDER BY seq")  # noqa: S608 - our names
        return EMPTY.having([self._entry(row, state[row[0]]) for row in rows if row[0] in state])

    def _changed(self) -> ListIndex:
        """The index with the renders whose state is another one; progress changes no key."""
        columns = ", ".join(f"render_keys.{name}" for name in KEYS[1:])
        rows = self._db.connection.execute(
            f"""SELECT jobs.seq, {columns}, jobs.state
                FROM jobs LEFT JOIN render_keys ON render_keys.seq = jobs.seq
                WHERE jobs.id IN (SELECT json_extract(body, '$.id') FROM events WHERE cursor > ? AND kind = 'render')
                ORDER BY jobs.seq""",  # noqa: S608 - our own names
            (self._cursor,),
        ).fetchall()
        states = [None if row["state"] == JobState.DONE else JobState(row["state"]).listed_as for row in rows]
        other = [(row, state) for row, state in zip(rows, states, strict=True) if state != self._index.state_of(row[0])]
        index = self._index.without([row["seq"] for row, _ in other])
        return index.having([self._entry(row, state) for row, state in other if state is not None])

    def _entry(self, row: Sequence[Any], state: str) -> tuple[Any, ...]:
        return (*self._keys(row), state, NO_VERDICT, 0)
