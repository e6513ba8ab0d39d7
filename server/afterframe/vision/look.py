"""Looking at a photo: what its pixels show, and the faces that somebody marked in its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from afterframe.scene import Detection, Scene
from afterframe.vision.analysis_image import Pixels
from afterframe.vision.boxes import overlap
from afterframe.vision.claims import claim_facts
from afterframe.vision.detectors import load_detectors
from afterframe.vision.scene_maps import analyse
from photometa import Facts

_SAME_FACE = 0.25
"""A found face that overlaps a marked one by this share of their union is the same; marks are drawn loosely."""


def facts_needed() -> tuple[str, ...]:
    """The fields of photometa's Facts that :func:`look` asks for, beside the face regions."""
    return (*claim_facts(), "orientation")


def look(pixels: Pixels, detectors: Path | None, facts: Facts) -> Scene:
    """Look at a photo.

    Args:
        pixels: uint8 sRGB (height, width, 3), upright.
        detectors: folder of the nets that see faces, people and things.
        facts: what the photo's file says.
    """
    marked = [Detection(face.x, face.y, face.width, face.height) for face in facts.face_regions]
    return with_marked_faces(analyse(pixels, load_detectors(detectors), facts), marked)


def with_marked_faces(scene: Scene, marks: Sequence[Detection]) -> Scene:
    """The scene with the marked faces as well: a person's mark counts more than what was found in its place."""
    if not marks:
        return scene
    found = (face for face in scene.faces if all(overlap(face, mark) < _SAME_FACE for mark in marks))
    faces = tuple(sorted((*marks, *found), key=lambda box: -box.area))
    share = round(faces[0].area, 4)
    return replace(scene, faces=faces, measures={**scene.measures, "face_share": share, "face_count": len(faces)})
