"""The durable queue of renders: enqueue, claim, heartbeat, finish, fail.

A claimed job carries its owner and a lease that heartbeats extend. A job is never deleted at
hand-out: whoever dies leaves its row behind, and the row goes back to the queue. A strike counts
only when a worker dies or fails under a living supervisor, so a photo that crashes its worker is
parked after three, while restarts of the machine cost it nothing.
"""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from afterframe.domain import Failure, GeneratorName, Job, JobState, Photo, Recipe
from afterframe.errors import AfterframeError, NotFound, OutOfMemory, WrongState
from afterframe.state.database import Database
from afterframe.state.key_tables import RENDER_KEYS, put_keys
from afterframe.state.search_keys import search_keys

LEASE_S = 30.0
MAX_STRIKES = 3
LOCAL = "local"
ELSEWHERE = ("remote", "ray")
"""Kinds of generator that work on other machines: each has a lane of its own, all others share the local one."""


def _sql(*states: JobState) -> str:
    """States as a list of literals: SQLite uses a partial index for those only."""
    return f"({', '.join(repr(str(state)) for state in states)})"


_QUEUED = repr(str(JobState.QUEUED))
_GOING = _sql(*(state for state in JobState if not state.ended))
_HELD = _sql(*(state for state in JobState if state.held))
_CANCELLABLE = _sql(*(state for state in JobState if state.cancellable))


def lane_of(generator: str) -> str:
    """The lane of a generator's jobs."""
    kind = GeneratorName.parse(generator).kind
    return kind if kind in ELSEWHERE else LOCAL


class LeaseLost(AfterframeError):
    """The job belongs to somebody else by now: drop it without a trace."""

    code = "lease_lost"


@dataclass(frozen=True, slots=True)
class NewJob:
    """A wish for one render."""

    photo: Photo
    recipe: Recipe
    generator: str
    origin: str = "request"
    parent_clip: str | None = None
    reserved_for: str | None = None


