"""The durable queue of renders: enqueue, claim, heartbeat, finish, fail.

A claimed job carries its owner and a lease that heartbeats extend. A job is never deleted at
hand-out: a worker that dies leaves its row behind, and the row goes back to the queue. A strike counts
only when a worker dies or fails under a living supervisor, so a photo that crashes its worker is
parked after three, while restarts of the machine cost it nothing.
"""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afterframe.domain import Failure, Job, JobState, Photo, Recipe
from afterframe.errors import AfterframeError, FolderUnavailable, GenerateError, OutOfMemory, WrongState
from afterframe.generator_name import GeneratorName
from afterframe.state.held_folders import HeldFolders, holding
from afterframe.state.queue_reads import CANCELLABLE, GOING, QUEUED
from afterframe.state.queue_transitions import QueueTransitions
from afterframe.state.search_key_tables import RENDER_KEYS, put_keys
from afterframe.state.search_keys import search_keys

LEASE_S = 30.0
OF_ITS_PLACE = frozenset({"missing", "disk_too_small", "name_too_long"})
"""Errors that a photo leaves behind with its name or folder."""
LOCAL = "local"
ELSEWHERE = ("remote", "ray")
"""Kinds of generator that work on other machines: each has a lane of its own, all others share the local one."""
_SAME = f"""
SELECT jobs.id, jobs.state FROM jobs LEFT JOIN clips ON clips.id = jobs.clip_id
WHERE jobs.photo_id = :photo AND jobs.photo_sha256 = :sha256 AND jobs.recipe_hash = :recipe_hash
  AND jobs.generator = :generator AND jobs.seed = :seed AND jobs.parent_clip IS :parent_clip
  AND (jobs.state IN {GOING} AND NOT cancel_requested OR jobs.state = '{JobState.DONE}' AND clips.present)
ORDER BY jobs.seq DESC LIMIT 1"""  # noqa: S608 - our own literals
"""The same render, requested before."""


class LeaseLost(AfterframeError):
    """Another worker holds the job by now: drop it without a trace."""

    code = "lease_lost"


@dataclass(frozen=True, slots=True)
class NewJob:
    """What a job is queued with."""

    photo: Photo
    recipe: Recipe
    generator: str
    origin: str = "request"
    parent_clip: str | None = None
    reserved_for: str | None = None
    basis: Mapping[str, Any] | None = None
    replaces: str | None = None


