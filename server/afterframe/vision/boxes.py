"""Boxes against each other and against the picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from afterframe.scene import BoundingBox, Detection


def clipped(label: str, confidence: float, x: float, y: float, width: float, height: float) -> Detection | None:
    """A detection clipped to the picture, shares of it; None: it lies outside, or is not a number."""
    left, top, right, bottom = max(0.0, x), max(0.0, y), min(1.0, x + width), min(1.0, y + height)
    if not (right > left and bottom > top):
        return None
    left, top, wide, high = (round(value, 4) for value in (left, top, right - left, bottom - top))
    return Detection(left, top, wide, high, label, round(min(1.0, confidence), 3))


def shared(one: BoundingBox, other: BoundingBox) -> float:
    """The area that two boxes share."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(0.0, width) * max(0.0, height)


def overlap(one: BoundingBox, other: BoundingBox) -> float:
    """The share of their union that two boxes have in common."""
    common = shared(one, other)
    union = one.area + other.area - common
    return common / union if union > 0 else 0.0


def inside(one: BoundingBox, other: BoundingBox) -> float:
    """The share of ``one`` that lies in ``other``."""
    return shared(one, other) / one.area if one.area > 0 else 0.0


def around(boxes: Sequence[BoundingBox], room: float = 0.0) -> BoundingBox:
    """The box around several, with room as a share of each."""
    left, top = min(b.x - room * b.width for b in boxes), min(b.y - room * b.height for b in boxes)
    right = max(b.x + (1 + room) * b.width for b in boxes)
    bottom = max(b.y + (1 + room) * b.height for b in boxes)
    return BoundingBox(left, top, right - left, bottom - top)


def without_doubles(
    found: Iterable[Detection], same: float, measure: Callable[[BoundingBox, BoundingBox], float]
) -> list[Detection]:
    """The surest of each group that covers one another by at least ``same``."""
    kept: list[Detection] = []
    for one in sorted(found, key=lambda detection: -detection.confidence):
        if all(measure(one, other) < same for other in kept):
            kept.append(one)
    return kept