class Queue:
    """Every operation is one transaction.

    Args:
        database: the state file.
        clock: Unix time, seconds; injected by tests.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._db = database
        self._clock = clock

    # -- asking ------------------------------------------------------------------------------

    def enqueue(self, order: NewJob) -> tuple[Job, bool]:
        """Queue a render, unless the very same one is queued, under way, or done with its clip still there.

        Returns:
            The job, and whether it is new.
        """
        with self._db.transaction() as connection:
            same = connection.execute(
                f"""SELECT jobs.* FROM jobs LEFT JOIN clips ON clips.id = jobs.clip_id
                   WHERE jobs.photo_id = ? AND jobs.photo_sha256 = ? AND jobs.recipe_hash = ? AND jobs.generator = ?
                     AND jobs.seed = ? AND jobs.parent_clip IS ?
                     AND (jobs.state IN {_GOING} AND NOT cancel_requested
                          OR jobs.state = '{JobState.DONE}' AND clips.present)
                   ORDER BY jobs.seq DESC LIMIT 1""",  # noqa: S608 - our own literals
                (
                    order.photo.id,
                    order.photo.sha256,
                    order.recipe.hash,
                    order.generator,
                    order.recipe.seed,
                    order.parent_clip,
                ),
            ).fetchone()
            if same is not None:
                if order.reserved_for and same["state"] == JobState.QUEUED:
                    connection.execute(
                        "UPDATE jobs SET reserved_for = ? WHERE id = ?", (order.reserved_for, same["id"])
                    )
                return self.get(same["id"]), False
            return self._insert(connection, order), True

    def _insert(self, connection: sqlite3.Connection, order: NewJob) -> Job:
        now = self._clock()
        job_id = uuid.uuid4().hex
        recipe = order.recipe.to_dict()
        seq = connection.execute(
            """INSERT INTO jobs (id, photo_id, photo_sha256, recipe, recipe_hash, seed, generator, lane, origin,
                                 parent_clip, reserved_for, state, place, created_at, updated_at)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT COALESCE(MAX(place), 0) + 1 FROM jobs), ?, ?)""",
            (
                job_id,
                order.photo.id,
                order.photo.sha256,
                json.dumps(recipe),
                order.recipe.hash,
                order.recipe.seed,
                order.generator,
                lane_of(order.generator),
                order.origin,
                order.parent_clip,
                order.reserved_for,
                JobState.QUEUED,
                now,
                now,
            ),
        ).lastrowid
        put_keys(connection, RENDER_KEYS, seq or 0, search_keys(order.photo.path, now, recipe, order.photo.facts))
        return self._changed(job_id)

    # -- working -----------------------------------------------------------------------------

    def claim(self, owner: str, *, reserved_only: bool = False, lane: str = "") -> Job | None:
        """Take the next job, with a lease; None when there is nothing to do or the queue is paused.

        Args:
            owner: the id of the process (and slot) that will do it.
            reserved_only: only jobs reserved for this owner's process (``afterframe animate``).
            lane: only jobs done on this machine (:data:`LOCAL`), or of this one of :data:`ELSEWHERE`.
        """
        process = owner.partition("/")[0]
        reserved = "reserved_for = :process" if reserved_only else "(reserved_for IS NULL OR reserved_for = :process)"
        of_lane = "lane = :lane" if lane else "TRUE"
        with self._db.transaction() as connection:
            if self.paused and not reserved_only:
                return None
            row = connection.execute(
                f"""UPDATE jobs SET state = '{JobState.RUNNING}', owner = :owner, lease_until = :until, progress = 0,
                           eta_s = NULL, error = NULL, updated_at = :now
                    WHERE seq = (SELECT seq FROM jobs WHERE state = {_QUEUED} AND {reserved} AND {of_lane}
                                 ORDER BY place LIMIT 1)
                    RETURNING id""",  # noqa: S608 - our own literals
                {
                    "owner": owner,
                    "process": process,
                    "lane": lane,
                    "until": self._clock() + LEASE_S,
                    "now": self._clock(),
                },
            ).fetchone()
            return self._changed(row["id"]) if row else None

    def has_queued(self, lane: str) -> bool:
        """Whether a job waits in this lane."""
        row = self._db.connection.execute(
            f"SELECT 1 FROM jobs WHERE state = {_QUEUED} AND lane = ? LIMIT 1",  # noqa: S608 - our own literals
            (lane,),
        ).fetchone()
        return row is not None

    def heartbeat(self, job_id: str, owner: str, progress: float, eta_s: float | None) -> bool:
        """Extend the lease and tell how far it is.

        Returns:
            True when the user asked to stop.
        Raises:
            LeaseLost: the job is not this owner's any more.
        """
        with self._db.transaction() as connection:
            row = connection.execute(
                """UPDATE jobs SET lease_until = ?, progress = ?, eta_s = ?, updated_at = ?
                   WHERE id = ? AND owner = ? RETURNING cancel_requested""",
                (self._clock() + LEASE_S, progress, eta_s, self._clock(), job_id, owner),
            ).fetchone()
            if row is None:
                raise LeaseLost("This render was given to another worker.")
            self._changed(job_id)
            return bool(row["cancel_requested"])

    def begin_publish(self, job_id: str, owner: str, clip_path: str, body: Mapping[str, Any]) -> None:
        """Commit what is about to be published, so that a crash can be rolled forward.

        Raises:
            LeaseLost: the job is not this owner's any more.
            WrongState: another render is publishing under that name, or this one was cancelled.
        """
        with self._db.transaction() as connection:
            row = connection.execute(
                """UPDATE jobs SET state = ?, progress = 1, eta_s = NULL, updated_at = ?
                   WHERE id = ? AND owner = ? AND state = ? RETURNING cancel_requested""",
                (JobState.PUBLISHING, self._clock(), job_id, owner, JobState.RUNNING),
            ).fetchone()
            if row is None:
                raise LeaseLost("This render was given to another worker.")
            if row["cancel_requested"]:
                raise WrongState("This render was cancelled.", code="cancelled")
            try:
                connection.execute("INSERT INTO intents VALUES (?, ?, ?)", (job_id, clip_path, json.dumps(body)))
            except sqlite3.IntegrityError as error:
                raise WrongState(f"Another clip is being written as {clip_path}.", code="name_taken") from error
            self._changed(job_id)

    def intents(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Every publish that was begun and not finished: (job, owner, body)."""
        rows = self._db.connection.execute(
            "SELECT job_id, owner, body FROM intents JOIN jobs ON jobs.id = intents.job_id"
        ).fetchall()
        return [(row["job_id"], row["owner"] or "", json.loads(row["body"])) for row in rows]

    def is_reserved(self, clip_path: str) -> bool:
        """Whether a clip is being published under this name."""
        row = self._db.connection.execute("SELECT 1 FROM intents WHERE clip_path = ?", (clip_path,)).fetchone()
        return row is not None

    def finish(self, job_id: str, clip_id: str) -> None:
        """The clip and its sidecar are in place."""
        with self._db.transaction() as connection:
            connection.execute("DELETE FROM intents WHERE job_id = ?", (job_id,))
            self._end(connection, job_id, JobState.DONE, clip_id=clip_id)

    def requeue_publication(self, job_id: str) -> None:
        """A publish that cannot be finished: forget the intent and render again."""
        with self._db.transaction() as connection:
            connection.execute("DELETE FROM intents WHERE job_id = ?", (job_id,))
            self._requeue(connection, "id = ?", (job_id,))

    def fail(self, job_id: str, owner: str, error: AfterframeError) -> JobState:
        """The job did not work out: again later when that can help, else it has failed."""
        with self._db.transaction() as connection:
            row = connection.execute("SELECT * FROM jobs WHERE id = ? AND owner = ?", (job_id, owner)).fetchone()
            if row is None:
                raise LeaseLost("This render was given to another worker.")
            connection.execute("DELETE FROM intents WHERE job_id = ?", (job_id,))
            if error.error_code == "cancelled":
                self._end(connection, job_id, JobState.CANCELLED)
            elif isinstance(error, OutOfMemory) and (error.smaller_plan or 0) > row["plan"]:
                self._step_down(connection, row, error)
            elif error.retryable:
                self._strike(connection, row, Failure(**error.to_dict()))
            else:
                self._end(connection, job_id, JobState.FAILED, error=Failure(**error.to_dict()))
        return self.get(job_id).state

    def _step_down(self, connection: sqlite3.Connection, row: sqlite3.Row, error: OutOfMemory) -> None:
        """Try again with less memory. No strike: each step goes further down, so there is an end to them."""
        connection.execute(
            "UPDATE jobs SET plan = ?, note = ? WHERE id = ?", (error.smaller_plan, error.message, row["id"])
        )
        self._requeue(connection, "id = ?", (row["id"],))

    def postpone(self, job_id: str, owner: str, error: AfterframeError) -> None:
        """The machine that should do it is not there: to the back of the queue, no strike, and the reason beside it."""
        why = {**error.to_dict(), "hint": f"{error.hint} The render waits and goes on by itself.".strip()}
        with self._db.transaction() as connection:
            connection.execute("UPDATE jobs SET error = ? WHERE id = ? AND owner = ?", (json.dumps(why), job_id, owner))
            self._requeue(connection, "id = ? AND owner = ?", (job_id, owner))

    def strike(self, owner: str, reason: str) -> list[Job]:
        """A worker died under a living supervisor: the job that did it gets a strike, three park it.

        A worker may hold two jobs, one being made and one being finished. If one of them stood still, it was that
        one. Else nobody knows: both go back without a strike and are done alone, so that a second death tells.
        A publish that had been committed is left for :meth:`intents`: it needs no second render.
        """
        with self._db.transaction() as connection:
            rows = connection.execute(
                "SELECT * FROM jobs WHERE owner = ? AND id NOT IN (SELECT job_id FROM intents)", (owner,)
            ).fetchall()
            stalled = [row for row in rows if row["lease_until"] < self._clock()]
            guilty = stalled or (rows if len(rows) == 1 else [])
            if not guilty:
                connection.execute("UPDATE jobs SET alone = 1 WHERE owner = ?", (owner,))
            for row in guilty:
                photo = Path(self.get(row["id"]).photo_path).name
                self._strike(connection, row, Failure("worker_died", f"{photo}: {reason}"))
            self.release(owner)
        return [self.get(row["id"]) for row in rows]

    def _strike(self, connection: sqlite3.Connection, row: sqlite3.Row, error: Failure) -> None:
        strikes = row["strikes"] + 1
        connection.execute("UPDATE jobs SET strikes = ? WHERE id = ?", (strikes, row["id"]))
        if row["cancel_requested"]:
            self._end(connection, row["id"], JobState.CANCELLED)
        elif strikes >= MAX_STRIKES:
            parked = Failure(
                error.code,
                f"Given up after {strikes} tries: {error.message}",
                error.hint or "Try another generator or a smaller size, then retry.",
            )
            self._end(connection, row["id"], JobState.FAILED, error=parked)
        else:
            self._requeue(connection, "id = ?", (row["id"],))

    def release(self, owner: str) -> None:
        """Give back, without a strike, what this process or one of its slots holds."""
        with self._db.transaction() as connection:
            self._requeue(
                connection,
                "(owner = ? OR owner LIKE ? || '/%') AND id NOT IN (SELECT job_id FROM intents)",
                (owner, owner),
            )

    def release_dead(self, is_alive: Callable[[str], bool]) -> None:
        """Void the leases and the reservations of processes that are gone."""
        with self._db.transaction() as connection:
            rows = connection.execute(
                """SELECT owner AS name FROM jobs WHERE owner IS NOT NULL
                   UNION SELECT reserved_for FROM jobs WHERE reserved_for IS NOT NULL AND state = ?""",
                (JobState.QUEUED,),
            ).fetchall()
            for process in {row["name"].partition("/")[0] for row in rows}:
                if not is_alive(process):
                    self.release(process)
                    connection.execute("UPDATE jobs SET reserved_for = NULL WHERE reserved_for = ?", (process,))

    def expire_lease(self, job_id: str, owner: str) -> None:
        """The render makes no progress any more: its lease ends now, so that the supervisor ends the worker."""
        with self._db.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET lease_until = ? WHERE id = ? AND owner = ?", (self._clock() - 1, job_id, owner)
            )

    def stalled(self, owner: str) -> bool:
        """Whether this owner holds a lease that it stopped extending."""
        row = self._db.connection.execute(
            "SELECT 1 FROM jobs WHERE owner = ? AND lease_until < ?", (owner, self._clock())
        ).fetchone()
        return row is not None

    def _requeue(self, connection: sqlite3.Connection, where: str, values: tuple[Any, ...]) -> None:
        rows = connection.execute(
            f"""SELECT id, cancel_requested FROM jobs
                WHERE state IN {_HELD} AND {where} ORDER BY place""",  # noqa: S608 - our own literals
            values,
        ).fetchall()
        for row in rows:
            if row["cancel_requested"]:
                self._end(connection, row["id"], JobState.CANCELLED)
                continue
            connection.execute(
                """UPDATE jobs SET state = ?, owner = NULL, lease_until = NULL, progress = 0, eta_s = NULL,
                   place = (SELECT MAX(place) + 1 FROM jobs), updated_at = ? WHERE id = ?""",
                (JobState.QUEUED, self._clock(), row["id"]),
            )
            self._changed(row["id"])

    def _end(
        self,
        connection: sqlite3.Connection,
        job_id: str,
        state: JobState,
        *,
        clip_id: str | None = None,
        error: Failure | None = None,
    ) -> None:
        connection.execute(
            """UPDATE jobs SET state = ?, owner = NULL, lease_until = NULL, eta_s = NULL, clip_id = ?, error = ?,
               progress = CASE WHEN ? THEN 1 ELSE progress END, updated_at = ? WHERE id = ?""",
            (
                state,
                clip_id,
                json.dumps(error.to_dict()) if error else None,
                state == JobState.DONE,
                self._clock(),
                job_id,
            ),
        )
        if state == JobState.DONE:  # its clip is found from now on
            connection.execute("DELETE FROM render_keys WHERE seq = (SELECT seq FROM jobs WHERE id = ?)", (job_id,))
        self._changed(job_id)

    # -- steering ----------------------------------------------------------------------------

    def cancel(self, job_id: str) -> Job:
        """Stop a render: at once when it waits, within a frame when it runs.

        Raises:
            NotFound: no such render.
            WrongState: it has ended, or its clip is already being put in place.
        """
        with self._db.transaction() as connection:
            job = self.get(job_id)
            if job.state == JobState.QUEUED:
                self._end(connection, job_id, JobState.CANCELLED)
            elif job.state == JobState.RUNNING:
                connection.execute("UPDATE jobs SET cancel_requested = 1 WHERE id = ?", (job_id,))
                self._changed(job_id)
            else:
                raise WrongState(f"This render is {job.state}; there is nothing to cancel.")
            return self.get(job_id)

    def cancel_all(self) -> int:
        """Cancel everything that waits or runs; how many that were."""
        with self._db.transaction() as connection:
            rows = connection.execute(f"SELECT id FROM jobs WHERE state IN {_CANCELLABLE}").fetchall()  # noqa: S608
            for row in rows:
                self.cancel(row["id"])
        return len(rows)

    def retry(self, job_id: str) -> Job:
        """Queue a failed or cancelled render again, with its strikes forgiven.

        Raises:
            NotFound: no such render.
            WrongState: it has not failed.
        """
        with self._db.transaction() as connection:
            job = self.get(job_id)
            if not job.state.retryable:
                raise WrongState(f"This render is {job.state}; only a failed or cancelled one can be retried.")
            connection.execute(
                """UPDATE jobs SET state = ?, strikes = 0, cancel_requested = 0, error = NULL, progress = 0,
                   plan = 0, note = '',
                   place = (SELECT MAX(place) + 1 FROM jobs), updated_at = ? WHERE id = ?""",
                (JobState.QUEUED, self._clock(), job_id),
            )
            return self._changed(job_id)

    def arrange(self, job_ids: Iterable[str]) -> None:
        """Put these waiting renders first, in this order.

        Raises:
            NotFound: one of them does not exist.
        """
        with self._db.transaction() as connection:
            ids = list(dict.fromkeys(job_ids))
            row = connection.execute(f"SELECT MIN(place) FROM jobs WHERE state = {_QUEUED}").fetchone()  # noqa: S608
            first = row[0] or 0
            for index, job_id in enumerate(ids):
                self.get(job_id)
                connection.execute(
                    "UPDATE jobs SET place = ? WHERE id = ? AND state = ?",
                    (first - len(ids) + index, job_id, JobState.QUEUED),
                )
                self._changed(job_id)

    @property
    def paused(self) -> bool:
        """Whether new work is held back."""
        row = self._db.connection.execute("SELECT value FROM settings WHERE name = 'paused'").fetchone()
        return row is not None and row["value"] == "1"

    def pause(self, paused: bool) -> None:
        """Hold back new work, or let it go on. What runs is not stopped."""
        with self._db.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO settings VALUES ('paused', ?)", ("1" if paused else "0",))
            self._db.emit("queue", {"paused": paused}, self._clock())

    # -- looking -----------------------------------------------------------------------------

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
        """Some jobs by their numbers, in which they were asked for."""
        marks = ", ".join("?" * len(seqs))
        rows = self._db.connection.execute(f"{_SELECT} WHERE jobs.seq IN ({marks})", seqs)
        return {row["seq"]: _job(row) for row in rows}

    def waiting(self, limit: int = 500) -> list[Job]:
        """What runs and what waits, in the order in which it will be done."""
        rows = self._db.connection.execute(
            f"""{_SELECT} WHERE jobs.state IN {_GOING}
                ORDER BY jobs.state = {_QUEUED}, jobs.place LIMIT ?""",
            (limit,),
        ).fetchall()
        return [_job(row) for row in rows]

    def of_photo(self, photo_id: int) -> list[Job]:
        """Every render of a photo, oldest first."""
        rows = self._db.connection.execute(f"{_SELECT} WHERE jobs.photo_id = ? ORDER BY jobs.seq", (photo_id,))
        return [_job(row) for row in rows]

    def eta_s(self) -> float | None:
        """How long all that waits and runs may take, seconds: by the pace of the latest clips that came one after
        another without a break. None: there is nothing to do, or no pace yet."""
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

    def _changed(self, job_id: str) -> Job:
        job = self.get(job_id)
        body = {
            "id": job.id,
            "state": job.state,
            "progress": job.progress,
            "eta_s": job.eta_s,
            "photo": job.photo_path,
            "error": job.error.to_dict() if job.error else None,
            "note": job.note,
            "fresh": job.created_at == job.updated_at,
        }
        self._db.emit("render", body, self._clock())
        return job


_SELECT = "SELECT jobs.*, photos.path AS photo_path FROM jobs JOIN photos ON photos.id = jobs.photo_id"


def _job(row: sqlite3.Row) -> Job:
    return Job(
        id=row["id"],
        photo_id=row["photo_id"],
        photo_path=row["photo_path"],
        photo_sha256=row["photo_sha256"],
        recipe=Recipe.from_dict(json.loads(row["recipe"])),
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
        error=Failure(**json.loads(row["error"])) if row["error"] else None,
        cancel_requested=bool(row["cancel_requested"]),
        plan=row["plan"],
        exclusive=bool(row["alone"]),
        note=row["note"],
    )
