"""The heartbeat of a render: keeps its lease, gives signs of life, reports how far it is, and learns when to stop.

Two threads: one writes to the state file, and may have to wait for it; the other never does.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar

from afterframe.domain import Job
from afterframe.render.state_outage import OutageLog, retry_through_outage
from afterframe.render.worker_handle import ALIVE, STALLED
from afterframe.state.queue import LeaseLost, Queue
from afterframe.system.awake_clock import AwakeClock

BEAT_S = 0.5
"""How often progress is reported and a request to stop is noticed, seconds."""

T = TypeVar("T")


def _unheard(sign: bytes) -> None:
    """No supervisor listens."""


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What all parts of one worker share."""

    owner: str
    """The id under which it holds leases: the process's owner id, a slash, the slot."""
    stopping: threading.Event
    """Set when the worker is to end."""
    stall_s: float
    """A render without any progress for this long is ended, seconds."""
    sign: Callable[[bytes], None] = _unheard
    """Gives a sign to the supervisor, see ``afterframe.render.worker_handle``."""


class Heartbeat:
    """Keeps a job's lease while it makes progress.

    A context manager: it beats from the beginning of the block until :meth:`stop`, and gives signs of life until the
    end of the block.

    Args:
        clock: seconds, steady; its own while this process is awake, so that a sleep is no stall.
    """

    def __init__(self, queue: Queue, job: Job, worker: WorkerContext, clock: Callable[[], float] | None = None) -> None:
        self._queue = queue
        self._job = job
        self._worker = worker
        self._clock = clock or AwakeClock()
        self._outages = OutageLog(worker.owner)
        self._cancelled = False
        self._device_free = threading.Event()
        self._share = 0.0
        self._reported_eta: tuple[float, float] | None = None
        self._began = self._moved = self._clock()
        self._stopped, self._ended = threading.Event(), threading.Event()
        self._beats = threading.Thread(target=_repeat, args=(self.beat, self._stopped), name="heartbeat")
        self._signs = threading.Thread(target=_repeat, args=(self.give_sign, self._ended), name="life-signs")

    def __enter__(self) -> Heartbeat:
        self._beats.start()
        self._signs.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._ended.set()
        self._signs.join()

    def stop(self) -> None:
        """No more beats: the job is about to change its state."""
        self._stopped.set()
        self._beats.join()

    def progress(self, share: float, eta_s: float | None = None) -> None:
        """Report the share that is done, 0-1; it never goes back: encoding counts the frames a second time."""
        self._moved = self._clock()
        if share >= self._share:
            self._share = share
            self._reported_eta = None if eta_s is None else (self._moved, eta_s)

    def release_device(self) -> None:
        """The clip is made: the next render may have the device while this one is finished."""
        self._device_free.set()

    def wait_device_free(self, timeout_s: float) -> bool:
        """Whether the device is free; waits for it at most this long, seconds."""
        return self._device_free.wait(timeout_s)

    def stopped(self) -> bool:
        """Whether to stop: the user cancelled, the daemon ends, or the job was given to another worker."""
        return self._cancelled or self._worker.stopping.is_set()

    def retry_through_outage(self, step: Callable[[], T]) -> T:
        """Repeat a step while the state file cannot be used; that wait does not count as a stall.

        See :func:`afterframe.render.state_outage.retry_through_outage`.
        """

        def move_on() -> T:
            self._moved = self._clock()
            return step()

        return retry_through_outage(move_on, self._worker.stopping, self._outages)

    def beat(self) -> None:
        """Extend the lease, and report progress and the time left; a stalled render loses its lease instead.

        An error of the state file never ends the heartbeat: the next beat tries again.
        """
        stalls = self._stalls()
        try:
            if stalls:
                # strike() reads from the lapsed lease which job stalled.
                self._queue.expire_lease(self._job.id, self._worker.owner)
            elif self._queue.heartbeat(self._job.id, self._worker.owner, self._share, self._eta_s()):
                self._cancelled = True
            self._outages.over()
        except LeaseLost:
            self._cancelled = True
        except (sqlite3.Error, OSError) as error:
            self._outages.note(error)
        if stalls:
            self._worker.sign(STALLED)  # the supervisor ends this process

    def give_sign(self) -> None:
        """Tell the supervisor that this render makes progress; nothing while it does not."""
        if not self._stalls():
            self._worker.sign(ALIVE)

    def _stalls(self) -> bool:
        return self._clock() - self._moved > self._worker.stall_s

    def _eta_s(self) -> float | None:
        """Time left as the generator reported it, else at the pace so far; None until there is a pace to speak of."""
        if self._reported_eta:
            reported_at, eta_s = self._reported_eta
            return max(0.0, eta_s - (self._clock() - reported_at))
        elapsed = self._clock() - self._began
        return elapsed / self._share * (1 - self._share) if self._share > 0.03 and elapsed > 1 else None


def _repeat(step: Callable[[], None], until: threading.Event) -> None:
    while not until.wait(BEAT_S):
        step()
