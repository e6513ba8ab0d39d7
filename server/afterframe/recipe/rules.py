"""rules.toml, read once into frozen dataclasses."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from afterframe.domain import PhotoType


@dataclass(frozen=True, slots=True)
class TypeRules:
    """How one type of photo moves."""

    name: str
    duration_s: tuple[float, float]
    """Shortest and longest, seconds."""
    usual_duration_s: float
    motion_intensity: float
    style_consistency: float
    camera_movement: str
    """A CameraMovement, or "pan" or "drift", which the scene decides."""
    camera_because: str
    duration_because: str
    motion_because: str
    style_because: str
    motion_prompt: str
    camera_prompt: str


@dataclass(frozen=True, slots=True)
class Clue:
    """A measure that speaks for or against types, growing linearly from ``none`` to ``full``."""

    measure: str
    none: float
    full: float
    weights: Mapping[PhotoType, float]
    say: str

    def strength(self, value: float) -> float:
        """0-1."""
        return min(1.0, max(0.0, (value - self.none) / (self.full - self.none)))


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything in rules.toml."""

    fps: int
    long_side: int
    unsure_below: float
    negative_prompt: str
    types: Mapping[PhotoType, TypeRules]
    prior: Mapping[PhotoType, float]
    clues: tuple[Clue, ...]
    word_weight: float
    words: Mapping[PhotoType, tuple[str, ...]]


@functools.cache
def rules() -> Rules:
    """The rules as packaged."""
    data = tomllib.loads(files("afterframe.recipe").joinpath("rules.toml").read_text("utf-8"))
    kinds = {}
    for kind in PhotoType:
        low, high = data[kind]["duration_s"]
        kinds[kind] = TypeRules(**{**data[kind], "duration_s": (low, high)})
    return Rules(
        fps=data["fps"],
        long_side=data["long_side"],
        unsure_below=data["unsure_below"],
        negative_prompt=data["negative_prompt"],
        types=kinds,
        prior={kind: data["prior"][kind] for kind in PhotoType},
        clues=tuple(_clue(entry) for entry in data["clue"]),
        word_weight=data["words"]["weight"],
        words={kind: tuple(data["words"][kind]) for kind in PhotoType},
    )


def _clue(entry: Mapping[str, object]) -> Clue:
    weights = {kind: float(str(entry[kind])) for kind in PhotoType if kind in entry}
    return Clue(
        str(entry["measure"]),
        float(str(entry["none"])),
        float(str(entry["full"])),
        weights,
        str(entry["say"]),
    )
