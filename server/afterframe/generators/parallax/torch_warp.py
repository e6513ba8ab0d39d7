"""The warp on a GPU, by torch; used only if it is measured to be faster than the CPU.

torch is imported here and nowhere else in parallax, and only once a GPU has been found.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from afterframe.generators.parallax.warp import SPACING, Field, SecondSampling
from afterframe.generators.parallax.yuv import Planes
from afterframe.imaging.frames import Pixels


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
