"""Faces that somebody marked in the photo's file, beside those that were found in its pixels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from afterframe.domain import BoundingBox, Scene

_SAME_FACE = 0.25
"""A found face that overlaps a marked one by this share of their union is the same; marks are drawn loosely."""


def with_marked_faces(scene: Scene, marked: Iterable[BoundingBox]) -> Scene:
    """The scene with the marked faces as well: a person's mark counts more than what was found in its place."""
    marks = tuple(marked)
    if not marks:
        return scene
    found = (face for face in scene.faces if all(_overlap(face, mark) < _SAME_FACE for mark in marks))
    faces = tuple(sorted((*marks, *found), key=lambda box: -box.width * box.height))
    share = round(faces[0].width * faces[0].height, 4)
    return replace(scene, faces=faces, measures={**scene.measures, "face_share": share, "face_count": len(faces)})


def _overlap(one: BoundingBox, other: BoundingBox) -> float:
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one.width * one.height + other.width * other.height - shared)
