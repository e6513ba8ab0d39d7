"""What was seen, as data, and what was surely seen, in words: how many people, which animal or thing, where.

Never what they do or feel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from afterframe.coco import ANIMALS
from afterframe.scene import COUNTS, BoundingBox, Detection, Scene

_PERSON, _KIND, _THING = 0.6, 0.8, 0.85
"""Confidence from which a person is counted, an animal's kind is named, a thing is named."""
_ANIMAL = 0.55
"""Confidence from which it is said to be an animal at all."""
_NAMED = frozenset(
    [
        "car",
        "motorcycle",
        "bicycle",
        "bus",
        "boat",
        "bench",
        "chair",
        "couch",
        "laptop",
        "cup",
        "wine glass",
        "bottle",
        "teddy bear",
    ]
)
"""Things whose name can be trusted."""
_BESIDE = 0.3
"""Others count from this share of the largest's height."""
_CLOSE, _SMALL = 0.25, 0.02
"""Area from which something is close, and below which it is small."""
_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six")
_FEW, _MANY = 5, 12
"""Fewer than these are counted even where one more is likely; from as many on it is a crowd."""
_UNCOUNTED = len(_NUMBERS)
"""From here on nobody counts."""


def seen(scene: Scene) -> dict[str, Any]:
    """What was seen in a photo and counts, as JSON; boxes and the horizon in shares of the upright picture.

    ``words``: what was surely seen; ``faces``, and ``things``: people, heads, animals and things, each with its place
    and confidence; ``subject``; ``horizon``: its height, 0 top; ``sure_of``: the claims that are believed; ``by_nets``:
    whether the detectors looked.
    """
    return {
        "words": describe(scene),
        "faces": [asdict(face) for face in scene.faces],
        "things": [asdict(thing) for thing in scene.things if thing.confidence >= COUNTS],
        "subject": asdict(scene.subject) if scene.subject else None,
        "horizon": horizon(scene),
        "sure_of": [claim for claim in scene.claims if scene.shows(claim)],
        "by_nets": scene.by_nets,
    }


def horizon(scene: Scene) -> float | None:
    """The height of the horizon, 0 top to 1 bottom; None without a sky that is sure."""
    return scene.measures.get("horizon") if scene.shows("sky") else None


def people_count(scene: Scene) -> int:
    """How many people are surely seen: those near, by their faces and bodies; 0 unless the scene is sure of people."""
    if not scene.shows("people"):
        return 0
    bodies = [thing for thing in scene.things if thing.label == "person" and thing.confidence >= _PERSON]
    return max(len(_near(scene.faces)), len(_near(bodies)))


def _likely(scene: Scene) -> int:
    """How many people there may be."""
    return max(sum(thing.label == "person" for thing in scene.things), len(scene.faces))


def _many_more(scene: Scene, count: int) -> bool:
    """Whether so many others are likely that a count would be wrong."""
    return _likely(scene) > max(2, 2 * count)


def animals(scene: Scene) -> tuple[Detection, ...]:
    """The animals that are surely seen."""
    return tuple(thing for thing in scene.things if thing.label in ANIMALS and thing.confidence >= _ANIMAL)


def _near(boxes: Sequence[Detection]) -> list[Detection]:
    tallest = max((box.height for box in boxes), default=0.0)
    return [box for box in boxes if box.height >= _BESIDE * tallest]


def describe(scene: Scene) -> str:
    """A sentence of what was surely seen; empty when nothing was."""
    if people := people_count(scene):
        return "Several people." if _many_more(scene, people) else f"{_people(people, scene)}."
    if found := animals(scene):
        return f"{_animals(found)}{_place(scene, found[0])}."
    things = [thing for thing in scene.things if thing.label in _NAMED and thing.confidence >= _THING]
    main = max(things, key=lambda thing: thing.area, default=None)
    if main is not None and main.area >= _SMALL and _is_subject(main, scene.subject):
        return f"{_counted_things(scene, main.label)}{_place(scene, main)}."
    return ""


def _counted_things(scene: Scene, label: str) -> str:
    """How many of a kind; several, where more are likely than are sure."""
    found = [thing.confidence >= _THING for thing in scene.things if thing.label == label]
    return _counted(sum(found) if all(found) else _UNCOUNTED, label) if len(found) > 1 else _counted(1, label)


def _people(count: int, scene: Scene) -> str:
    crowd = "A crowd of people" if count >= _MANY else "A group of people"
    counted = count < _FEW or (count < _UNCOUNTED and _likely(scene) <= count)
    said = f"{_NUMBERS[count]} {'person' if count == 1 else 'people'}" if counted else crowd
    if any(thing.label == "dining table" and thing.confidence >= _PERSON for thing in scene.things):
        return f"{said} at a table"
    sure = [animal for animal in animals(scene) if animal.confidence >= _KIND]
    if sure:
        return f"{said} and {_animals(sure).lower()}"
    return f"{said}{_place(scene, _middle_of(scene))}" if count == 1 else said


def _middle_of(scene: Scene) -> BoundingBox:
    bodies = [thing for thing in scene.things if thing.label == "person"]
    boxes: list[BoundingBox] = [*bodies, *scene.faces]
    return max(boxes, key=lambda box: box.area)


def _animals(found: Sequence[Detection]) -> str:
    """By kind where they are surely of one kind."""
    kinds = {animal.label for animal in found}
    sure = len(kinds) == 1 and max(animal.confidence for animal in found) >= _KIND
    return _counted(len(found), found[0].label if sure else "animal")


def _counted(count: int, label: str) -> str:
    if count == 1:
        return f"{'An' if label[0] in 'aeiou' else 'A'} {label}"
    plural = {"sheep": "sheep", "wine glass": "wine glasses", "bus": "buses", "couch": "couches", "bench": "benches"}
    return f"{_NUMBERS[count] if count < len(_NUMBERS) else 'Several'} {plural.get(label, f'{label}s')}"


def _place(scene: Scene, box: BoundingBox) -> str:
    """How near and on which side; nothing for what stands in the middle, neither close nor small."""
    said = []
    face = max((face.area for face in scene.faces), default=0.0)
    if box.area >= _CLOSE or face >= 0.05:
        said.append("close")
    elif box.area < _SMALL:
        said.append("small in the picture")
    x = box.centre[0]
    if x < 0.4 or x > 0.6:
        said.append(f"{'left' if x < 0.4 else 'right'} of the centre")
    return "".join(f", {part}" for part in said)


def _is_subject(thing: Detection, subject: BoundingBox | None) -> bool:
    if subject is None:
        return False
    x, y = thing.centre
    return subject.x <= x <= subject.x + subject.width and subject.y <= y <= subject.y + subject.height
