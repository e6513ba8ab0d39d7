"""The GPUs of this machine as NVIDIA's own tool lists them, without loading torch.

``nvidia-smi`` comes with every driver. Without it there is nothing to choose from: a machine with an Apple or AMD GPU,
or with none, has one place to render.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

TOOL = "nvidia-smi"
NVIDIA_SMI_TIMEOUT_S = 10.0
"""A driver that takes longer to answer is stuck, seconds."""
VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU."""

    uuid: str
    """As CUDA_VISIBLE_DEVICES takes it. CUDA numbers GPUs by speed, nvidia-smi by bus."""
    index: int
    total_mb: int
    free_mb: int
    name: str = ""


def nvidia_smi(*query: str) -> str:
    """What nvidia-smi answers: lines of comma-separated values; empty if it is missing, stuck or fails."""
    try:
        done = subprocess.run(
            [TOOL, *query, "--format=csv,noheader,nounits"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=NVIDIA_SMI_TIMEOUT_S,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def find_gpus(query: Callable[..., str] = nvidia_smi) -> list[Gpu]:
    """The GPUs that may be used, in nvidia-smi's order: all, or those that CUDA_VISIBLE_DEVICES names."""
    named = os.environ.get(VISIBLE)
    if named is None:
        return _all(query)
    names = [name.strip() for name in named.split(",") if name.strip()]
    return [device for device in _all(query) if _is_named(device, names)]


def _all(query: Callable[..., str]) -> list[Gpu]:
    found = []
    for line in query("--query-gpu=uuid,index,memory.total,memory.free,name").splitlines():
        values = [value.strip() for value in line.split(",")]
        if len(values) >= 4 and all(value.isdecimal() for value in values[1:4]):
            index, total, free = map(int, values[1:4])
            found.append(Gpu(values[0], index, total, free, " ".join(values[4:])))
    return found


def _is_named(device: Gpu, names: list[str]) -> bool:
    return any(device.uuid.startswith(name) or name == str(device.index) for name in names)


def free_mb(ours: Collection[int], query: Callable[..., str] = nvidia_smi) -> dict[str, int]:
    """Free memory of every GPU in MiB, by UUID; memory held by the processes ``ours`` counts as free."""
    free = {device.uuid: device.free_mb for device in _all(query)}
    for line in query("--query-compute-apps=gpu_uuid,pid,used_memory").splitlines():
        uuid, pid, used = ([value.strip() for value in line.split(",")] + ["", ""])[:3]
        if uuid in free and pid.isdecimal() and used.isdecimal() and int(pid) in ours:
            free[uuid] += int(used)
    return free


def energy_j(library: Any = None) -> float | None:
    """What the GPU of this process has taken since its driver was loaded, joules; None: nobody tells.

    By NVML, if its Python package is installed (nvidia-ml-py); cards before Volta do not count
    (nvmlDeviceGetTotalEnergyConsumption, NVML API reference).

    Args:
        library: pynvml, or one like it; None: the installed one.
    """
    if library is None:
        if importlib.util.find_spec("pynvml") is None:
            return None
        import pynvml as library  # type: ignore[import-not-found,no-redef,unused-ignore]
    names = [name.strip() for name in os.environ.get(VISIBLE, "").split(",") if name.strip()]
    try:
        library.nvmlInit()
        try:
            gpu = _nvml_gpu(library, names)
            return float(library.nvmlDeviceGetTotalEnergyConsumption(gpu)) / 1000 if gpu is not None else None
        finally:
            library.nvmlShutdown()
    except library.NVMLError:
        return None


def _nvml_gpu(library: Any, names: list[str]) -> Any:
    """The one GPU that this process uses; None: which one it is cannot be told."""
    if len(names) == 1 and names[0].isdecimal():
        return library.nvmlDeviceGetHandleByIndex(int(names[0]))
    if len(names) == 1:
        return library.nvmlDeviceGetHandleByUUID(names[0])
    alone = not names and library.nvmlDeviceGetCount() == 1
    return library.nvmlDeviceGetHandleByIndex(0) if alone else None
