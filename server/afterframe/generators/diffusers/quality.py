"""What a quality of a recipe (fast, standard, best) asks of a model: the profile's own values, none in code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class StepCache:
    """What a step may take from the one before instead of computing it: quicker, and a little less exact.

    By diffusers' hooks of these names; for models that were not distilled.
    """

    kind: Literal["", "first_block", "mag", "taylor"] = ""
    """Nothing; FirstBlockCache, MagCache or TaylorSeer."""
    threshold: float = 0.05
    """The change below which a step is taken over (first_block), or the error that may add up (mag)."""
    skips: int = 1
    """Steps that may be taken over in a row (mag, taylor)."""
    ratios: tuple[float, ...] = ()
    """How much the model changes its input at each step beside the step before (mag), for any number of steps."""
    ratios_2: tuple[float, ...] = ()
    """The same for the second expert, where the model has two."""


NO_CACHE = StepCache()


@dataclass(frozen=True, slots=True)
class Level:
    """What one quality asks of the model. What it leaves out is as the profile says."""

    lora: str = ""
    """One of the profile's LoRAs, used where it is on this machine: its steps then, and nothing is taken over."""
    steps: int = 0
    megapixels: float = 0.0
    """A smaller picture, million pixels."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    cache: StepCache = NO_CACHE