class Queue(QueueTransitions):
    """Changes to renders, each in one transaction. What only reads stands in :class:`QueueReads`."""

    # -- requesting ------------------------------------------------------------------------------

    def enqueue(self, new: NewJob) -> tuple[Job, bool]:
        """Queue a render, unless the very same one is queued, under way, or done with its clip still there.

        Returns:
            The job, and whether it is new.
        """
        with self._db.transaction() as connection:
            if new.replaces:
                return self._insert(connection, new), True
            same = connection.execute(
                _SAME,
                {
                    "photo": new.photo.id,
                    "sha256": new.photo.sha256,
                    "recipe_hash": new.recipe.hash,
                    "generator": new.generator,
                    "seed": new.recipe.seed,
                    "parent_clip": new.parent_clip,
                },
            ).fetchone()
            if same is None:
                return self._insert(connection, new), True
            if new.reserved_for and same["state"] == JobState.QUEUED:
                connection.execute(
                    "UPDATE jobs SET reserved_for = ?, held_folder = NULL WHERE id = ?", (new.reserved_for, same["id"])
                )
            return self.get(same["id"]), False

    def _insert(self, connection: sqlite3.Connection, new: NewJob) -> Job:
        now = self._clock()
        row: dict[str, Any] = {
            "id": uuid.uuid4().hex,
            "photo_id": new.photo.id,
            "photo_sha256": new.photo.sha256,
            **_recipe_columns(new.recipe, new.basis),
            "generator": new.generator,
            "lane": lane_of(new.generator),
            "origin": new.origin,
            "parent_clip": new.parent_clip,
            "replaces": new.replaces,
            "reserved_for": new.reserved_for,
            "held_folder": None if new.reserved_for else holding(connection, new.photo.path),
            "real_folder": os.path.realpath(Path(new.photo.path).parent),
            "state": JobState.QUEUED,
            "created_at": now,
            "updated_at": now,
        }
        seq = connection.execute(_insert_sql(row), row).lastrowid or 0
        put_keys(connection, RENDER_KEYS, seq, search_keys(new.photo.path, now, new.recipe.to_dict(), new.photo.facts))
        return self._changed(row["id"])

    def renew_recipe(self, job: Job, recipe: Recipe, basis: Mapping[str, Any]) -> None:
        """Give a render another recipe, unless it has begun, or ended for good."""
        with self._db.transaction() as connection:
            now = self.get(job.id)
            if not (now.state is JobState.QUEUED or now.state.retryable):
                return
            row = connection.execute(
                """UPDATE jobs SET recipe = :recipe, recipe_hash = :recipe_hash, seed = :seed, basis = :basis,
                     needs_description = :needs_description
                   WHERE id = :id RETURNING seq, created_at""",
                {**_recipe_columns(recipe, basis), "id": job.id},
            ).fetchone()
            facts = connection.execute("SELECT facts FROM photos WHERE id = ?", (job.photo_id,)).fetchone()["facts"]
            keys = search_keys(now.photo_path, row["created_at"], recipe.to_dict(), json.loads(facts))
            put_keys(connection, RENDER_KEYS, row["seq"], keys)
            self._changed(job.id)

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
        reserved += " AND held_folder IS NULL"
        of_lane = "lane = :lane" if lane else "TRUE"
        with self._db.transaction() as connection:
            if self.paused and not reserved_only:
                return None
            row = connection.execute(
                f"""UPDATE jobs SET state = '{JobState.RUNNING}', owner = :owner, lease_until = :until, progress = 0,
                           eta_s = NULL, error = NULL, updated_at = :now
                    WHERE seq = (SELECT seq FROM jobs WHERE state = {QUEUED} AND {reserved} AND {of_lane}
                                 ORDER BY position LIMIT 1)
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

    def heartbeat(self, job_id: str, owner: str, progress: float, eta_s: float | None) -> bool:
        """Extend the lease and report progress.

        Returns:
            True when the user asked to cancel.
        Raises:
            LeaseLost: this owner no longer holds the job.
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
            LeaseLost: this owner no longer holds the job.
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
        """The job did not work out: it is queued again where that can help, else it has failed."""
        with self._db.transaction() as connection:
            row = connection.execute("SELECT * FROM jobs WHERE id = ? AND owner = ?", (job_id, owner)).fetchone()
            if row is None:
                raise LeaseLost("This render was given to another worker.")
            connection.execute("DELETE FROM intents WHERE job_id = ?", (job_id,))
            if error.error_code == "cancelled":
                self._end(connection, job_id, JobState.CANCELLED)
            elif isinstance(error, OutOfMemory) and (error.smaller_plan or 0) > row["plan"]:
                self._step_down(connection, row, error)
            elif error.transient:
                rendered = error.rendered if isinstance(error, GenerateError) else 0
                self._strike(connection, row, Failure(**error.to_dict()), max(1, rendered))
            else:
                self._end(connection, job_id, JobState.FAILED, error=Failure(**error.to_dict()))
        return self.get(job_id).state

    def postpone(self, job_id: str, owner: str, error: AfterframeError) -> None:
        """The machine that should do it is away: to the back of the queue without a strike, with the reason."""
        with self._db.transaction() as connection:
            if connection.execute("SELECT 1 FROM jobs WHERE id = ? AND owner = ?", (job_id, owner)).fetchone():
                self._note_why(
                    connection, job_id, Failure(**error.to_dict()), "The render waits and goes on by itself."
                )
            self._requeue(connection, "id = ? AND owner = ?", (job_id, owner))

    def hold_folder(self, job_id: str, owner: str, error: FolderUnavailable) -> None:
        """The folder cannot be used for now: all its renders wait, without a strike, and go on when it can be."""
        with self._db.transaction() as connection:
            connection.execute("DELETE FROM intents WHERE job_id = ?", (job_id,))
            self._requeue(connection, "id = ? AND owner = ?", (job_id, owner))
            failure = Failure(error.error_code, error.reason, error.hint)
            HeldFolders(self._db, self._clock).hold(error.folder, failure)

    def retry_moved(self, photo_id: int) -> None:
        """A photo was renamed or moved: what failed because of where it was is queued again."""
        for job in self.of_photo(photo_id):
            if job.state is JobState.FAILED and job.error and job.error.code in OF_ITS_PLACE:
                self.retry(job.id)

    def strike(self, owner: str, reason: str, *, hung: bool = True) -> list[Job]:
        """A worker died under a living supervisor: the job that did it gets a strike, three park it.

        A worker may hold two jobs, one being made and one being finished. If one of them had stalled, it was that
        one. Otherwise nobody knows: both go back without a strike and are done alone, so that a second death tells.
        A publish that had been committed is left for :meth:`intents`: it needs no second render.

        Args:
            hung: the worker was killed because it stalled. False: it died by itself; a lease that lapsed
                meanwhile only shows that the state file could not be written.
        """
        with self._db.transaction() as connection:
            rows = connection.execute(
                "SELECT * FROM jobs WHERE owner = ? AND id NOT IN (SELECT job_id FROM intents)", (owner,)
            ).fetchall()
            stalled = [row for row in rows if hung and row["lease_until"] < self._clock()]
            guilty = stalled or (rows if len(rows) == 1 else [])
            if not guilty:
                connection.execute("UPDATE jobs SET exclusive = 1 WHERE owner = ?", (owner,))
            for row in guilty:
                photo = Path(self.get(row["id"]).photo_path).name
                self._strike(connection, row, Failure("worker_died", f"{photo}: {reason}"))
            self.release(owner)
        return [self.get(row["id"]) for row in rows]

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
        """The render makes no more progress: its lease ends now, so that the supervisor ends the worker."""
        with self._db.transaction() as connection:
            connection.execute("UPDATE jobs SET lease_until = 0 WHERE id = ? AND owner = ?", (job_id, owner))

    # -- order, cancel, retry ----------------------------------------------------------------------------

    def cancel(self, job_id: str) -> Job:
        """Stop a render: at once when it waits, within a frame when it runs.

        Raises:
            NotFound: no such render.
            WrongState: it has ended, or its clip is already being put in place.
        """
        with self._db.transaction() as connection:
            job = self.get(job_id)
            if not job.state.cancellable:
                raise WrongState(f"This render is {job.state}; there is nothing to cancel.")
            if job.state.held:
                connection.execute("UPDATE jobs SET cancel_requested = 1 WHERE id = ?", (job_id,))
                self._changed(job_id)
            else:
                self._end(connection, job_id, JobState.CANCELLED)
            return self.get(job_id)

    def cancel_all(self) -> int:
        """Cancel everything that waits or runs. Returns how many that were."""
        with self._db.transaction() as connection:
            rows = connection.execute(f"SELECT id FROM jobs WHERE state IN {CANCELLABLE}").fetchall()  # noqa: S608
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
                   plan = 0, note = '', held_folder = ?,
                   position = (SELECT MAX(position) + 1 FROM jobs), updated_at = ? WHERE id = ?""",
                (JobState.QUEUED, holding(connection, job.photo_path), self._clock(), job_id),
            )
            return self._changed(job_id)

    def arrange(self, job_ids: Iterable[str]) -> None:
        """Put these waiting renders first, in this order.

        Raises:
            NotFound: one of them does not exist.
        """
        with self._db.transaction() as connection:
            ids = list(dict.fromkeys(job_ids))
            row = connection.execute(f"SELECT MIN(position) FROM jobs WHERE state = {QUEUED}").fetchone()  # noqa: S608
            first = row[0] or 0
            for index, job_id in enumerate(ids):
                self.get(job_id)
                connection.execute(
                    "UPDATE jobs SET position = ? WHERE id = ? AND state = ?",
                    (first - len(ids) + index, job_id, JobState.QUEUED),
                )
                self._changed(job_id)

    def pause(self, *, paused: bool) -> None:
        """Hold back new work, or let it go on. What runs is not stopped."""
        with self._db.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO settings VALUES ('paused', ?)", ("1" if paused else "0",))
            self._db.emit("queue", {"paused": paused}, self._clock())


def lane_of(generator: str) -> str:
    """The lane of a generator's jobs."""
    kind = GeneratorName.parse(generator).kind
    return kind if kind in ELSEWHERE else LOCAL


def _recipe_columns(recipe: Recipe, basis: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a row says of its recipe."""
    return {
        "recipe": json.dumps(recipe.to_dict()),
        "recipe_hash": recipe.hash,
        "seed": recipe.seed,
        "needs_description": recipe.needs_description,
        "basis": None if basis is None else json.dumps(basis),
    }


def _insert_sql(names: Iterable[str]) -> str:
    """SQL that adds a job at the end of the queue; its values are named as its columns are."""
    columns, values = ", ".join(names), ", ".join(f":{name}" for name in names)
    last = "(SELECT COALESCE(MAX(position), 0) + 1 FROM jobs)"
    return f"INSERT INTO jobs ({columns}, position) VALUES ({values}, {last})"  # noqa: S608 - our own names
