"""People: which faces are believed, and where the heads of those are who look away."""

from __future__ import annotations

from collections.abc import Sequence

from afterframe.coco import ANIMALS
from afterframe.scene import BoundingBox, Detection
from afterframe.vision.boxes import inside, overlap

NO_FACE = frozenset((*ANIMALS, "teddy bear"))
"""What has a face that is no person's."""
_SURE, _WITH_PERSON, _ON_ANIMAL = 0.84, 0.7, 0.9
"""Confidence from which a face is one: alone, in the upper part of a person, in an animal."""
_PERSON = 0.4
"""Confidence from which a person's box supports a face, or has a head."""
_UPRIGHT, _CLOSE = 2.5, 1.1
"""Height by width of somebody standing whole in the picture, and of somebody whose head and shoulders are seen."""
_HEAD_OF_WHOLE, _HEAD_OF_CLOSE = 0.15, 0.42
"""The head's share of the box's height, for the two: artists' canon of seven and a half heads, and a bust's."""
_HEAD_SHAPE = 0.8
"""A head's width by its height."""


def believed(faces: Sequence[Detection], things: Sequence[Detection]) -> tuple[Detection, ...]:
    """The faces that are people's, in the order given: masks, pumpkins, toys and animals have faces, too."""
    people = [thing for thing in things if thing.label == "person" and thing.confidence >= _PERSON]
    others = [thing for thing in things if thing.label in NO_FACE and thing.confidence >= _PERSON]
    return tuple(face for face in faces if face.confidence >= _needed(face, people, others))


def _needed(face: Detection, people: Sequence[Detection], others: Sequence[Detection]) -> float:
    if any(has_head(person, face) for person in people):
        return _WITH_PERSON
    return _ON_ANIMAL if any(inside(face, other) > 0.7 for other in others) else _SURE


def has_head(person: BoundingBox, face: BoundingBox) -> bool:
    """Whether a face lies where a person's head may be: the upper half, whoever bends or sits."""
    x, y = face.centre
    across = person.x <= x <= person.x + person.width
    return across and person.y - 0.2 * face.height <= y <= person.y + 0.55 * person.height


def heads(things: Sequence[Detection], faces: Sequence[BoundingBox], aspect: float) -> tuple[Detection, ...]:
    """Where the heads are of people whose faces are not seen, estimated from their boxes.

    Args:
        aspect: the picture's width by its height.
    """
    people = [thing for thing in things if thing.label == "person" and thing.confidence >= _PERSON]
    found: list[Detection] = []
    for person in people:
        if person.y <= 0.0 or any(has_head(person, face) for face in faces):
            continue  # a box that the upper edge cuts has lost its head
        head = _head_of(person, aspect)
        if all(overlap(head, other) < 0.3 for other in [*faces, *found]):
            found.append(head)
    return tuple(found)


def _head_of(person: Detection, aspect: float) -> Detection:
    tall = person.height / (person.width * aspect)
    whole = min(1.0, max(0.0, (tall - _CLOSE) / (_UPRIGHT - _CLOSE)))
    high = person.height * (_HEAD_OF_CLOSE + (_HEAD_OF_WHOLE - _HEAD_OF_CLOSE) * whole)
    wide = min(person.width, high * _HEAD_SHAPE / aspect)
    left = person.x + (person.width - wide) / 2
    left, wide, high = round(left, 4), round(wide, 4), round(high, 4)
    return Detection(left, person.y, wide, high, "head", person.confidence)
