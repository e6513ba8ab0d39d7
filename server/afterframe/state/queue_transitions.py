"""The changes of state that the queue's commands are made of: each writes the row and tells of it by an event."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from afterframe.domain import Failure, Job, JobState
from afterframe.errors import OutOfMemory
from afterframe.state.queue_reads import HELD, QueueReads

MAX_STRIKES = 3


class QueueTransitions(QueueReads):
    """Queue again, strike, end. The caller holds the transaction."""

    def _step_down(self, connection: sqlite3.Connection, row: sqlite3.Row, error: OutOfMemory) -> None:
        """Try again with less memory. No strike: each step goes further down, so there is an end to them."""
        connection.execute(
            "UPDATE jobs SET plan = ?, note = ? WHERE id = ?", (error.smaller_plan, error.message, row["id"])
        )
        self._requeue(connection, "id = ?", (row["id"],))

    def _strike(self, connection: sqlite3.Connection, row: sqlite3.Row, error: Failure, times: int = 1) -> None:
        strikes = row["strikes"] + times
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
            self._note_why(connection, row["id"], error, "It is tried again.")
            self._requeue(connection, "id = ?", (row["id"],))

    def _note_why(self, connection: sqlite3.Connection, job_id: str, error: Failure, then: str) -> None:
        """Why a render waits, for who looks at it, with what happens next behind the remedy."""
        why = {**error.to_dict(), "hint": f"{error.hint} {then}".strip()}
        connection.execute("UPDATE jobs SET error = ? WHERE id = ?", (json.dumps(why), job_id))

    def _requeue(self, connection: sqlite3.Connection, where: str, values: tuple[Any, ...]) -> None:
        rows = connection.execute(
            f"""SELECT id, cancel_requested FROM jobs
                WHERE state IN {HELD} AND {where} ORDER BY position""",  # noqa: S608 - our own literals
            values,
        ).fetchall()
        for row in rows:
            if row["cancel_requested"]:
                self._end(connection, row["id"], JobState.CANCELLED)
                continue
            connection.execute(
                """UPDATE jobs SET state = ?, owner = NULL, lease_until = NULL, progress = 0, eta_s = NULL,
                   position = (SELECT MAX(position) + 1 FROM jobs), updated_at = ? WHERE id = ?""",
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
               held_folder = NULL, progress = CASE WHEN ? THEN 1 ELSE progress END, updated_at = ? WHERE id = ?""",
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
