"""rules.toml, read once into frozen dataclasses."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from afterframe.clues import Clue, Weights, read_clues, read_weights
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
    motion_prompt_group: str = ""
    """Of portraits: for several people; for people who look away; for animals."""
    motion_prompt_turned: str = ""
    motion_prompt_animal: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything in rules.toml."""

    fps: int
    long_side: int
    unsure_below: float
    negative_prompt: str
    negative_people: str
    """What is added where people are, or may be."""
    negative_animals: str
    types: Mapping[PhotoType, TypeRules]
    clues: tuple[Clue, ...]
    fitted: Mapping[bool, Weights]
    """What each clue weighs, by whether the detectors looked (photo_type_fit.toml)."""
    action_start: float
    """How likely action is before any clue, as log-odds against the mean of the others."""
    action_clues: tuple[tuple[Clue, float], ...]
    """Each with its weight."""
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
        negative_people=data["negative_people"],
        negative_animals=data["negative_animals"],
        types=kinds,
        clues=read_clues(data["clue"]),
        fitted=read_weights("afterframe.recipe", "photo_type_fit.toml"),
        action_start=data["action_start"],
        action_clues=tuple(
            zip(
                read_clues(data["action_clue"], besides="weight"),
                (entry["weight"] for entry in data["action_clue"]),
                strict=True,
            )
        ),
        word_weight=data["words"]["weight"],
        words={kind: tuple(data["words"][kind]) for kind in PhotoType},
    )
