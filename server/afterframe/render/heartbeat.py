"""The heartbeat of a render: keeps its lease, reports how far it is, and learns when to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from afterframe.domain import Job
from afterframe.state.queue import LeaseLost, Queue

BEAT_S = 0.5
"""How often progress is reported and a request to stop is noticed, seconds."""


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What all parts of one worker share."""

    owner: str
    """The id under which it holds leases: the process's owner id, a slash, the slot."""
    stopping: threading.Event
    """Set when the worker is to end."""
    stall_s: float
    """A render without any progress for this long is ended, seconds."""


class Heartbeat:
    """Keeps a job's lease while it makes progress.

    A context manager: it beats in a thread of its own until the end of the block.

    Args:
        clock: seconds, steady.
    """

    def __init__(
        self, queue: Queue, job: Job, worker: WorkerContext, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._queue = queue
        self._job = job
        self._worker = worker
        self._clock = clock
        self._ended = threading.Event()
        self._cancelled = False
        self._device_free = threading.Event()
        self._share = 0.0
        self._reported_eta: tuple[float, float] | None = None
        self._began = self._moved = clock()
        self._thread = threading.Thread(target=self._run, name="heartbeat")

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """No more beats: the job is about to change its state."""
        self._ended.set()
        self._thread.join()

    def progress(self, share: float, eta_s: float | None = None) -> None:
        """Report the share that is done, 0-1; it never goes back: encoding counts the frames a second time."""
        self._moved = self._clock()
        if share >= self._share:
            self._share = share
            self._reported_eta = None if eta_s is None else (self._moved, eta_s)

    def hand_over(self) -> None:
        """The clip is made: the next render may have the device while this one is finished."""
        self._device_free.set()

    def handed_over(self, timeout_s: float) -> bool:
        """Whether the device is free; waits for it at most this long, seconds."""
        return self._device_free.wait(timeout_s)

    def stopped(self) -> bool:
        """Whether to stop: the user cancelled, the daemon ends, or the job was given to another worker."""
        return self._cancelled or self._worker.stopping.is_set()

    def _run(self) -> None:
        while not self._ended.wait(BEAT_S):
            if self._clock() - self._moved > self._worker.stall_s:
                self._queue.expire_lease(self._job.id, self._worker.owner)  # the supervisor ends this process
                return
            self.beat()

    def beat(self) -> None:
        """Extend the lease, and report progress and the time left."""
        try:
            cancelled = self._queue.heartbeat(self._job.id, self._worker.owner, self._share, self._eta_s())
        except LeaseLost:
            cancelled = True
        self._cancelled = self._cancelled or cancelled

    def _eta_s(self) -> float | None:
        """Time left as the generator reported it, else at the pace so far; None until there is a pace to speak of."""
        if self._reported_eta:
            reported_at, eta_s = self._reported_eta
            return max(0.0, eta_s - (self._clock() - reported_at))
        elapsed = self._clock() - self._began
        return elapsed / self._share * (1 - self._share) if self._share > 0.03 and elapsed > 1 else None
