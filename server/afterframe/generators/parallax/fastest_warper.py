"""The fastest warper on this machine: OpenCV, compiled loops, or torch on a GPU."""

from __future__ import annotations

import functools
import importlib.util
import shutil
import time
from typing import Protocol

import numpy as np

from afterframe.generators.parallax.torch_warp import TorchWarper
from afterframe.generators.parallax.warp import Field, OpenCvWarper, SecondSampling, nodes
from afterframe.generators.parallax.yuv import Planes
from afterframe.imaging.frames import Pixels

_TRIAL_FRAMES = 6
_WORTH_LOADING = 640 * 480
"""Pixels per frame: smaller frames gain less than the half second that numba takes to load."""


class Warper(Protocol):
    """What every warper offers."""

    def frame(self, places: Field, gain: Field | None = None, copy: SecondSampling | None = None) -> Pixels:
        """The I420 frame that shows ``places``; as :meth:`OpenCvWarper.frame`."""
        ...


def fastest_warper(source: Planes, size: tuple[int, int]) -> Warper:
    """The fastest warper for clips of ``size`` (width, height) on this machine."""
    on_cpu = _on_cpu(source, size)
    if not _gpu_present():
        return on_cpu
    on_gpu = _on_gpu(source, size)
    if on_gpu is None or _trial(on_gpu, size) > 0.8 * _trial(on_cpu, size):
        return on_cpu
    return on_gpu


def _on_cpu(source: Planes, size: tuple[int, int]) -> OpenCvWarper:
    """By compiled loops; by OpenCV for small frames, or where numba is not available (Macs with an Intel CPU)."""
    if size[0] * size[1] < _WORTH_LOADING:
        return OpenCvWarper(source, size)
    try:
        from afterframe.generators.parallax.numba_warp import CompiledWarper
    except ImportError:
        return OpenCvWarper(source, size)
    return CompiledWarper(source, size)


@functools.cache
def _gpu_present() -> bool:
    """Cheap: torch is not imported on machines without an NVIDIA driver."""
    return shutil.which("nvidia-smi") is not None and importlib.util.find_spec("torch") is not None


def _on_gpu(source: Planes, size: tuple[int, int]) -> TorchWarper | None:
    import torch

    if not torch.cuda.is_available():
        return None
    try:
        return TorchWarper(source, size, "cuda")
    except RuntimeError:  # out of the GPU's memory: the CPU does it
        return None


def _trial(candidate: Warper, size: tuple[int, int]) -> float:
    """Seconds for a few frames, not counting the first."""
    places = nodes(size)
    candidate.frame(places)
    began = time.perf_counter()
    for number in range(_TRIAL_FRAMES):
        candidate.frame(places + np.float32(0.3 * number))
    return time.perf_counter() - began
