"""The warp on a GPU, by torch; used only if it is measured to be faster than the CPU.

torch is imported here and nowhere else in parallax, and only once a GPU has been found.
"""

from __future__ import annotations

import functools
import importlib.util
import shutil
import time
from typing import Any, Protocol

import numpy as np

from afterframe.generators.parallax.warp import SPACING, Field, OpenCvWarper, SecondSampling, nodes
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


class TorchWarper:
    """As :class:`OpenCvWarper`, on a torch device."""

    def __init__(self, source: Planes, size: tuple[int, int], device: str) -> None:
        import torch

        self._torch, self._device = torch, device
        self._width, self._height = size
        self._planes = [self._there(plane) for plane in (source.luma2x, source.cb, source.cr)]

    def frame(self, places: Field, gain: Field | None = None, copy: SecondSampling | None = None) -> Pixels:
        """The I420 frame, uint8 (height * 3 // 2, width), an array of its own."""
        half = self._width // 2, self._height // 2
        frame = np.empty((self._height * 3 // 2, self._width), np.uint8)
        luma, cb, cr = self._seen(places)
        if copy is not None:
            both = zip((luma, cb, cr), self._seen(copy.places), strict=True)
            luma, cb, cr = (one + (other - one) * copy.share for one, other in both)
        if gain is not None:
            wide = self._dense(np.repeat(gain[..., None], 2, axis=2), SPACING, (self._width, 1))
            luma = luma * wide[:, :1]
        frame[: self._height] = self._levels(luma)
        chroma = frame[self._height :].reshape(2, half[1], half[0])
        chroma[0], chroma[1] = self._levels(cb), self._levels(cr)
        return frame

    def _seen(self, places: Field) -> tuple[Any, Any, Any]:
        """Luma and both chroma planes at ``places``."""
        half = self._width // 2, self._height // 2
        there = (places - np.float32(0.5)) * np.float32(0.5)
        luma = self._sampled(0, places * np.float32(2), SPACING, (self._width, self._height))
        return luma, self._sampled(1, there, SPACING // 2, half), self._sampled(2, there, SPACING // 2, half)

    def _there(self, values: Pixels | Field) -> Any:
        return self._torch.from_numpy(values.astype(np.float32)).to(self._device)[None, None]

    def _dense(self, places: Field, spacing: int, size: tuple[int, int]) -> Any:
        """The nodes' places at every pixel, (1, 2, height, width)."""
        rows, columns = places.shape[:2]
        coarse = self._torch.from_numpy(places).to(self._device).permute(2, 0, 1)[None]
        high = 1 if rows == 1 else rows * spacing
        dense = self._torch.nn.functional.interpolate(
            coarse, (high, columns * spacing), mode="bilinear", align_corners=False
        )
        top = 0 if rows == 1 else spacing
        return dense[:, :, top : top + size[1], spacing : spacing + size[0]]

    def _sampled(self, plane: int, places: Field, spacing: int, size: tuple[int, int]) -> Any:
        source = self._planes[plane]
        height, width = source.shape[2:]
        dense = self._dense(places, spacing, size).permute(0, 2, 3, 1)
        scale = self._torch.tensor([2.0 / max(1, width - 1), 2.0 / max(1, height - 1)], device=self._device)
        return self._torch.nn.functional.grid_sample(
            source, dense * scale - 1.0, mode="bilinear", padding_mode="reflection", align_corners=True
        )

    def _levels(self, plane: Any) -> Pixels:
        rounded = plane[0, 0].round().clamp(0, 255).to(self._torch.uint8)
        return np.asarray(rounded.cpu().numpy())


def warper(source: Planes, size: tuple[int, int]) -> Warper:
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
