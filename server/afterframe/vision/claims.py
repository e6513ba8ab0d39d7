"""What may be said to be in a picture: sky, water, leaves, people, a room; each only when it is sure.

A logistic regression for each over the clues of ``claims.toml``; ``scripts/fit_photo_type.py`` fits the weights.
"""

from __future__ import annotations

import functools
import math
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from importlib.resources import files

from afterframe.clues import Clue, read_clues, read_weights
from photometa.facts.facts import Facts


@functools.cache
def claim_clues() -> tuple[tuple[Clue, frozenset[str]], ...]:
    """The clues, each with the claims that it may speak for or against."""
    entries = tomllib.loads(files("afterframe.vision").joinpath("claims.toml").read_text("utf-8"))["clue"]
    clues = read_clues(entries, besides="claims")
    return tuple((clue, frozenset(entry["claims"])) for clue, entry in zip(clues, entries, strict=True))


@functools.cache
def claim_facts() -> tuple[str, ...]:
    """The fields of photometa's Facts that the clues ask for."""
    asked = {clue.measure for clue, _ in claim_clues()}
    return tuple(field.name for field in fields(Facts) if field.name in asked)


def weigh(measures: Mapping[str, float], facts: Facts, *, by_nets: bool) -> dict[str, float]:
    """How sure each claim is, 0-1.

    Args:
        measures: the scene's.
        facts: what the photo's file says.
        by_nets: whether the detectors looked.
    """
    fitted = read_weights("afterframe.vision", "claims_fit.toml")[by_nets]
    strengths = {clue.name: clue.strength(measures, facts) for clue, _ in claim_clues()}
    sums = fitted.sums(strengths)
    return {name: round(1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, value)))), 3) for name, value in sums.items()}
