"""Human faces, by OpenCV's packaged cascades voting together.

A single cascade sees faces in hedges; three that were trained differently rarely agree on a false one. The first
searches everywhere; where skin is, also turned by 15 and 30 degrees, and another for profiles. All look again, closely,
where one found something; shoulders below are a vote, too.
Viola and Jones, "Rapid Object Detection using a Boosted Cascade of Simple Features", CVPR 2001.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

import cv2
import numpy as np

from afterframe.scene import Detection
from afterframe.vision.analysis_image import AnalysisImage, Map, Pixels

_FRONTAL = ("frontalface_alt2", "frontalface_default", "frontalface_alt")
_PROFILE, _SHOULDERS = "profileface", "upperbody"
_SMALLEST_PX = 20
"""Smallest face that a cascade knows, pixels of the picture that it searches."""
_LARGE = 0.3
"""Faces larger than this share of the long side are searched for in a smaller picture."""
_RIM = 0.15
"""Border added around the picture when searching for large faces, its edge repeated, share of the long side.

A face that fills the frame needs it.
"""
_LARGE_SIDE, _TURNED_SIDE, _PROFILE_SIDE, _SHOULDERS_SIDE = 200, 160, 224, 320
"""Long sides of the pictures searched for large, turned and profile faces, and for shoulders, pixels."""
_TURNS = (15, -15, 30, -30)
_QUARTERS = (90, -90)
"""Degrees, counter-clockwise."""
_CLOSE_PX = (40, 80)
"""Width of a face that is looked at again, pixels, at least and at most."""
_SAME_FACE = 0.35
"""Two boxes that overlap by this share of their union are one face."""
_SKIN_NEEDED = 0.25
"""Share of a face that is skin-coloured, unless all frontal cascades found it upright."""
_SKIN_SEARCHED = 0.05
"""Share of a picture that is skin-coloured from which turned faces and profiles are searched for."""

Rectangle = tuple[int, int, int, int]
"""x, y, width, height, pixels of the analysis image; may reach outside it."""


@functools.cache
def _cascade(name: str) -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(str(files("cv2.data").joinpath(f"haarcascade_{name}.xml")))


def find_faces(picture: AnalysisImage, *, upright: bool = True) -> tuple[Detection, ...]:
    """The faces in the picture, largest first.

    Args:
        picture: the analysis image.
        upright: whether the photo's file says which way is up; otherwise, where there is none, faces are searched for
            on their side, too.
    """
    search = _Search(picture)
    found = search.faces(search.candidates())
    if not found and not upright:
        found = search.faces(search.turned(_QUARTERS))
    boxes = (_clipped(face, picture.shape) for face in found)
    return tuple(sorted(boxes, key=lambda box: -box.width * box.height))


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Where a cascade found something."""

    box: Rectangle
    turn: int = 0
    """Degrees by which the picture was turned, counter-clockwise."""
    profile: bool = False


