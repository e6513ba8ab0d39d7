"""Keeps the worker processes alive, notices when one dies or hangs, and ends them in order."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from afterframe.naming import temporary_for
from afterframe.publish.files import discard
from afterframe.publish.publisher import Publisher
from afterframe.render.slots import WorkerGroup, WorkerSpec
from afterframe.state.queue import Queue
from afterframe.system.gpus import VISIBLE
from afterframe.system.signals import interrupts_held_back

TICK_S = 0.25
TIDY_S = 5.0
STOP_S = 10.0
"""How long a worker may take to end by itself, seconds."""
BACK_OFF_S = (0.0, 0.5, 2.0, 10.0)
"""Wait before a worker that keeps dying is started again, seconds."""
STEADY_S = 60.0
"""A worker that lived this long is taken for healthy again, seconds."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class WorkerSlot:
    """What runs in a slot, and what has happened there."""

    owner: str
    spec: WorkerSpec
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    deaths: int = 0


def start_worker(owner: str, spec: WorkerSpec) -> subprocess.Popen[bytes]:
    """Start a worker process in our own process group; it ends when its standard input closes."""
    with interrupts_held_back():
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "afterframe.render.worker", owner),
                *("reserved" if spec.reserved else "any", spec.lane, *spec.devices),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,  # ours is for our own answers; Ray's client prints the cluster's messages there
            env={**os.environ, VISIBLE: spec.devices[0]} if spec.devices else None,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )


class Supervisor:
    """One worker process per slot.

    Args:
        publisher: rolls forward what dead workers had begun to publish.
        tidy: called now and then, to take over what other processes left when they died.
        start: starts a worker process under an owner id.
        clock: seconds, steady.
    """

    def __init__(
        self,
        queue: Queue,
        publisher: Publisher,
        workers: WorkerGroup,
        *,
        tidy: Callable[[], None] = lambda: None,
        start: Callable[[str, WorkerSpec], subprocess.Popen[bytes]] = start_worker,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._publisher = publisher
        self._slots = [WorkerSlot(f"{workers.owner}/{index}", spec) for index, spec in enumerate(workers.specs)]
        self._tidy = tidy
        self._start = start
        self._clock = clock
        self._tidied_at = clock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor")

    def start(self) -> None:
        """Start the workers, and a thread that looks after them."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the workers to stop, wait, and end those that do not."""
        self._ending.set()
        self._thread.join()
        for slot in self._slots:
            self._tell(slot)
        for slot in self._slots:
            self._end(slot)
        ours = {slot.owner for slot in self._slots}
        self._publisher.roll_forward(lambda owner: owner in ours)

    def _run(self) -> None:
        while not self._ending.is_set():
            self.tend()
            self._ending.wait(TICK_S)

    def tend(self) -> None:
        """One round: take over what others left, and see to every worker. Nothing is raised."""
        if self._clock() - self._tidied_at > TIDY_S:
            self._tidied_at = self._clock()
            self._attempt(self._tidy, "looking for work that was left behind")
        for slot in self._slots:
            self._attempt(partial(self._tend, slot), slot.owner)

    @staticmethod
    def _attempt(step: Callable[[], None], what: str) -> None:
        """A full disk or a locked state file must not end the watch over the other workers."""
        try:
            step()
        except Exception:
            log.exception("%s", what)

    def _tend(self, slot: WorkerSlot) -> None:
        """Start the worker if there is none, and draw the consequences when it died or hangs."""
        now = self._clock()
        if slot.process is None:
            if now >= slot.start_at and (not slot.spec.at_need or self._queue.has_queued(slot.spec.lane)):
                slot.process = self._start(slot.owner, slot.spec)
                slot.started_at = now
        elif slot.process.poll() is not None:
            self._bury(slot, f"the worker died (exit status {slot.process.returncode})", now)
        elif self._queue.stalled(slot.owner):
            slot.process.kill()
            slot.process.wait()
            self._bury(slot, "the render made no progress any more and was ended", now)

    def _bury(self, slot: WorkerSlot, reason: str, now: float) -> None:
        in_order = slot.process is not None and slot.process.returncode == 0  # for fresh memory: nothing is wrong
        log.log(logging.INFO if in_order else logging.WARNING, "%s: %s", slot.owner, reason)
        slot.deaths = 0 if in_order or now - slot.started_at > STEADY_S else slot.deaths + 1
        slot.start_at = now + BACK_OFF_S[min(slot.deaths, len(BACK_OFF_S) - 1)]
        self._close(slot)
        self._publisher.roll_forward(lambda owner: owner == slot.owner)
        for job in self._queue.strike(slot.owner, reason):
            if job.state.ended:
                discard(temporary_for(Path(job.photo_path).parent, job.id))

    def _tell(self, slot: WorkerSlot) -> None:
        if slot.process is not None and slot.process.stdin is not None:
            with contextlib.suppress(OSError):
                slot.process.stdin.write(b"stop\n")
                slot.process.stdin.flush()

    def _end(self, slot: WorkerSlot) -> None:
        if slot.process is None:
            return
        try:
            slot.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            slot.process.kill()
            slot.process.wait()
        self._close(slot)
        self._queue.release(slot.owner)

    def _close(self, slot: WorkerSlot) -> None:
        if slot.process is not None:
            stdin: IO[bytes] | None = slot.process.stdin
            if stdin is not None:
                with contextlib.suppress(OSError):
                    stdin.close()
            slot.process = None
