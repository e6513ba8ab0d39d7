"""What the queue holds and held: reads of renders, which change nothing."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from afterframe.domain import Failure, Job, JobState, Recipe
from afterframe.errors import NotFound
from afterframe.state.catalog import inside
from afterframe.state.damage import of_row
from afterframe.state.database import Database


def _sql(*states: JobState) -> str:
    """States as a list of literals: SQLite uses a partial index only for them."""
    return f"({', '.join(repr(str(state)) for state in states)})"


QUEUED = repr(str(JobState.QUEUED))
GOING = _sql(*(state for state in JobState if not state.ended))
HELD = _sql(*(state for state in JobState if state.held))
CANCELLABLE = _sql(*(state for state in JobState if state.cancellable))
"""States in SQL: one, and lists of them."""


class QueueReads:
    """Every render, by its id, its photo, its state or its position.

    Args:
        database: the state file.
        clock: Unix time, seconds; injected by tests.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._db = database
        self._clock = clock

    def get(self, job_id: str) -> Job:
        """One job.

        Raises:
            NotFound: there is none of that id.
        """
        row = self._db.connection.execute(f"{_SELECT} WHERE jobs.id = ?", (job_id,)).fetchone()
        if row is None:
            raise NotFound(f"There is no render {job_id}.", "It may belong to another Afterframe.")
        return _job(row)

    def page(
        self, *, after: int | None = None, limit: int = 50, states: Iterable[str] = ()
    ) -> tuple[list[Job], int | None]:
        """Newest first, by keyset.

        Args:
            after: the cursor of the page before.
            states: only these.
        Returns:
            The jobs and the cursor of the next page, None on the last.
        """
        wanted = list(states) or [str(state) for state in JobState]
        marks = ", ".join("?" * len(wanted))
        rows = self._db.connection.execute(
            f"{_SELECT} WHERE jobs.seq < ? AND jobs.state IN ({marks}) ORDER BY jobs.seq DESC LIMIT ?",
            (after if after is not None else 2**62, *wanted, limit + 1),
        ).fetchall()
        return [_job(row) for row in rows[:limit]], rows[limit - 1]["seq"] if len(rows) > limit else None

    def by_seq(self, seqs: list[int]) -> dict[int, Job]:
        """Some jobs, by their sequence numbers."""
        marks = ", ".join("?" * len(seqs))
        rows = self._db.connection.execute(f"{_SELECT} WHERE jobs.seq IN ({marks})", seqs)
        return {row["seq"]: _job(row) for row in rows}

    def unfinished(self, limit: int = 500) -> list[Job]:
        """What runs and what waits, in the order in which it will be done."""
        rows = self._db.connection.execute(
            f"""{_SELECT} WHERE jobs.state IN {GOING}
                ORDER BY jobs.state = {QUEUED}, jobs.position LIMIT ?""",
            (limit,),
        ).fetchall()
        return [_job(row) for row in rows]

    def of_photo(self, photo_id: int) -> list[Job]:
        """Every render of a photo, oldest first."""
        rows = self._db.connection.execute(f"{_SELECT} WHERE jobs.photo_id = ? ORDER BY jobs.seq", (photo_id,))
        return [_job(row) for row in rows]

    def queued_under(self, folder: Path) -> list[Job]:
        """What waits of the photos under a folder, in the order in which it will be done."""
        rows = self._db.connection.execute(
            f"""{_SELECT} WHERE jobs.state = {QUEUED} AND photos.path >= ? AND photos.path < ?
                ORDER BY jobs.position""",
            inside(folder),
        )
        return [_job(row) for row in rows]

    def maker_of(self, clip_id: str) -> Job | None:
        """The render that a clip came from, None where it is not known."""
        row = self._db.connection.execute(f"{_SELECT} WHERE jobs.clip_id = ? LIMIT 1", (clip_id,)).fetchone()
        return _job(row) if row else None

    def eta_s(self) -> float | None:
        """Time that everything queued and running may take, seconds; None: there is nothing to do, or no pace yet.

        The pace is that of the latest clips that followed one another without a break.
        """
        rows = self._db.connection.execute(
            "SELECT created_at, updated_at FROM jobs WHERE state = ? ORDER BY seq DESC LIMIT 30", (JobState.DONE,)
        ).fetchall()
        rows.sort(key=lambda row: row["updated_at"], reverse=True)
        paces = sorted(
            later["updated_at"] - earlier["updated_at"]
            for later, earlier in pairwise(rows)
            if later["created_at"] <= earlier["updated_at"]
        )
        counts = self.counts()
        going = sum(counts[state] for state in JobState if state.cancellable)
        return going * paces[len(paces) // 2] if going and len(paces) >= 3 else None

    def counts(self) -> dict[str, int]:
        """How many jobs there are in each state."""
        rows = self._db.connection.execute("SELECT state, COUNT(*) AS n FROM jobs GROUP BY state")
        return {**{str(state): 0 for state in JobState}, **{row["state"]: row["n"] for row in rows}}

    # -- for those who do the work -----------------------------------------------------------

    @property
    def paused(self) -> bool:
        """Whether new work is held back."""
        row = self._db.connection.execute("SELECT value FROM settings WHERE name = 'paused'").fetchone()
        return row is not None and row["value"] == "1"

    def has_queued(self, lane: str) -> bool:
        """Whether a job waits in this lane."""
        row = self._db.connection.execute(
            f"SELECT 1 FROM jobs WHERE state = {QUEUED} AND held_folder IS NULL AND lane = ? LIMIT 1",  # noqa: S608
            (lane,),
        ).fetchone()
        return row is not None

    def stalled(self, owner: str) -> bool:
        """Whether this owner holds a lease that it stopped extending."""
        row = self._db.connection.execute(
            "SELECT 1 FROM jobs WHERE owner = ? AND lease_until < ?", (owner, self._clock())
        ).fetchone()
        return row is not None

    def intents(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Every publish that was begun and not finished: (job, owner, body)."""
        rows = self._db.connection.execute(
            "SELECT job_id, owner, body FROM intents JOIN jobs ON jobs.id = intents.job_id"
        ).fetchall()
        return [(row["job_id"], row["owner"] or "", json.loads(row["body"])) for row in rows]

    def is_reserved(self, clip_path: str) -> bool:
        """Whether a clip is being published under this name, in any case: the folder's system may fold it."""
        row = self._db.connection.execute(
            "SELECT 1 FROM intents WHERE clip_path = ? COLLATE NOCASE", (clip_path,)
        ).fetchone()
        return row is not None


_SELECT = """SELECT jobs.*, photos.path AS photo_path, held_folders.error AS held_error
FROM jobs JOIN photos ON photos.id = jobs.photo_id LEFT JOIN held_folders ON held_folders.path = jobs.held_folder"""


@of_row
def _job(row: sqlite3.Row) -> Job:
    return Job(
        id=row["id"],
        photo_id=row["photo_id"],
        photo_path=row["photo_path"],
        photo_sha256=row["photo_sha256"],
        recipe=replace(Recipe.from_dict(json.loads(row["recipe"])), needs_description=bool(row["needs_description"])),
        generator=row["generator"],
        state=JobState(row["state"]),
        progress=row["progress"],
        eta_s=row["eta_s"],
        strikes=row["strikes"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        origin=row["origin"],
        parent_clip=row["parent_clip"],
        clip_id=row["clip_id"],
        error=Failure(**json.loads(why)) if (why := row["held_error"] or row["error"]) else None,
        cancel_requested=bool(row["cancel_requested"]),
        plan=row["plan"],
        exclusive=bool(row["exclusive"]),
        note=row["note"],
        real_folder=row["real_folder"],
        basis=json.loads(row["basis"]) if row["basis"] else None,
        replaces=row["replaces"],
    )