class _Search:
    """One picture being searched."""

    def __init__(self, picture: AnalysisImage) -> None:
        self._grey = np.round(picture.luma * 255).astype(np.uint8)
        self._skin = skin_map(picture)
        self._enough_skin = float(self._skin.mean()) >= _SKIN_SEARCHED

    def faces(self, candidates: Iterable[_Candidate]) -> list[Rectangle]:
        """Those that the cascades agree on, each once."""
        found: list[Rectangle] = []
        for candidate in candidates:
            if any(_covers(candidate.box, face) for face in found):
                continue
            face = self._confirmed(candidate)
            if face is not None and not any(_covers(face, other) for other in found):
                found.append(face)
        return found

    def candidates(self) -> Iterator[_Candidate]:
        """Faces found by the first cascade, and profiles."""
        side = max(self._grey.shape)
        small, large = (_SMALLEST_PX, round(1.1 * _LARGE * side)), (round(_LARGE * _LARGE_SIDE), 2 * _LARGE_SIDE)
        yield from (_Candidate(box) for box in _detected(_FRONTAL[0], self._grey, small, rim=0.03))
        grey, scale = _shrunk(self._grey, _LARGE_SIDE)
        yield from (_Candidate(_grown(box, scale)) for box in _detected(_FRONTAL[0], grey, large, rim=_RIM, step=1.1))
        yield from self._profiles()
        yield from self.turned(_TURNS)

    def _profiles(self) -> Iterator[_Candidate]:
        if not self._enough_skin:
            return
        grey, scale = _shrunk(self._grey, _PROFILE_SIDE)
        for box in _either_side(grey, (_SMALLEST_PX, _PROFILE_SIDE)):
            yield _Candidate(_grown(box, scale), profile=True)

    def turned(self, turns: Sequence[int]) -> Iterator[_Candidate]:
        """Faces found by the first cascade in the picture turned by so many degrees, counter-clockwise."""
        if not self._enough_skin:
            return
        grey, scale = _shrunk(self._grey, _TURNED_SIDE)
        for degrees in turns:
            turned, back = _turn(grey, degrees)
            for x, y, wide, high in _detected(_FRONTAL[0], turned, (_SMALLEST_PX, _TURNED_SIDE)):
                u, v = back @ np.array([x + wide / 2, y + high / 2, 1.0])
                box = round(u - wide / 2), round(v - high / 2), wide, high
                yield _Candidate(_grown(box, scale), turn=degrees)

    def _confirmed(self, candidate: _Candidate) -> Rectangle | None:
        """The face as the cascades agree on it; None: they do not."""
        frontal, profiles = self._seen_again(candidate)
        if candidate.profile:
            sure = profiles and self._is_skin(candidate.box) and (frontal or self._has_shoulders(candidate.box))
            return _median(profiles) if sure else None
        if candidate.turn:
            sure = len(frontal) == len(_FRONTAL) and self._is_skin(candidate.box)
            return candidate.box if sure else None
        if len(frontal) == len(_FRONTAL):
            return _median(frontal)
        nearly = len(frontal) == len(_FRONTAL) - 1 and self._is_skin(candidate.box)
        return _median(frontal) if nearly and (profiles or self._has_shoulders(candidate.box)) else None

    def _seen_again(self, candidate: _Candidate) -> tuple[list[Rectangle], list[Rectangle]]:
        """The face as each frontal cascade, and as that for profiles, finds it, searching closely around it."""
        x, y, wide, high = candidate.box
        scale = float(np.clip(wide, *_CLOSE_PX)) / wide
        side = round(1.9 * wide * scale)
        around = cv2.getRotationMatrix2D((x + wide / 2, y + high / 2), candidate.turn, scale)
        around[:, 2] = around[:, 2] + side / 2 - np.array([x + wide / 2, y + high / 2])
        close = np.asarray(cv2.warpAffine(self._grey, around, (side, side), borderMode=cv2.BORDER_REPLICATE), np.uint8)
        sizes = round(0.6 * wide * scale), round(1.7 * wide * scale)
        here = round((side - wide * scale) / 2)
        face = here, here, round(wide * scale), round(high * scale)

        def best(found: Iterable[Rectangle]) -> list[Rectangle]:
            box = max(found, key=lambda box: _overlap(face, box), default=None)
            if box is None or _overlap(face, box) < _SAME_FACE:
                return []
            left, top, w, h = _grown(box, scale)
            return [(left + x - round(here / scale), top + y - round(here / scale), w, h)]

        frontal = [box for name in _FRONTAL for box in best(_detected(name, close, sizes, step=1.1, neighbours=3))]
        return frontal, best(_either_side(close, sizes, step=1.1, neighbours=5))

    def _is_skin(self, face: Rectangle) -> bool:
        x, y, wide, high = face
        inside = self._skin[max(0, y) : y + high, max(0, x) : x + wide]
        return bool(inside.size) and float(inside.mean()) >= _SKIN_NEEDED

    def _has_shoulders(self, face: Rectangle) -> bool:
        x, y = face[0] + face[2] / 2, face[1] + face[3] / 2
        return any(
            left < x < left + wide and top < y < top + 0.7 * high and 0.15 < face[2] / wide < 0.6
            for left, top, wide, high in self._shoulders
        )

    @cached_property
    def _shoulders(self) -> list[Rectangle]:
        grey, scale = _shrunk(self._grey, _SHOULDERS_SIDE)
        found = _cascade(_SHOULDERS).detectMultiScale(grey, scaleFactor=1.1, minNeighbors=3)
        return [_grown((int(x), int(y), int(w), int(h)), scale) for x, y, w, h in found]


