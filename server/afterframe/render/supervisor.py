"""Keeps the worker processes alive, notices when one dies or hangs, and ends them in order."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from afterframe.naming import temporary_for
from afterframe.publish.placement import discard
from afterframe.publish.publisher import Publisher
from afterframe.publish.reservation import give_up_reservation
from afterframe.render.slots import WorkerGroup, WorkerSpec
from afterframe.render.state_outage import OutageLog, is_outage
from afterframe.render.worker_handle import WorkerProcess, start_worker
from afterframe.state.queue import LEASE_S, Queue
from afterframe.system.awake_clock import AwakeClock

TICK_S = 0.25
TIDY_S = 5.0
STOP_S = 2.5
"""How long a worker may take to end by itself, seconds: everything has ended five seconds after a polite kill."""
BACK_OFF_S = (0.0, 0.5, 2.0, 10.0)
"""Wait before a worker that keeps dying is started again, seconds."""
STEADY_S = 60.0
"""A worker that lived this long is taken for healthy again, seconds."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerEnd:
    """How a worker ended."""

    reason: str
    hung: bool
    """It was killed because it made no progress. False: it ended by itself."""


@dataclass(slots=True)
class WorkerSlot:
    """What runs in a slot, and what has happened there."""

    owner: str
    spec: WorkerSpec
    process: WorkerProcess | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    deaths: int = 0
    rested: bool = False
    """Its last process left in order: another one is needed only when there is something to do."""
    ended: WorkerEnd | None = None
    """How the last process ended, until its jobs are given back."""
    outages: OutageLog = field(init=False)

    def __post_init__(self) -> None:
        self.outages = OutageLog(self.owner)


class Supervisor:
    """One worker process per slot.

    Args:
        publisher: rolls forward what dead workers had begun to publish.
        tidy: called now and then, to take over what dead processes left behind.
        start: starts a worker process under an owner id; it keeps the time by the clock that it is given.
        clock: seconds, steady; while this process is awake: one that slept waits before it judges others.
    """

    def __init__(
        self,
        queue: Queue,
        publisher: Publisher,
        workers: WorkerGroup,
        *,
        tidy: Callable[[], None] = lambda: None,
        start: Callable[[str, WorkerSpec, Callable[[], float]], WorkerProcess] = start_worker,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._queue = queue
        self._publisher = publisher
        self._slots = [WorkerSlot(f"{workers.owner}/{index}", spec) for index, spec in enumerate(workers.specs)]
        self._tidy = tidy
        self._start = start
        self._clock = clock or AwakeClock()
        self._outages = OutageLog(workers.owner)
        self._tidied_at = self._clock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor")

    def start(self) -> None:
        """Start the workers, and a thread that looks after them."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the workers to stop, wait, and end those that do not."""
        self._ending.set()
        self._thread.join()
        processes = [slot.process for slot in self._slots if slot.process is not None]
        for process in processes:
            process.stop()
        for process in processes:
            process.end(STOP_S)
        for slot in self._slots:
            self._attempt(partial(self._queue.release, slot.owner), slot.outages)
        ours = {slot.owner for slot in self._slots}
        self._attempt(partial(self._publisher.roll_forward, ours.__contains__), self._outages)

    def _run(self) -> None:
        while not self._ending.is_set():
            self.tend()
            self._ending.wait(TICK_S)

    def tend(self) -> None:
        """One round: take over what others left behind, and check every worker. Nothing is raised."""
        if self._clock() - self._tidied_at > TIDY_S:
            self._tidied_at = self._clock()
            self._attempt(self._tidy, self._outages)
        for slot in self._slots:
            self._attempt(partial(self._tend, slot), slot.outages)

    @staticmethod
    def _attempt(step: Callable[[], None], outages: OutageLog) -> None:
        """A full disk or a locked state file must not end the watch over the other workers."""
        try:
            step()
        except Exception as error:
            if is_outage(error):
                outages.note(error)
            else:
                log.exception("%s", outages.who)
        else:
            outages.over()

    def _tend(self, slot: WorkerSlot) -> None:
        """Start the worker if there is none, and act when it died or hangs."""
        if slot.process is not None:
            self._watch(slot, slot.process)
        if slot.ended is not None:
            self._give_back(slot, slot.ended)
        elif slot.process is None and self._clock() >= slot.start_at and self._is_needed(slot):
            slot.process = self._start(slot.owner, slot.spec, self._clock)
            slot.started_at = self._clock()

    def _is_needed(self, slot: WorkerSlot) -> bool:
        at_need = slot.spec.at_need or (slot.rested and not slot.spec.reserved)
        return not at_need or self._queue.has_queued(slot.spec.lane)

    def _watch(self, slot: WorkerSlot, process: WorkerProcess) -> None:
        status = process.poll()
        if status is not None:
            self._bury(slot, WorkerEnd(f"the worker died (exit status {status})", hung=False), in_order=status == 0)
        elif process.stalled or self._is_silent(slot.owner, process):
            self._bury(slot, WorkerEnd("the render made no progress any more and was ended", hung=True))

    def _is_silent(self, owner: str, process: WorkerProcess) -> bool:
        """Whether it holds a lapsed lease and has given no sign of life for as long as a lease lasts.

        The lease alone proves nothing: none can be extended while the state file cannot be written.
        """
        return self._clock() - process.heard_at > LEASE_S and self._queue.stalled(owner)

    def _bury(self, slot: WorkerSlot, ended: WorkerEnd, *, in_order: bool = False) -> None:
        """Note a worker's end. ``in_order``: it left so that a process with fresh memory goes on; nothing is wrong."""
        now = self._clock()
        log.log(logging.INFO if in_order else logging.WARNING, "%s: %s", slot.owner, ended.reason)
        slot.deaths = 0 if in_order or now - slot.started_at > STEADY_S else slot.deaths + 1
        slot.start_at = now + BACK_OFF_S[min(slot.deaths, len(BACK_OFF_S) - 1)]
        slot.rested = in_order
        if slot.process is not None:
            slot.process.end()
        slot.process, slot.ended = None, ended

    def _give_back(self, slot: WorkerSlot, ended: WorkerEnd) -> None:
        """Finish or give back what an ended worker held; tried again with the next round where that fails."""
        self._publisher.roll_forward(lambda owner: owner == slot.owner)
        jobs = self._queue.strike(slot.owner, ended.reason, hung=ended.hung)
        slot.ended = None
        for job in jobs:
            if job.state.ended:
                discard(temporary_for(Path(job.photo_path).parent, job.id))
                give_up_reservation(job)
