"""The fields that a person may set, their types and ranges."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from afterframe.domain import CameraMovement, Direction, PhotoType, Quality
from afterframe.errors import RecipeError, shortened

Overrides = Sequence[tuple[str, Mapping[str, object]]]
"""(who said it, what), strongest first: ("your words for this photo", {"duration_s": 3})."""

LONGEST_PROMPT = 2000
"""Characters."""
LONGEST_PATH = 4096
"""Characters."""
MIN_SIDE, MAX_SIDE = 64, 4096
"""Pixels."""


class ValueKind(StrEnum):
    """What a setting's value is."""

    NUMBER = "number"
    WHOLE = "whole"
    TEXT = "text"
    CHOICE = "choice"
    SWITCH = "switch"
    SIZE = "size"
    """(width, height), pixels."""


@dataclass(frozen=True, slots=True)
class RecipeSetting:
    """One field of a recipe: what its value is and may be. Commands, pages and the API take their ranges from here."""

    kind: ValueKind
    about: str
    """What it does, a sentence: the help of its option, its description in the API."""
    low: float = 0
    high: float = 0
    """Lowest and highest number, or side, pixels; for text the most characters."""
    step: float = 1
    """Between two values that a form offers; a side must be a multiple of it."""
    choices: type[StrEnum] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The values of a choice; none for other kinds."""
        return tuple(str(choice) for choice in self.choices or ())

    @property
    def allowed(self) -> str:
        """What its value may be, in words."""
        return {
            ValueKind.NUMBER: f"a number from {self.low:g} to {self.high:g}",
            ValueKind.WHOLE: f"a whole number from {self.low:.0f} to {self.high:.0f}",
            ValueKind.TEXT: f"words, at most {self.high:.0f} characters",
            ValueKind.CHOICE: "one of " + ", ".join(self.names),
            ValueKind.SWITCH: "true or false",
            ValueKind.SIZE: f"two even numbers from {self.low:.0f} to {self.high:.0f}, "
            "such as [1080, 1920] or “1080x1920”",
        }[self.kind]

    def read(self, value: object) -> Any:
        """The value in its own type.

        Raises:
            ValueError, TypeError, OverflowError: it is not allowed.
        """
        return _READERS[self.kind](self, value)


def _read_number(setting: RecipeSetting, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError
    if not setting.low <= value <= setting.high:
        raise ValueError
    return float(value)


def _read_whole(setting: RecipeSetting, value: object) -> int:
    number = _read_number(setting, value)
    if number != int(number):
        raise ValueError
    return int(number)


def _read_text(setting: RecipeSetting, value: object) -> str:
    if not isinstance(value, str) or len(value) > setting.high:
        raise ValueError
    return value.strip()


def _read_choice(setting: RecipeSetting, value: object) -> StrEnum:
    if not isinstance(value, str) or setting.choices is None:
        raise ValueError
    return setting.choices(value.strip().lower().replace("-", "_").replace(" ", "_"))


def _read_switch(_: RecipeSetting, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _read_size(setting: RecipeSetting, value: object) -> tuple[int, int]:
    if isinstance(value, str):
        value = value.lower().split("x")
    if not isinstance(value, Sequence) or len(value) != 2:
        raise ValueError
    sides = [int(side) for side in value]
    if any(str(side) != str(given).strip() for side, given in zip(sides, value, strict=True)):
        raise ValueError
    if any(side % setting.step or not setting.low <= side <= setting.high for side in sides):
        raise ValueError
    return sides[0], sides[1]


_READERS: Mapping[ValueKind, Callable[[RecipeSetting, object], Any]] = {
    ValueKind.NUMBER: _read_number,
    ValueKind.WHOLE: _read_whole,
    ValueKind.TEXT: _read_text,
    ValueKind.CHOICE: _read_choice,
    ValueKind.SWITCH: _read_switch,
    ValueKind.SIZE: _read_size,
}

SETTINGS: dict[str, RecipeSetting] = {
    "photo_type": RecipeSetting(ValueKind.CHOICE, "What kind of photo it is.", choices=PhotoType),
    "prompt": RecipeSetting(ValueKind.TEXT, "What happens in the clip.", high=LONGEST_PROMPT),
    "negative_prompt": RecipeSetting(ValueKind.TEXT, "What must not happen in the clip.", high=LONGEST_PROMPT),
    "motion_intensity": RecipeSetting(ValueKind.NUMBER, "How much moves; 0 is a still frame.", high=1, step=0.05),
    "style_consistency": RecipeSetting(ValueKind.NUMBER, "Faithfulness to the photo.", high=1, step=0.05),
    "camera_movement": RecipeSetting(ValueKind.CHOICE, "How the camera moves.", choices=CameraMovement),
    "duration_s": RecipeSetting(ValueKind.NUMBER, "Length, in seconds.", low=0.5, high=20, step=0.5),
    "fps": RecipeSetting(ValueKind.WHOLE, "Frames per second.", low=8, high=60),
    "size": RecipeSetting(
        ValueKind.SIZE, "Exact size; the photo is cropped around its subject.", low=MIN_SIDE, high=MAX_SIDE, step=2
    ),
    "long_side": RecipeSetting(
        ValueKind.WHOLE, "Long side in pixels, when no size is set.", low=MIN_SIDE, high=MAX_SIDE, step=2
    ),
    "loop": RecipeSetting(ValueKind.SWITCH, "End where the clip began."),
    "direction": RecipeSetting(
        ValueKind.CHOICE,
        "Whether the clip begins with the photo (after) or ends with it (before).",
        choices=Direction,
    ),
    "quality": RecipeSetting(
        ValueKind.CHOICE, "How much time the clip is worth; for clips of trained models.", choices=Quality
    ),
    "seed": RecipeSetting(ValueKind.WHOLE, "The same seed gives the same clip.", high=2**31 - 1),
    "takes": RecipeSetting(
        ValueKind.WHOLE,
        "Cheap takes that a model makes first, each with its own seed; the best is finished.",
        low=1,
        high=8,
    ),
    "end_photo": RecipeSetting(
        ValueKind.TEXT, "Another photo of the same place: the clip ends with it.", high=LONGEST_PATH
    ),
    "exact_photo": RecipeSetting(
        ValueKind.SWITCH, "The photo itself is the first frame of a model's clip, melted into the frames after it."
    ),
    "variants": RecipeSetting(ValueKind.WHOLE, "Clips per photo, each with its own seed.", low=1, high=16),
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
            f"{_opening(source)}: “{name}” is not a setting of a recipe.",
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
