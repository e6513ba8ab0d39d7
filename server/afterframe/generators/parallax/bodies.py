"""Who is in the picture: people and animals, each of whom moves as one, and heads, in which nothing is bent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from afterframe.coco import ANIMALS
from afterframe.scene import COUNTS, BoundingBox
from afterframe.vision import Map, SceneMaps
from afterframe.vision.analysis_image import box_mask
from afterframe.vision.boxes import overlap
from afterframe.vision.people import has_head
from afterframe.vision.subject import people_box

_SAME_ANIMAL = 0.7
_TRUNK = 0.85
"""The part of a box's sides that a body fills: around it are corners of background."""
_CORNERED = 8
"""Exponent of the superellipse that stands for a box: nearly a rectangle, without its corners."""
_HEAD_ROOM = 1.1
"""A head with its hair, ears and chin, by the box of its face: holds the box's corners, too."""
_EDGE = 0.05
"""Width of the soft edge around bodies and heads at least, share of the picture's long side: there the picture is
stretched, never folded."""


@dataclass(frozen=True, slots=True)
class Body:
    """Somebody, or an animal."""

    box: BoundingBox
    heads: tuple[BoundingBox, ...]
    """Those whose body it is: faces, or heads that look away. Empty for animals."""


def bodies(seen: SceneMaps) -> list[Body]:
    """Everybody in the picture; of a face without a body, the shoulders are guessed."""
    heads = heads_in(seen)
    people = [thing for thing in seen.things if thing.label == "person" and thing.confidence >= COUNTS]
    found = [Body(person, tuple(head for head in heads if has_head(person, head))) for person in people]
    owned = {head for body in found for head in body.heads}
    found += [Body(people_box([head]), (head,)) for head in heads if head not in owned]
    animals: list[BoundingBox] = []
    for thing in seen.things:
        known = any(overlap(thing, other) > _SAME_ANIMAL for other in animals)
        if thing.label in ANIMALS and thing.confidence >= COUNTS and not known:
            animals.append(thing)
    return found + [Body(animal, ()) for animal in animals]


def heads_in(seen: SceneMaps) -> list[BoundingBox]:
    """Faces, and the heads of people who look away."""
    return [*seen.faces, *(thing for thing in seen.things if thing.label == "head")]


def body_map(box: BoundingBox, shape: tuple[int, int]) -> Map:
    """1 on a body, 0 off it, with a soft edge."""
    return _soft(box, shape, _TRUNK, _EDGE * max(shape))


def filled(outline: Map, box: BoundingBox) -> Map:
    """1 on a body that the subject's outline shows: the convex hull of its part in the body's box.

    What is between an arm and a waist, or a beak that an outline left out, moves with the body.
    """
    rows, columns = np.nonzero(box_mask(box, outline.shape) & (outline > 0.5))
    solid = np.zeros(outline.shape, np.uint8)
    if len(rows):
        cv2.fillConvexPoly(solid, cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32)), 1)
    return np.maximum(outline, solid.astype(np.float32))


def presence(seen: SceneMaps, node: float) -> Map:
    """1 on everybody, 0 elsewhere: what moves on its own moves around them.

    Args:
        node: as for :func:`unbent`.
    """
    shape = seen.picture.shape
    there = np.zeros(shape, np.float32)
    for body in bodies(seen):
        there = np.maximum(there, body_map(body.box, shape))
        for head in body.heads:
            there = np.maximum(there, _head_map(head, shape, node))
    return there


def unbent(values: Map, heads: Sequence[BoundingBox], node: float) -> Map:
    """The map with one value inside each head, the median of what was there, and a soft edge around it.

    Heads that touch have one value together, that of the largest: between them there is no room to part.

    Args:
        values: what moves the picture: nearness, or a displacement.
        heads: boxes, shares of the picture.
        node: the distance of the warp's nodes, pixels of the map.
    """
    groups = [_Plane.of(group, values, node) for group in _touching(heads, values.shape, node)]
    outside = np.ones_like(values)
    total, weights = np.zeros_like(values), np.full_like(values, 1e-9)
    for group in groups:
        # Inside a head all other weights are 0, so that nothing of its neighbours reaches it.
        others = [np.float32(1.0) - other.mask for other in groups if other is not group]
        weight = np.prod([group.mask, *others], axis=0, dtype=np.float32)
        total, weights = total + group.level * weight, weights + weight
        outside *= np.float32(1.0) - group.mask
    return np.asarray(total / weights + (values - total / weights) * outside, np.float32)


@dataclass(frozen=True, slots=True)
class _Plane:
    """Heads that move as one."""

    mask: Map
    level: np.float32

    @classmethod
    def of(cls, heads: Sequence[BoundingBox], values: Map, node: float) -> _Plane:
        masks = [_head_map(head, values.shape, node) for head in heads]
        largest = masks[max(range(len(heads)), key=lambda index: heads[index].area)]
        inside = values[largest >= np.float32(0.999)]
        level = np.median(inside) if inside.size else np.average(values, weights=largest + 1e-9)
        return cls(np.maximum.reduce(masks), np.float32(level))


def _touching(heads: Sequence[BoundingBox], shape: tuple[int, ...], node: float) -> list[list[BoundingBox]]:
    """Heads in groups, those together between which no edge fits."""
    groups: list[list[BoundingBox]] = []
    for head in heads:
        near = [group for group in groups if any(_touch(head, other, shape, node) for other in group)]
        groups = [group for group in groups if group not in near]
        groups.append([head, *(other for group in near for other in group)])
    return groups


def _touch(one: BoundingBox, other: BoundingBox, shape: tuple[int, ...], node: float) -> bool:
    room = 2 * (node + _EDGE * max(shape) / 3)
    height, width = shape[:2]
    (x, y), (u, v) = one.centre, other.centre
    apart_x = abs(x - u) * width - _HEAD_ROOM * (one.width + other.width) * width / 2
    apart_y = abs(y - v) * height - _HEAD_ROOM * (one.height + other.height) * height / 2
    return max(apart_x, apart_y) < room


def _head_map(head: BoundingBox, shape: tuple[int, ...], node: float) -> Map:
    return _soft(head, shape, _HEAD_ROOM, _EDGE * max(shape), node)


def _soft(box: BoundingBox, shape: tuple[int, ...], part: float, edge: float, room: float = 0.0) -> Map:
    """1 inside a box without its corners, falling to 0 over ``edge`` pixels.

    Args:
        part: of the box's sides.
        room: beyond that, pixels.
    """
    height, width = shape[:2]
    half = part * box.width * width / 2 + room, part * box.height * height / 2 + room
    x = (np.arange(width, dtype=np.float32) + 0.5 - box.centre[0] * width) / max(half[0], 1.0)
    y = (np.arange(height, dtype=np.float32) + 0.5 - box.centre[1] * height) / max(half[1], 1.0)
    radius = (np.abs(x)[None] ** _CORNERED + np.abs(y)[:, None] ** _CORNERED) ** (1 / _CORNERED)
    beyond = np.clip((radius - 1.0) * max(min(half), 1.0) / edge, 0.0, 1.0)
    return np.asarray(1.0 - beyond * beyond * (3.0 - 2.0 * beyond), np.float32)
