"""The device that runs the model, and how much of its memory is free."""

from __future__ import annotations

import functools
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass

import psutil

from afterframe.errors import GenerateError
from afterframe.system import gpus as driver

SHARE = 0.75
"""Share of the memory common to CPU and GPU of an Apple computer that a model can use."""


@dataclass(frozen=True, slots=True)
class TorchDevice:
    """A GPU or CPU as torch names it."""

    kind: str
    """cuda (NVIDIA, AMD), mps (Apple) or cpu."""
    name: str
    free_gb: float
    """Memory that a model can use now, GiB."""
    total_gb: float
    capability: tuple[int, int] = (0, 0)
    """NVIDIA's compute capability; (9, 0) is Hopper."""

    @property
    def accelerated(self) -> bool:
        """Whether it is a GPU."""
        return self.kind != "cpu"


def likely() -> bool:
    """Whether this machine has a GPU that torch could use; does not load torch."""
    return importlib.util.find_spec("torch") is not None and present()


@functools.cache
def present() -> bool:
    """Whether this machine has a GPU with a driver."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    smi = shutil.which("nvidia-smi")
    if smi is None:
        return shutil.which("rocm-smi") is not None
    try:
        return subprocess.run([smi, "-L"], capture_output=True, check=False, timeout=10).stdout.startswith(b"GPU")
    except (OSError, subprocess.TimeoutExpired):
        return False


def find() -> TorchDevice:
    """The best device that works.

    Raises:
        GenerateError: there is a GPU, but its driver does not work with this torch.
    """
    import torch

    gib = float(1 << 30)
    try:
        if torch.cuda.is_available():
            free, total = torch.cuda.mem_get_info()
            return TorchDevice(
                "cuda", torch.cuda.get_device_name(), free / gib, total / gib, torch.cuda.get_device_capability()
            )
    except RuntimeError as error:
        raise driver_error(str(error)) from error
    memory = psutil.virtual_memory()
    if torch.backends.mps.is_available():
        return TorchDevice("mps", platform.processor() or "Apple", memory.available * SHARE / gib, memory.total / gib)
    return TorchDevice("cpu", platform.processor() or platform.machine(), memory.available / gib, memory.total / gib)


def reported() -> TorchDevice | None:
    """The GPU with the most memory as its driver reports it, without torch; None: there is none.

    Memory that this process's children hold counts as free. 0 GB: the driver's tool does not say (AMD).
    """
    if not present():
        return None
    if sys.platform == "darwin":
        memory = psutil.virtual_memory()
        free, total = (size * SHARE / (1 << 30) for size in (memory.available, memory.total))
        return TorchDevice("mps", platform.processor() or "Apple", free, total)
    largest = max(driver.find_gpus(), key=lambda device: device.total_mb, default=None)
    if largest is None:
        return TorchDevice("cuda", "AMD", 0, 0)
    free_mb = driver.free_mb({child.pid for child in psutil.Process().children(recursive=True)})
    return TorchDevice("cuda", largest.name, free_mb.get(largest.uuid, largest.free_mb) / 1024, largest.total_mb / 1024)


def driver_error(reason: str) -> GenerateError:
    """The error for a GPU whose driver does not work."""
    return GenerateError(
        f"The GPU cannot be used: {reason.strip().splitlines()[0]}",
        "Update its driver, or install the torch made for it (https://pytorch.org/get-started), then press Retry.",
        code="gpu_driver",
    )
