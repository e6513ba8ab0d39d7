"""A subject's mask as a Scene stores it: a small black and white PNG of the whole picture, base64."""

from __future__ import annotations

import base64

import cv2
import numpy as np

from afterframe.scene import BoundingBox
from afterframe.vision.analysis_image import Map

_LONG_SIDE = 256
"""Pixels."""


def pack_mask(subject: Map) -> str:
    """Pack a subject's map (0-1, any size); empty if nothing is inside."""
    height, width = subject.shape
    return _drawn(subject, BoundingBox(0, 0, 1, 1), (height, width))


def unpack_mask(outline: str, shape: tuple[int, int]) -> Map:
    """Unpack a mask to ``shape`` (height, width): 1 inside, 0 outside."""
    whole = cv2.resize(_read(outline), shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.asarray(whole) > 0.5, np.float32)


def crop_mask(outline: str, part: BoundingBox, shape: tuple[int, int]) -> str:
    """Crop a mask to a part of its picture.

    Args:
        part: in shares of the picture.
        shape: (height, width) of that part, in any unit.
    """
    return _drawn(_read(outline), part, shape) if outline else ""


def _read(outline: str) -> Map:
    data = np.frombuffer(base64.b64decode(outline), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.float32) / np.float32(255)


def _drawn(mask: Map, part: BoundingBox, shape: tuple[int, int]) -> str:
    scale = min(1.0, _LONG_SIDE / max(shape))
    width, height = max(1, round(scale * shape[1])), max(1, round(scale * shape[0]))
    step = part.width * mask.shape[1] / width, part.height * mask.shape[0] / height
    # From the centre of each pixel to its position in the mask.
    way = np.array(
        [
            [step[0], 0, part.x * mask.shape[1] + (step[0] - 1) / 2],
            [0, step[1], part.y * mask.shape[0] + (step[1] - 1) / 2],
        ]
    )
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    drawn = np.asarray(cv2.warpAffine(mask, way, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE)) > 0.5
    if not drawn.any():
        return ""
    _, data = cv2.imencode(".png", drawn.astype(np.uint8) * 255, [cv2.IMWRITE_PNG_BILEVEL, 1])
    return base64.b64encode(np.asarray(data).tobytes()).decode("ascii")
