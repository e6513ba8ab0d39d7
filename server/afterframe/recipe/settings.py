"""The fields that a person may set, their types and ranges."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from afterframe.domain import CameraMovement, Direction, PhotoType
from afterframe.errors import RecipeError, shortened

Overrides = Sequence[tuple[str, Mapping[str, object]]]
"""(who said it, what), strongest first: ("your words for this photo", {"duration_s": 3})."""

LONGEST_PROMPT = 2000
"""Characters."""
MAX_SIDE = 4096
MIN_SIDE = 64
Named = TypeVar("Named", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Setting:
    """One field: how its value is read, and what is allowed, in words."""

    read: Callable[[object], Any]
    """The value in its own type; raises ValueError when it is not allowed."""
    allowed: str


def _number(low: float, high: float) -> Setting:
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError
        if not low <= value <= high:
            raise ValueError
        return float(value)

    return Setting(read, f"a number from {low:g} to {high:g}")


def _whole(low: int, high: int) -> Setting:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise ValueError
        if not low <= value <= high:
            raise ValueError
        return int(value)

    return Setting(read, f"a whole number from {low} to {high}")


def _words(longest: int) -> Setting:
    def read(value: object) -> str:
        if not isinstance(value, str) or len(value) > longest:
            raise ValueError
        return value.strip()

    return Setting(read, f"words, at most {longest} characters")


def _one_of(names: type[Named]) -> Setting:
    def read(value: object) -> Named:
        if not isinstance(value, str):
            raise ValueError
        return names(value.strip().lower().replace("-", "_").replace(" ", "_"))

    return Setting(read, "one of " + ", ".join(names))


def _yes_or_no() -> Setting:
    def read(value: object) -> bool:
        if not isinstance(value, bool):
            raise ValueError
        return value

    return Setting(read, "true or false")


def _read_size(value: object) -> tuple[int, int]:
    if isinstance(value, str):
        value = value.lower().split("x")
    if not isinstance(value, Sequence) or len(value) != 2:
        raise ValueError
    sides = [int(side) for side in value]
    if any(str(side) != str(given).strip() for side, given in zip(sides, value, strict=True)):
        raise ValueError
    if any(side % 2 or not MIN_SIDE <= side <= MAX_SIDE for side in sides):
        raise ValueError
    return sides[0], sides[1]


SETTINGS: dict[str, Setting] = {
    "photo_type": _one_of(PhotoType),
    "prompt": _words(LONGEST_PROMPT),
    "negative_prompt": _words(LONGEST_PROMPT),
    "motion_intensity": _number(0.0, 1.0),
    "style_consistency": _number(0.0, 1.0),
    "camera_movement": _one_of(CameraMovement),
    "duration_s": _number(0.5, 20.0),
    "fps": _whole(8, 60),
    "size": Setting(_read_size, f"two even numbers from {MIN_SIDE} to {MAX_SIDE}, such as [1080, 1920] or “1080x1920”"),
    "long_side": _whole(MIN_SIDE, MAX_SIDE),
    "loop": _yes_or_no(),
    "direction": _one_of(Direction),
    "seed": _whole(0, 2**31 - 1),
    "variants": _whole(1, 16),
}


def validate(overrides: Overrides) -> None:
    """Check every override without composing a recipe.

    Raises:
        RecipeError: an unknown field, a wrong type or a value out of range; names the field, what is allowed
            and who said it.
    """
    for source, values in overrides:
        for name, value in values.items():
            read_setting(name, value, source)


def read_setting(name: str, value: object, source: str) -> Any:
    """The value of one override in its own type.

    Raises:
        RecipeError: as :func:`validate`.
    """
    setting = SETTINGS.get(name)
    if setting is None:
        raise RecipeError(
            f"{_opening(source)}: “{name}” is no setting of a recipe.",
            f"The settings are: {', '.join(SETTINGS)}.",
            code="unknown_setting",
        )
    try:
        return setting.read(value)
    except (ValueError, TypeError, OverflowError):
        raise RecipeError(
            f"{_opening(source)}: {name} is {shortened(repr(value))}; it must be {setting.allowed}.",
            f"Change {name} there.",
            code="setting_out_of_range",
        ) from None


def _opening(source: str) -> str:
    """A source at the start of a sentence; a file keeps its name."""
    return source[:1].upper() + source[1:] if source.partition(" ")[0].isalpha() else source
