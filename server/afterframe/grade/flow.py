"""Optical flow between two frames: where the pixels of one are in the other (OpenCV's DIS, Kroeger et al. 2016)."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from afterframe.imaging.frames import Pixels

Flow = npt.NDArray[np.float32]
"""(height, width, 2): x and y to where the pixel is in the other picture, pixels of the small picture."""
SIDE = 256
"""Long side of the pictures between which flow is estimated, pixels."""
LEAST_SIDE = 24
"""DIS reads out of bounds on smaller pictures, pixels: nothing moves there."""
_LOST = 1.5
"""A pixel that does not come back to within this of where it was is not the same one, pixels."""


def small_grey(frame: Pixels) -> Pixels:
    """uint8 (height, width) of a frame in sRGB, long side at most :data:`SIDE`."""
    height, width = frame.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    grey = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def moved(one: Pixels, other: Pixels) -> Flow:
    """The flow from one small grey picture to another of its size."""
    if min(one.shape) < LEAST_SIDE:
        return np.zeros((*one.shape, 2), np.float32)
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return np.asarray(dis.calc(one, other, None), np.float32)  # type: ignore[call-overload]


def enlarged(flow: Flow, size: tuple[int, int]) -> Flow:
    """A flow for a picture of (width, height) pixels."""
    factor = np.array([size[0] / flow.shape[1], size[1] / flow.shape[0]], np.float32)
    return np.asarray(cv2.resize(flow, size, interpolation=cv2.INTER_LINEAR) * factor, np.float32)


def warped(picture: npt.NDArray[Any], flow: Flow) -> npt.NDArray[Any]:
    """A picture's pixels brought to where the flow began; of the flow's size."""
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(picture, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def found_again(there: Flow, back: Flow) -> npt.NDArray[np.float32]:
    """(height, width), 0-1: how surely a pixel is the one where the flow leads, by whether it leads back again."""
    off = np.linalg.norm(there + warped(back, there), axis=2)
    return np.asarray(cv2.GaussianBlur((off < _LOST).astype(np.float32), (0, 0), 2), np.float32)
