"""Clues: measures that speak for or against something, and how much they weigh together.

The ramps are chosen by hand, so that each can be named in words; the weights are fitted (scripts/fit_photo_type.py).
"""

from __future__ import annotations

import functools
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from afterframe.scene import Scene

_NAMED = 0.7
"""Confidence from which a thing is named among the reasons."""


@dataclass(frozen=True, slots=True)
class Clue:
    """A measure, or a fact, that grows linearly from ``none`` (0) to ``full`` (1)."""

    name: str
    measure: str
    none: float
    full: float
    say: str = ""
    """In a photographer's words, what it is when it is full."""
    claim: str = ""
    """The claim that must be sure before this is said: it counts before, but as a likeness."""
    seen: str = ""
    """The measure of how sure something was seen that must be high before this is said (``food_confidence``)."""

    def may_be_said(self, scene: Scene) -> bool:
        """Whether it is sure enough to be a reason."""
        return scene.shows(self.claim) and (not self.seen or scene.measures.get(self.seen, 0.0) >= _NAMED)

    def strength(self, measures: Mapping[str, float], facts: object) -> float:
        """0-1; 0 when it was not measured and the file does not say.

        Args:
            measures: a scene's.
            facts: what the file says (photometa.Facts).
        """
        value = measures.get(self.measure, getattr(facts, self.measure, None))
        if not isinstance(value, int | float) or not math.isfinite(value):
            return 0.0
        return min(1.0, max(0.0, (float(value) - self.none) / (self.full - self.none)))


@dataclass(frozen=True, slots=True)
class Weights:
    """What was fitted: for each answer a weight of each clue, and what is added before any."""

    start: Mapping[str, float]
    clues: Mapping[str, Mapping[str, float]]
    """Clue -> answer -> weight."""

    def sums(self, strengths: Mapping[str, float]) -> dict[str, float]:
        """For each answer the sum of its weighted clues: log-odds."""
        found = dict(self.start)
        for name, strength in strengths.items():
            for answer, weight in self.clues.get(name, {}).items():
                found[answer] += weight * strength
        return found


def read_clues(entries: list[Mapping[str, Any]], besides: str = "") -> tuple[Clue, ...]:
    """The clues of a TOML file's tables.

    Args:
        besides: a key that the tables have and clues have not.
    """
    return tuple(Clue(**{key: value for key, value in entry.items() if key != besides}) for entry in entries)


@functools.cache
def read_weights(package: str, name: str) -> Mapping[bool, Weights]:
    """The weights of a packaged file, by whether the detectors looked."""
    data = tomllib.loads(files(package).joinpath(name).read_text("utf-8"))
    return {True: _weights(data["with_detectors"]), False: _weights(data["without_detectors"])}


def _weights(table: Mapping[str, Any]) -> Weights:
    return Weights(table["start"], {name: weights for name, weights in table.items() if name != "start"})
