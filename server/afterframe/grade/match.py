"""Match a model's clip to its photo's colours, by one smooth transform that follows slow drift.

Where frame and photo show the same thing (:mod:`afterframe.grade.alignment`), colours are compared in OKLab and a
smooth transform is fitted, at key frames four times a second; between them it changes as slowly as the clip's
own drift, so that nothing flickers. Skin counts most. A key frame whose colours would not come closer is left
alone, and so is a clip that does not show its photo.

Frames are streamed: one second and a handful more are held, however long the clip is.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
from PIL import ImageFilter

from afterframe.grade.alignment import SIDE, Tracker
from afterframe.grade.colour_transform import NONE, Transform, apply
from afterframe.grade.faces import face_boxes
from afterframe.grade.temporal import REACH_S, TransformTrack
from afterframe.imaging.colour import Floats, small_rgb, to_oklab
from afterframe.imaging.frames import Frames, Pixels, PreparedPhoto

__all__ = ["match_grade"]

KEY_S = 0.25
"""Time between key frames, seconds."""
_SAME_TABLE = 2e-4
"""Transforms closer than this share a look-up table, OKLab: well under one level of 255."""


def match_grade(frames: Frames, photo: PreparedPhoto) -> Frames:
    """Shift a clip's colour towards its photo.

    Args:
        frames: in rgb24; others are passed through.
        photo: what the clip was made from, of the frames' size.
    """
    if frames.pixel_format != "rgb24":
        return frames
    return replace(frames, frames=_graded(frames, photo))


def _graded(frames: Frames, photo: PreparedPhoto) -> Iterator[Pixels]:
    small = small_rgb(np.ascontiguousarray(photo.pixels), "rgb24", SIDE)
    course = TransformTrack(Tracker(small), _skin(small, photo))
    every, hold_back = max(1, round(KEY_S * frames.fps)), round(REACH_S * frames.fps)
    held: deque[Pixels] = deque()
    out = 0
    with _Grader() as grader:
        for index, frame in enumerate(frames.frames):
            if index == 1 or index % every == 0:
                course.add_key_frame(index / frames.fps, _like(small, small_rgb(frame, "rgb24", SIDE)))
            held.append(frame)
            if len(held) > hold_back:
                yield from grader.grade(held.popleft(), course.at(out / frames.fps))
                out += 1
        while held:
            yield from grader.grade(held.popleft(), course.at(out / frames.fps))
            out += 1
        yield from grader.rest()


class _Grader:
    """Applies transforms to several frames at a time (Pillow releases Python's lock), in order."""

    def __init__(self) -> None:
        self._transform = NONE
        self._table: ImageFilter.Color3DLUT | None = None
        self._threads = max(1, min(4, (os.cpu_count() or 1) // 2))
        self._pool = ThreadPoolExecutor(self._threads, "grade")
        self._under_way: deque[Future[Pixels]] = deque()

    def __enter__(self) -> _Grader:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def grade(self, frame: Pixels, transform: Transform) -> Iterator[Pixels]:
        """Add a frame; yields earlier ones that are done."""
        if float(np.abs(transform.coefficients - self._transform.coefficients).max()) > _SAME_TABLE:
            self._transform = transform
            self._table = transform.table()
        self._under_way.append(self._pool.submit(_applied, self._table, frame))
        if len(self._under_way) > self._threads:
            yield self._under_way.popleft().result()

    def rest(self) -> Iterator[Pixels]:
        """The remaining frames."""
        while self._under_way:
            yield self._under_way.popleft().result()


def _applied(table: ImageFilter.Color3DLUT | None, frame: Pixels) -> Pixels:
    return frame if table is None else apply(table, frame)


def _like(small: Floats, frame: Floats) -> Floats:
    height, width = small.shape[:2]
    return np.asarray(cv2.resize(frame, (width, height)), np.float32)


def _skin(small: Floats, photo: PreparedPhoto) -> Floats:
    """1 where the small photo shows skin in a face, otherwise 0: skin hues inside the faces' boxes."""
    light, a, b = np.moveaxis(to_oklab(small), -1, 0)
    hue, chroma = np.degrees(np.arctan2(b, a)), np.hypot(a, b)
    coloured = (light > 0.25) & (light < 0.95) & (hue > 15) & (hue < 80) & (chroma > 0.02)
    inside = np.zeros_like(coloured)
    height, width = small.shape[:2]
    for left, top, right, bottom in face_boxes(photo, (width, height)):
        inside[top:bottom, left:right] = True
    return np.asarray(coloured & inside, np.float32)
