"""Human faces, by OpenCV's packaged cascades voting together.

One cascade alone sees faces in hedges; three that were trained differently rarely agree on one.
Viola and Jones, "Rapid Object Detection using a Boosted Cascade of Simple Features", CVPR 2001.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from importlib.resources import files

import cv2
import numpy as np

from afterframe.models import Box
from afterframe.vision.canvas import Canvas, Map

_CASCADES = ("frontalface_alt2", "frontalface_default", "frontalface_alt")
_SMALLEST = 1 / 20
"""The smallest face looked for, as a share of the long side."""
_RIM = 0.15
"""Added around the picture, its edge repeated, share of the long side.

A face that fills the frame needs it.
"""
_SAME_FACE = 0.35
"""Two boxes that overlap by this share of their union are one face."""
_SKIN_NEEDED = 0.35

Rectangle = tuple[int, int, int, int]


@functools.cache
def _cascade(name: str) -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(str(files("cv2.data").joinpath(f"haarcascade_{name}.xml")))


def find_faces(picture: Canvas) -> tuple[Box, ...]:
    """The faces in the picture, largest first.

    Each seen by all three cascades, or by two and skin-coloured.
    """
    grey = np.round(picture.luma * 255).astype(np.uint8)
    rim = round(max(grey.shape) * _RIM)
    grey = np.asarray(cv2.copyMakeBorder(grey, rim, rim, rim, rim, cv2.BORDER_REPLICATE), np.uint8)
    least = max(16, round(max(picture.shape) * _SMALLEST))
    groups: list[list[Rectangle]] = []
    for name in _CASCADES:
        found = _cascade(name).detectMultiScale(grey, scaleFactor=1.1, minNeighbors=3, minSize=(least, least))
        _join(groups, ((int(x) - rim, int(y) - rim, int(w), int(h)) for x, y, w, h in found))
    skin = skin_map(picture)
    faces = [_median(group) for group in groups if len(group) >= 3 or (len(group) == 2 and _is_skin(skin, group))]
    boxes = (_clipped(face, picture.shape) for face in faces)
    return tuple(sorted(boxes, key=lambda box: -box.width * box.height))


def _clipped(face: Rectangle, shape: tuple[int, int]) -> Box:
    """In shares of the picture, without what lies outside it."""
    height, width = shape
    left, top = max(0, face[0]), max(0, face[1])
    right, bottom = min(width, face[0] + face[2]), min(height, face[1] + face[3])
    return Box(left / width, top / height, (right - left) / width, (bottom - top) / height)


def skin_map(picture: Canvas) -> Map:
    """1 where the colour could be skin, whatever its tone: chroma and hue of the CIELAB a-b plane."""
    a, b = picture.lab[..., 1], picture.lab[..., 2]
    hue = np.degrees(np.arctan2(b, a))
    chroma = np.hypot(a, b)
    lightness = picture.lab[..., 0]
    return ((hue > 15) & (hue < 85) & (chroma > 8) & (chroma < 55) & (lightness > 20)).astype(np.float32)


def _join(groups: list[list[Rectangle]], found: Iterable[Rectangle]) -> None:
    for face in found:
        for group in groups:
            if _overlap(group[0], face) >= _SAME_FACE:
                group.append(face)
                break
        else:
            groups.append([face])


def _overlap(one: Rectangle, other: Rectangle) -> float:
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def _median(group: list[Rectangle]) -> Rectangle:
    x, y, w, h = (int(v) for v in np.median(np.array(group), axis=0))
    return x, y, w, h


def _is_skin(skin: Map, group: list[Rectangle]) -> bool:
    x, y, w, h = _median(group)
    inside = skin[max(0, y) : y + h, max(0, x) : x + w]
    return bool(inside.size) and float(inside.mean()) >= _SKIN_NEEDED
