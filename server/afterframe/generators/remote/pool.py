"""Which server gets the next clip: the least loaded one that answers.

Several worker processes, of the daemon and of ``afterframe animate``, share the servers. How many clips each
gets at a time is kept by lock files, which the system drops when a process ends, however it ends.
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

from afterframe.generators.remote.server import Gone, Refused, Server

BACK_OFF_S = (5.0, 15.0, 60.0)
"""Until a server that did not answer is asked again, seconds; longer each time."""
LOAD_S = 1.0
"""How long a server's word about its load holds, seconds."""

log = logging.getLogger(__name__)


class NobodyThere(Exception):
    """No server is left that could be asked."""


@dataclass(frozen=True, slots=True)
class EndpointSlot:
    """Room for one clip on a server, taken while its lock is held."""

    lock: FileLock
    note: Path
    """The id of the job that the server does here; still there after the process that gave it was killed."""

    def keep(self, job_id: str) -> None:
        """Note the job, so that somebody ends it if this process cannot; never an error."""
        with suppress(OSError), self.note.open("w", encoding="utf-8") as file:
            file.write(job_id)
            file.flush()
            os.fsync(file.fileno())

    def forget(self) -> None:
        """The job is over; never an error."""
        with suppress(OSError):
            self.note.unlink(missing_ok=True)


@dataclass(slots=True)
class Endpoint:
    """A server, and what is known of it."""

    server: Server
    reason: str = ""
    """Why it was not there when it was asked last; empty: it was."""
    absences: int = 0
    asked_again_at: float = 0.0
    working: int = 0
    """Jobs that it has, whoever gave them."""
    known_at: float = float("-inf")
    pace_s: float = 0.0
    """Time for a clip here lately, seconds; 0: not known."""
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
        servers: Sequence[Server],
        folder: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.members = [Endpoint(server) for server in servers]
        self._clock = clock
        for member in self.members:
            # A name may hold anything; the address says which slots are the same ones.
            name = hashlib.sha256(member.server.endpoint.url.encode()).hexdigest()[:16]
            files = (folder / f"{name}-{number}" for number in range(member.server.endpoint.slots))
            member.slots = [
                EndpointSlot(FileLock(file.with_suffix(".lock")), file.with_suffix(".job")) for file in files
            ]

    def end_orphans(self) -> None:
        """Delete the jobs that processes which were killed left at work, on servers that answer."""
        for member in self.members:
            for slot in member.slots:
                if slot.note.exists():
                    with suppress(Timeout, OSError), slot.lock.acquire(timeout=0):
                        if job_id := slot.note.read_text("utf-8", "replace"):
                            member.server.delete(job_id)
                        slot.forget()

    @contextmanager
    def take(self, unwanted: Collection[str], wait: Callable[[], None]) -> Iterator[tuple[Endpoint, EndpointSlot]]:
        """A slot on the least loaded server that answers; of equals the quicker, then the first.

        Args:
            unwanted: titles of servers that are not to be asked.
            wait: called while all slots are taken; lets some time pass, and may raise.
        Raises:
            NobodyThere: none answers.
        """
        while True:
            wanted = [member for member in self.members if member.title not in unwanted]
            there = [member for member in wanted if self._is_there(member)]
            if not there:
                raise NobodyThere
            for member in sorted(there, key=lambda m: (m.working / m.server.endpoint.slots, m.pace_s)):
                if slot := _first_free(member.slots):
                    try:
                        yield member, slot
                    finally:
                        slot.lock.release()
                    return
            wait()

    def _is_there(self, member: Endpoint) -> bool:
        now = self._clock()
        if now < member.asked_again_at:
            return False
        if now - member.known_at < LOAD_S:
            return True
        try:
            member.working = member.server.working()
        except Refused:
            member.working = 0  # it will say so again when it is given the job
        except Gone as error:
            self.miss(member, str(error))
            return False
        member.known_at, member.absences, member.reason = now, 0, ""
        return True

    def miss(self, member: Endpoint, reason: str) -> None:
        """A server did not answer, or lost its job: it is left alone for a while."""
        back_off_s = BACK_OFF_S[min(member.absences, len(BACK_OFF_S) - 1)]
        member.absences += 1
        member.reason = reason
        member.asked_again_at = self._clock() + back_off_s
        member.known_at = float("-inf")
        log.warning("%s: %s; it is asked again in %g s", member.title, reason, back_off_s)

    def done(self, member: Endpoint, seconds: float) -> None:
        """A clip came from here, so long after it was asked for."""
        member.pace_s = seconds if not member.pace_s else 0.7 * member.pace_s + 0.3 * seconds


def _first_free(slots: Sequence[EndpointSlot]) -> EndpointSlot | None:
    for slot in slots:
        try:
            slot.lock.acquire(timeout=0)
        except Timeout:
            continue
        return slot
    return None
