"""Slots: where renders are made, and how many at a time.

A slot holds one worker process. This machine has one slot for each GPU. A server or a cluster elsewhere has as many
as the settings say; their processes only wait for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import psutil

from afterframe.config import Config
from afterframe.state.queue import ELSEWHERE, LOCAL
from afterframe.system.gpus import find_gpus, free_mb

POLL_INTERVAL_S = 5.0
"""How often an idle worker reads the free memory of the GPUs, seconds."""
STAGGER_S = 0.3
"""The head start of a GPU with more free memory, seconds; longer than an idle worker's pause."""


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """What one slot works for."""

    lane: str = LOCAL
    """The jobs it takes, see :meth:`afterframe.state.queue.Queue.claim`."""
    devices: tuple[str, ...] = ()
    """The UUIDs of all GPUs of this machine, its own first; empty: it works on whatever it finds."""
    reserved: bool = False
    """It takes only jobs reserved for its own process (``afterframe animate``)."""

    @property
    def at_need(self) -> bool:
        """Its process is started when the first such job is queued: most machines never have one."""
        return self.lane in ELSEWHERE


@dataclass(frozen=True, slots=True)
class WorkerGroup:
    """The workers that one daemon, or one `afterframe animate`, starts."""

    owner: str
    """Its owner id; a worker's own is this, a slash, and the number of its slot."""
    specs: Sequence[WorkerSpec] = (WorkerSpec(),)
    """One for each slot."""


def worker_specs(config: Config, *, reserved: bool = False) -> list[WorkerSpec]:
    """Every slot of this machine. Each lane has at least one, so that no job waits without a reason.

    Args:
        reserved: they take only jobs reserved for their own process (``afterframe animate``).
    """
    uuids = tuple(device.uuid for device in find_gpus())
    if len(uuids) < 2:
        uuids = ()
    turned = [uuids[index:] + uuids[:index] for index in range(len(uuids))] or [()]
    local = config.render.slots or len(turned)
    remote = sum(endpoint.slots for endpoint in config.remote.endpoints)
    return [
        *(WorkerSpec(LOCAL, turned[index % len(turned)], reserved=reserved) for index in range(local)),
        *(WorkerSpec("remote", reserved=reserved) for _ in range(max(1, remote))),
        *(WorkerSpec("ray", reserved=reserved) for _ in range(config.cluster.slots)),
    ]


class GpuStagger:
    """Spreads jobs over several GPUs by free memory: a worker whose GPU has less lets the others go first.

    No worker knows which others are idle. Each waits a moment for every GPU that has more free memory than
    its own, and takes the job if none of them did.

    Args:
        devices: as :class:`WorkerSpec` has them.
        free: free memory of every GPU, MiB, by its UUID.
    """

    def __init__(
        self,
        devices: tuple[str, ...],
        free: Callable[[], Mapping[str, int]] = lambda: free_mb(_siblings()),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._devices = devices
        self._free = free
        self._clock = clock
        self._looked_at = -POLL_INTERVAL_S
        self._ahead = 0

    def wait_s(self) -> float:
        """How long to leave a job to others, seconds."""
        if len(self._devices) < 2:
            return 0.0
        if self._clock() - self._looked_at >= POLL_INTERVAL_S:
            self._looked_at = self._clock()
            # Whole GiB: a driver's few MiB here and there are no reason to wait.
            free = {uuid: mb >> 10 for uuid, mb in self._free().items()}
            own = free.get(self._devices[0], 0)
            self._ahead = sum(free.get(other, 0) > own for other in self._devices[1:])
        return self._ahead * STAGGER_S


def _siblings() -> Collection[int]:
    """The process ids of all workers of our daemon: the memory that they hold serves the next job."""
    parent = psutil.Process().parent()
    try:
        return {child.pid for child in parent.children()} if parent else set()
    except psutil.Error:
        return set()
