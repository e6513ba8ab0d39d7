"""Kinds of movement: waves, drifts, flows.

Every movement is a displacement field over the picture. It is zero at the first frame, so that the clip
starts from the photo itself, and completes whole cycles in a loop.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from afterframe.domain import Recipe
from afterframe.generators.parallax.camera import progress
from afterframe.generators.parallax.warp import Field

FLOW_CYCLE_S = 2.6
"""Time from a copy's appearance to its disappearance."""


@dataclass(frozen=True, slots=True)
class Wave:
    """A travelling wave: displacement sin(phase - turn) - sin(phase), times a size that varies over the picture."""

    sine: Field
    """size * sin(phase), pixels."""
    cosine: Field
    cycles_per_s: float

    def at(self, recipe: Recipe, moment: float) -> Field:
        """Pixels, (rows, columns, 2)."""
        cycles = self.cycles_per_s * recipe.duration_s
        turn = 2 * math.pi * moment * (max(1, round(cycles)) if recipe.loop else cycles)
        moved: Field = self.sine * np.float32(math.cos(turn) - 1.0) - self.cosine * np.float32(math.sin(turn))
        return moved


@dataclass(frozen=True, slots=True)
class Drift:
    """Something that moves along a path, with the camera's easing."""

    way: Field
    """Displacement at the end, pixels."""

    def at(self, recipe: Recipe, moment: float) -> Field:
        """Pixels, (rows, columns, 2)."""
        moved: Field = self.way * np.float32(progress(recipe, moment))
        return moved


@dataclass(frozen=True, slots=True)
class Flow:
    """Something that flows in one direction for ever, without a reset.

    Two copies, half a cycle apart, each carried along for one cycle and cross-faded so that each is invisible when it
    jumps back. After Neyret, "Advected textures", SCA 2003. At the first frame only the first copy shows, in
    place: it is the photo.
    """

    way: Field
    """Displacement in one cycle, pixels."""

    def at(self, recipe: Recipe, moment: float, copy: int) -> Field:
        """Displacement of a copy (0 or 1), pixels, (rows, columns, 2)."""
        moved: Field = self.way * np.float32((_turns(recipe, moment) + 0.5 * (1 - copy)) % 1.0 - 0.5)
        return moved

    def far(self, recipe: Recipe, moment: float) -> Field:
        """How far everything has really flowed since the first frame, pixels."""
        moved: Field = self.way * np.float32(_turns(recipe, moment))
        return moved


def second_share(recipe: Recipe, moment: float) -> float:
    """Opacity of the second copy of flowing areas, 0-1."""
    return math.sin(math.pi * _turns(recipe, moment)) ** 2


def _turns(recipe: Recipe, moment: float) -> float:
    cycles = recipe.duration_s / FLOW_CYCLE_S
    return moment * (max(1, round(cycles)) if recipe.loop else cycles)
