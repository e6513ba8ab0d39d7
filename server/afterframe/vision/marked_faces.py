"""Faces that somebody marked in the photo's file, beside those that were found in its pixels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from afterframe.scene import Detection, Scene
from afterframe.vision.boxes import overlap

_SAME_FACE = 0.25
"""A found face that overlaps a marked one by this share of their union is the same; marks are drawn loosely."""


def with_marked_faces(scene: Scene, marked: Iterable[Detection]) -> Scene:
    """The scene with the marked faces as well: a person's mark counts more than what was found in its place."""
    marks = tuple(marked)
    if not marks:
        return scene
    found = (face for face in scene.faces if all(overlap(face, mark) < _SAME_FACE for mark in marks))
    faces = tuple(sorted((*marks, *found), key=lambda box: -box.area))
    share = round(faces[0].area, 4)
    return replace(scene, faces=faces, measures={**scene.measures, "face_share": share, "face_count": len(faces)})
