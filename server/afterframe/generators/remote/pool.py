"""Which server gets the next clip: the least loaded one that answers.

Several worker processes, of the daemon and of ``afterframe animate``, share the servers. Lock files limit how many
clips each server gets at a time; the system releases them when a process ends, however it ends.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from afterframe.generators.remote.client import ServerClient, ServerGone, ServerRefused

BACK_OFF_S = (5.0, 15.0, 60.0)
"""How long a server that did not answer is left alone, seconds; longer each time."""
LOAD_VALID_S = 1.0
"""How long a server's answer about its load is valid, seconds."""

log = logging.getLogger(__name__)


class NoServer(Exception):
    """No server that could make the clip answers."""


@dataclass(frozen=True, slots=True)
class EndpointSlot:
    """Room for one clip on a server, occupied while its lock is held."""

    lock: FileLock
    note: Path
    """The file with the id of the slot's job; it outlives a process that is killed."""

    def record_job(self, job_id: str) -> None:
        """Write the job down, so that another process can end it if this one cannot; never an error."""
        with suppress(OSError), self.note.open("w", encoding="utf-8") as file:
            file.write(job_id)
            file.flush()
            os.fsync(file.fileno())

    def clear_job(self) -> None:
        """The job is over; never an error."""
        with suppress(OSError):
            self.note.unlink(missing_ok=True)


@dataclass(slots=True)
class Endpoint:
    """A server, and what is known about it."""

    server: ServerClient
    reason: str = ""
    """Why it did not answer when it was last asked; empty: it did."""
    absences: int = 0
    """How often it was not there, or lost a job, since its last clip."""
    retry_at: float = 0.0
    active_jobs: int = 0
    """Unfinished jobs that it has, from any client."""
    checked_at: float = float("-inf")
    duration_s: float = 0.0
    """How long clips took here lately, seconds; 0: not known."""
    slots: list[EndpointSlot] = field(default_factory=list)

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return self.server.endpoint.title


class EndpointPool:
    """The servers.

    Args:
        folder: where the lock files are.
    """

    def __init__(
        self,
        servers: Sequence[ServerClient],
        folder: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.members = [Endpoint(server) for server in servers]
        self._clock = clock
        for member in self.members:
            # A name may hold any character, and servers with the same address share their slots.
            name = hashlib.sha256(member.server.endpoint.url.encode()).hexdigest()[:16]
            files = (folder / f"{name}-{number}" for number in range(member.server.endpoint.slots))
            member.slots = [
                EndpointSlot(FileLock(file.with_suffix(".lock")), file.with_suffix(".job")) for file in files
            ]

    def end_orphans(self) -> None:
        """Delete the jobs that killed processes left running, on servers that answer."""
        for member in self.members:
            for slot in member.slots:
                if slot.note.exists():
                    with suppress(Timeout, OSError), slot.lock.acquire(timeout=0):
                        if job_id := slot.note.read_text("utf-8", "replace"):
                            member.server.delete(job_id)
                        slot.clear_job()

    @contextmanager
    def take(self, excluded: Collection[str], wait: Callable[[], None]) -> Iterator[tuple[Endpoint, EndpointSlot]]:
        """A slot on the least loaded server that answers; among equals the faster one, then the first.

        Args:
            excluded: titles of servers that must not be asked.
            wait: called while all slots are taken; lets some time pass, and may raise.
        Raises:
            NoServer: none of them answers.
        """
        while True:
            wanted = [member for member in self.members if member.title not in excluded]
            there = [member for member in wanted if self._answers(member)]
            if not there:
                raise NoServer
            for member in sorted(there, key=lambda m: (m.active_jobs / m.server.endpoint.slots, m.duration_s)):
                if slot := _first_free(member.slots):
                    try:
                        yield member, slot
                    finally:
                        slot.lock.release()
                    return
            wait()

    def _answers(self, member: Endpoint) -> bool:
        now = self._clock()
        if now < member.retry_at:
            return False
        if now - member.checked_at < LOAD_VALID_S:
            return True
        try:
            member.active_jobs = member.server.active_jobs()
        except ServerRefused:
            member.active_jobs = 0  # it will refuse again, with its reason, when it gets the job
        except ServerGone as error:
            self.mark_away(member, str(error))
            return False
        member.checked_at, member.reason = now, ""
        return True

    def mark_away(self, member: Endpoint, reason: str) -> None:
        """Leave a server that did not answer, or lost its job, alone for a while."""
        back_off_s = BACK_OFF_S[min(member.absences, len(BACK_OFF_S) - 1)]
        member.absences += 1
        member.reason = reason
        member.retry_at = self._clock() + back_off_s
        member.checked_at = float("-inf")
        log.warning("%s: %s; next attempt in %g s", member.title, reason, back_off_s)

    def record_duration(self, member: Endpoint, seconds: float) -> None:
        """Note how long a clip took, seconds: only a clip shows that a server is well."""
        member.absences = 0
        member.duration_s = seconds if not member.duration_s else 0.7 * member.duration_s + 0.3 * seconds


def _first_free(slots: Sequence[EndpointSlot]) -> EndpointSlot | None:
    for slot in slots:
        try:
            slot.lock.acquire(timeout=0)
        except Timeout:
            continue
        return slot
    return None
