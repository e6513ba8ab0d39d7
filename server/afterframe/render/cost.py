"""What a clip costs: seconds, peak memory and, where the driver tells, energy."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from afterframe.system.gpus import energy_j

GIB = 1 << 30
_CLEAR_REFS, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class Peak:
    """The most memory that was in use."""

    on_gpu: bool
    gib: float


class MemoryPeak:
    """The peak of this process's memory: the GPU's, as torch allocates it, if it was used; else the resident set's.

    The latter begins anew on Linux (proc_pid_clear_refs(5), 5); elsewhere it counts since the process began.
    """

    def restart(self) -> None:
        """Count from now on."""
        if cuda := _cuda():
            cuda.reset_peak_memory_stats()
        with contextlib.suppress(OSError):
            _CLEAR_REFS.write_text("5")

    def read(self) -> Peak | None:
        """The peak since; None: the system does not tell."""
        cuda = _cuda()
        if cuda and cuda.max_memory_allocated():
            return Peak(on_gpu=True, gib=cuda.max_memory_allocated() / GIB)
        resident = _resident_peak()
        return Peak(on_gpu=False, gib=resident / GIB) if resident else None


class CostMeter:
    """Measures one clip.

    Args:
        clock: seconds.
        memory: counts its peak.
        energy: what the GPU has taken so far, joules; None: its driver does not tell.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        memory: MemoryPeak | None = None,
        energy: Callable[[], float | None] = energy_j,
    ) -> None:
        self._clock, self._memory, self._energy = clock, memory or MemoryPeak(), energy
        self._memory.restart()
        self._began, self._before = clock(), energy()
        self._peak: Peak | None = None
        self._taken: float | None = None
        self._made = False

    def frames_made(self) -> None:
        """The generator has done its work: another clip may begin on the device."""
        if self._made:
            return
        self._made, self._peak = True, self._memory.read()
        after = self._energy() if self._before is not None else None
        if after is not None and self._before is not None:
            self._taken = after - self._before

    def read(self, *, here: bool) -> Mapping[str, float]:
        """Its cost: ``seconds``, ``gpu_memory_gb`` or ``memory_gb`` (GiB), ``energy_wh``.

        Args:
            here: this machine did the work. Otherwise only the time is known.
        """
        self.frames_made()
        cost = {"seconds": round(self._clock() - self._began, 2)}
        if not here or self._peak is None:
            return cost
        cost["gpu_memory_gb" if self._peak.on_gpu else "memory_gb"] = round(self._peak.gib, 2)
        if self._peak.on_gpu and self._taken is not None:
            cost["energy_wh"] = round(self._taken / 3600, 2)
        return cost


def _cuda() -> Any:
    """torch.cuda, if this process has loaded and used it; never loads it."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None


def _resident_peak() -> int:
    """Bytes; 0: the system does not tell."""
    with contextlib.suppress(OSError):
        for line in _STATUS.read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    with contextlib.suppress(ImportError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS, getrusage(2)
    return int(getattr(psutil.Process().memory_info(), "peak_wset", 0))
