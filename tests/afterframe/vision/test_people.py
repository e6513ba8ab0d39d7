"""Which faces are believed, and where heads are that look away."""

from __future__ import annotations

import pytest

from afterframe.scene import BoundingBox, Detection
from afterframe.vision.people import believed, heads


def person(x: float, y: float, width: float, height: float, confidence: float = 0.8) -> Detection:
    return Detection(x, y, width, height, "person", confidence)


def face(x: float, y: float, side: float, confidence: float) -> Detection:
    return Detection(x, y, side, side, "face", confidence)


def test_a_doubtful_face_needs_a_person() -> None:
    doubtful = face(0.45, 0.25, 0.1, 0.75)
    assert not believed([doubtful], [])
    assert believed([doubtful], [person(0.3, 0.2, 0.4, 0.8)]) == (doubtful,)
    assert not believed([doubtful], [person(0.3, 0.0, 0.4, 0.3)]), "not at a person's feet"


@pytest.mark.parametrize("label", ["cat", "bear", "teddy bear"])
def test_an_animals_face_is_none(label: str) -> None:
    assert not believed([face(0.45, 0.25, 0.1, 0.87)], [Detection(0.3, 0.2, 0.4, 0.6, label, 0.7)])


def test_who_looks_away_has_a_head_at_the_top_of_the_box() -> None:
    (head,) = heads([person(0.4, 0.2, 0.2, 0.7)], [], aspect=1.0)
    assert head.label == "head"
    assert head.y == 0.2
    assert head.centre[0] == pytest.approx(0.5)
    assert 0.08 < head.height < 0.16


def test_a_bust_has_a_larger_head_than_somebody_standing() -> None:
    (bust,) = heads([person(0.2, 0.2, 0.6, 0.6)], [], aspect=1.0)
    (whole,) = heads([person(0.4, 0.2, 0.2, 0.6)], [], aspect=1.0)
    assert bust.height > 2 * whole.height


def test_a_face_is_the_head_and_a_cut_body_has_none() -> None:
    assert not heads([person(0.4, 0.2, 0.2, 0.7)], [BoundingBox(0.46, 0.22, 0.08, 0.1)], aspect=1.0)
    assert not heads([person(0.4, 0.0, 0.2, 0.7)], [], aspect=1.0)
    assert not heads([person(0.4, 0.2, 0.2, 0.7, confidence=0.3)], [], aspect=1.0)