def _detected(
    name: str,
    grey: Pixels,
    sizes: tuple[int, int],
    *,
    rim: float = 0.0,
    step: float = 1.16,
    neighbours: int = 2,
) -> list[Rectangle]:
    """What a cascade finds.

    Args:
        sizes: the smallest and the largest face, pixels of ``grey``.
        rim: border added around the picture, its edge repeated, share of its long side.
        step: factor from one size to the next.
        neighbours: how often it must be found.
    """
    border = round(max(grey.shape) * rim)
    if border:
        grey = np.asarray(cv2.copyMakeBorder(grey, border, border, border, border, cv2.BORDER_REPLICATE), np.uint8)
    least, most = max(16, sizes[0]), sizes[1]
    found = _cascade(name).detectMultiScale(
        grey, scaleFactor=step, minNeighbors=neighbours, minSize=(least, least), maxSize=(most, most)
    )
    return [(int(x) - border, int(y) - border, int(wide), int(high)) for x, y, wide, high in found]


def _either_side(grey: Pixels, sizes: tuple[int, int], step: float = 1.16, neighbours: int = 2) -> list[Rectangle]:
    """Profiles; the cascade knows those that look to the left."""
    mirrored = np.ascontiguousarray(grey[:, ::-1])
    left = _detected(_PROFILE, grey, sizes, step=step, neighbours=neighbours)
    right = _detected(_PROFILE, mirrored, sizes, step=step, neighbours=neighbours)
    return [*left, *((grey.shape[1] - x - wide, y, wide, high) for x, y, wide, high in right)]


def _shrunk(grey: Pixels, side: int) -> tuple[Pixels, float]:
    """The picture with this long side at most, and its scale."""
    scale = min(1.0, side / max(grey.shape))
    if scale == 1.0:
        return grey, scale
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8), scale


def _grown(box: Rectangle, scale: float) -> Rectangle:
    x, y, wide, high = (round(value / scale) for value in box)
    return x, y, wide, high


def _turn(grey: Pixels, degrees: int) -> tuple[Pixels, Map]:
    """The picture turned counter-clockwise, whole; and the matrix from its pixels back to the picture's."""
    height, width = grey.shape
    way = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    wide, high = np.ceil(np.abs(way[:, :2]) @ np.array([width, height])).astype(int)
    way[:, 2] += (wide - width) / 2, (high - height) / 2
    turned = cv2.warpAffine(grey, way, (int(wide), int(high)), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.uint8), np.asarray(cv2.invertAffineTransform(way), np.float32)


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


def _covers(one: Rectangle, other: Rectangle) -> bool:
    """Whether two boxes show one face: half of the smaller lies in the larger."""
    return _shared(one, other) > 0.5 * min(one[2] * one[3], other[2] * other[3])


def _overlap(one: Rectangle, other: Rectangle) -> float:
    shared = _shared(one, other)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared) if shared else 0.0


def _shared(one: Rectangle, other: Rectangle) -> int:
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(0, width) * max(0, height)


def _median(group: list[Rectangle]) -> Rectangle:
    x, y, w, h = (int(v) for v in np.median(np.array(group), axis=0))
    return x, y, w, h
