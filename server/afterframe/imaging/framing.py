"""Framing: the photo cropped and scaled to its clip, with room around it for the camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np

from afterframe.imaging.frames import Pixels, PreparedPhoto
from afterframe.scene import BoundingBox, Detection, Scene
from afterframe.vision.boxes import around
from afterframe.vision.subject_mask import crop_mask

Box = TypeVar("Box", bound=BoundingBox)
_ROOMS = (0.35, 0.1)
"""Room that is kept around a face if the crop has it, as a share of the face: with its hair; or a little."""
_WHOLE = 0.04
"""Room that tells a whole face from a cut one: less, and the next detector may see it cut."""


@dataclass(frozen=True, slots=True)
class _Window:
    """A part of the photo, pixels, fractions allowed."""

    x: float
    y: float
    width: float
    height: float


def frame(pixels: Pixels, scene: Scene, size: tuple[int, int], overscan: float) -> PreparedPhoto:
    """Crop and scale a photo to ``size``, with a margin of real picture around it.

    The crop has the clip's aspect ratio, is as large as the photo allows and is placed around the subject; faces that
    fit are not cut. Enlarging uses Lanczos, shrinking averages areas.

    Args:
        pixels: uint8 sRGB (height, width, 3), upright, the whole photo.
        scene: what was found in it, in shares of the photo.
        size: (width, height) of the clip, pixels.
        overscan: the margin on each side as a share of the frame, 0-0.2.

    Returns:
        The prepared photo; its scene in shares of ``surround``.
    """
    width, height = size
    margin = (_margin(width, overscan), _margin(height, overscan))
    wide, high = width + 2 * margin[0], height + 2 * margin[1]
    window = _window((pixels.shape[1], pixels.shape[0]), wide / high, scene, (margin[0] / wide, margin[1] / high))
    surround = _resize(pixels, window, (wide, high))
    return PreparedPhoto(surround=surround, margin=margin, scene=_seen_in(scene, window, pixels.shape))


def _margin(side: int, overscan: float) -> int:
    """Pixels on each side; even, so that chroma samples stay in place."""
    return 2 * round(side * overscan / 2)


def _window(photo: tuple[int, int], aspect: float, scene: Scene, margin: tuple[float, float]) -> _Window:
    """The largest crop of ``aspect`` (width / height), placed so that its frame holds what matters.

    Args:
        margin: horizontal and vertical, in shares of the crop; the frame is the crop without it.
    """
    width, height = float(photo[0]), float(photo[1])
    if width / height > aspect:
        width = height * aspect
    else:
        height = width / aspect
    matters = _what_matters(scene)
    x = _placed(photo[0], width, margin[0], [(box.x, box.x + box.width) for box in matters])
    y = _placed(photo[1], height, margin[1], [(box.y, box.y + box.height) for box in matters])
    return _Window(x, y, width, height)


def _what_matters(scene: Scene) -> list[BoundingBox]:
    """Boxes that should be inside, most important first.

    All faces and heads together, with room around them or at least whole; all faces; each face, then each head, whole,
    the largest first, for heads are only estimated; room around each of them; the subject.
    """
    heads = [thing for thing in scene.things if thing.label == "head"]
    groups: list[Sequence[BoundingBox]] = [[*scene.faces, *heads], scene.faces]
    boxes = [around(group, room) for group in groups if group for room in _ROOMS]
    each = [one for found in (scene.faces, heads) for one in sorted(found, key=lambda face: -face.area)]
    boxes += [around([one], room) for room in (0.0, _WHOLE, *_ROOMS) for one in each]
    if scene.subject:
        boxes.append(scene.subject)
    return boxes


def _placed(photo_side: int, crop_side: float, margin: float, spans: list[tuple[float, float]]) -> float:
    """Where the crop starts along one axis, pixels.

    Centred on the first span; then moved just enough for its frame to hold the later ones, as far as each
    fits beside those before it.
    """
    room = photo_side - crop_side
    low, high = 0.0, room
    wanted = room / 2
    if spans:
        wanted = (spans[0][0] + spans[0][1]) / 2 * photo_side - crop_side / 2
    for start, end in spans:
        least = end * photo_side - crop_side * (1 - margin)
        most = start * photo_side - crop_side * margin
        if max(low, least) <= min(high, most):
            low, high = max(low, least), min(high, most)
    return min(max(wanted, low), high)


def _resize(pixels: Pixels, window: _Window, size: tuple[int, int]) -> Pixels:
    top, left = round(window.y), round(window.x)
    bottom, right = (
        max(top + 1, round(window.y + window.height)),
        max(left + 1, round(window.x + window.width)),
    )
    part = pixels[top:bottom, left:right]
    if (part.shape[1], part.shape[0]) == size:
        return np.ascontiguousarray(part)
    shrinking = size[0] <= part.shape[1] and size[1] <= part.shape[0]
    how = cv2.INTER_AREA if shrinking else cv2.INTER_LANCZOS4
    return np.asarray(cv2.resize(np.ascontiguousarray(part), size, interpolation=how), np.uint8)


def _seen_in(scene: Scene, window: _Window, shape: tuple[int, ...]) -> Scene:
    """The scene in shares of the window, without what lies outside it."""
    subject = _inside(scene.subject, window, shape) if scene.subject else None
    part = BoundingBox(window.x / shape[1], window.y / shape[0], window.width / shape[1], window.height / shape[0])
    return replace(
        scene,
        faces=_those_inside(scene.faces, window, shape),
        things=_those_inside(scene.things, window, shape),
        subject=subject,
        outline=crop_mask(scene.outline, part, (round(window.height), round(window.width))),
    )


def _those_inside(found: Sequence[Detection], window: _Window, shape: tuple[int, ...]) -> tuple[Detection, ...]:
    return tuple(box for one in found if (box := _inside(one, window, shape)))


def _inside(box: Box, window: _Window, shape: tuple[int, ...]) -> Box | None:
    left = (box.x * shape[1] - window.x) / window.width
    top = (box.y * shape[0] - window.y) / window.height
    right, bottom = left + box.width * shape[1] / window.width, top + box.height * shape[0] / window.height
    left, top, right, bottom = max(0.0, left), max(0.0, top), min(1.0, right), min(1.0, bottom)
    if right <= left or bottom <= top:
        return None
    return replace(box, x=left, y=top, width=right - left, height=bottom - top)


def part_shown(photo: tuple[int, int], scene: Scene, size: tuple[int, int], overscan: float) -> BoundingBox:
    """The part of a photo that a clip shows, in shares of it: what :func:`frame` crops, without the margin.

    Args:
        photo: (width, height) of the upright photo, pixels.
    """
    margins = [_margin(side, overscan) for side in size]
    wide, high = (side + 2 * margin for side, margin in zip(size, margins, strict=True))
    x, y = margins[0] / wide, margins[1] / high
    window = _window(photo, wide / high, scene, (x, y))
    left, top = window.x + x * window.width, window.y + y * window.height
    shown = (1 - 2 * x) * window.width, (1 - 2 * y) * window.height
    return BoundingBox(left / photo[0], top / photo[1], shown[0] / photo[0], shown[1] / photo[1])
