"""Human faces, by OpenCV's packaged cascades voting together.

A single cascade sees faces in hedges; three that were trained differently rarely agree on a false one. The first
searches everywhere, for small and large faces each at the scale where that is fast; the others only where it found one.
Viola and Jones, "Rapid Object Detection using a Boosted Cascade of Simple Features", CVPR 2001.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from importlib.resources import files

import cv2
import numpy as np

from afterframe.scene import Detection
from afterframe.vision.analysis_image import AnalysisImage, Map, Pixels

_CASCADES = ("frontalface_alt2", "frontalface_default", "frontalface_alt")
_SMALLEST = 1 / 20
"""Smallest face searched for, as a share of the long side."""
_LARGE = 0.3
"""Faces larger than this share of the long side are searched for at half the size."""
_RIM = 0.15
"""Border added around the picture when searching for large faces, its edge repeated, share of the long side.

A face that fills the frame needs it.
"""
_SEARCH_SIDE = 400
"""Long side of the picture searched for small faces, pixels: the cascades need 20 per face."""
_SAME_FACE = 0.35
"""Two boxes that overlap by this share of their union are one face."""
_SKIN_NEEDED = 0.35

Rectangle = tuple[int, int, int, int]
"""x, y, width, height, pixels of the analysis image; may reach outside it."""


@functools.cache
def _cascade(name: str) -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(str(files("cv2.data").joinpath(f"haarcascade_{name}.xml")))


def find_faces(picture: AnalysisImage) -> tuple[Detection, ...]:
    """The faces in the picture, largest first.

    Each was found by all three cascades, or by two and is skin-coloured.
    """
    grey = np.round(picture.luma * 255).astype(np.uint8)
    candidates: list[list[Rectangle]] = []
    _join(candidates, _anywhere(grey))
    groups = [_seen_again(grey, _median(candidate)) for candidate in candidates]
    skin = skin_map(picture) if groups else picture.luma
    faces = [_median(group) for group in groups if len(group) >= 3 or (len(group) == 2 and _is_skin(skin, group))]
    kept: list[list[Rectangle]] = []
    _join(kept, faces)
    boxes = (_clipped(group[0], picture.shape) for group in kept)
    return tuple(sorted(boxes, key=lambda box: -box.width * box.height))


def _anywhere(grey: Pixels) -> Iterator[Rectangle]:
    """Faces found by the first cascade."""
    side = max(grey.shape)
    yield from _detected(grey, 0.03, min(1.0, _SEARCH_SIDE / side), (_SMALLEST * side, 1.1 * _LARGE * side), 1.16)
    yield from _detected(grey, _RIM, min(1.0, 0.5 * _SEARCH_SIDE / side), (_LARGE * side, 1.3 * side), 1.1)


def _detected(grey: Pixels, rim: float, scale: float, sizes: tuple[float, float], step: float) -> Iterator[Rectangle]:
    """Faces by the first cascade.

    Args:
        grey: the picture.
        rim: border added around it, its edge repeated, share of its long side.
        scale: at which it is searched.
        sizes: the smallest and the largest face, pixels of ``grey``.
        step: factor from one size to the next.
    """
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1.0 else grey
    rim_px = round(max(small.shape) * rim)
    small = cv2.copyMakeBorder(small, rim_px, rim_px, rim_px, rim_px, cv2.BORDER_REPLICATE)
    least, most = (max(16, round(size * scale)) for size in sizes)
    found = _cascade(_CASCADES[0]).detectMultiScale(
        small, scaleFactor=step, minNeighbors=2, minSize=(least, least), maxSize=(most, most)
    )
    for x, y, wide, high in found:
        corner = round((int(x) - rim_px) / scale), round((int(y) - rim_px) / scale)
        yield *corner, round(int(wide) / scale), round(int(high) / scale)


def _seen_again(grey: Pixels, face: Rectangle) -> list[Rectangle]:
    """The face as each cascade finds it, if it does, searching closely around it."""
    x, y, wide, high = face
    around = round(0.45 * wide)
    size = 2 * around + wide, 2 * around + high
    shift = np.array([[1, 0, x - around], [0, 1, y - around]], np.float32)
    how = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    close = cv2.warpAffine(grey, shift, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
    scale = min(1.0, 120 / wide)
    if scale < 1.0:
        close = cv2.resize(close, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    least, most = max(16, round(0.6 * wide * scale)), round(1.7 * wide * scale)
    seen: list[Rectangle] = []
    for name in _CASCADES:
        found = _cascade(name).detectMultiScale(
            close, scaleFactor=1.1, minNeighbors=3, minSize=(least, least), maxSize=(most, most)
        )
        boxes = (tuple(round(int(value) / scale) for value in box) for box in found)
        again = [(left + x - around, top + y - around, w, h) for left, top, w, h in boxes]
        best = max(again, key=lambda box: _overlap(face, box), default=None)
        if best is not None and _overlap(face, best) >= _SAME_FACE:
            seen.append(best)
    return seen


def _clipped(face: Rectangle, shape: tuple[int, int]) -> Detection:
    """In shares of the picture, clipped to it."""
    height, width = shape
    left, top = max(0, face[0]), max(0, face[1])
    right, bottom = min(width, face[0] + face[2]), min(height, face[1] + face[3])
    return Detection(left / width, top / height, (right - left) / width, (bottom - top) / height)


def skin_map(picture: AnalysisImage) -> Map:
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
