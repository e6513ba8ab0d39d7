"""How the page words names, times and settings."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from afterframe.models import Recipe

PERCENT = frozenset({"motion_intensity", "style_consistency"})
LABELS = {
    "photo_type": "Kind of photo",
    "camera_movement": "Camera",
    "motion_intensity": "Motion",
    "style_consistency": "Faithfulness",
    "duration_s": "Length",
    "fps": "Frame rate",
    "size": "Size",
    "loop": "Loop",
    "direction": "Direction",
    "negative_prompt": "To be avoided",
    "seed": "Seed",
}
"""Recipe field -> its name on the page, in the order shown there."""

STATES = {
    "queued": "waiting",
    "running": "being made",
    "publishing": "being put in place",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}


def shown(name: object) -> str:
    """A name with its invisible characters made visible, so that it neither breaks nor reorders the page."""
    return "".join(map(_visible, str(name)))


def _visible(letter: str) -> str:
    if letter < " ":
        return chr(0x2400 + ord(letter))  # the Unicode block of control pictures
    return "\ufffd" if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") else letter


def file_name(path: object) -> str:
    """The last part of a path, to be shown."""
    return shown(PurePath(str(path)).name)


def duration(seconds: float | None) -> str:
    """A time that is left, roughly: nobody trusts an ETA that jumps."""
    if seconds is None:
        return ""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 90:
        return f"about {round(seconds / 10) * 10} s left"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min left"
    return f"about {seconds / 3600:.1f} h left"


def settings(recipe: Recipe) -> list[tuple[str, str, tuple[str, ...]]]:
    """(name, value, reasons) of each setting, for a person."""
    data = recipe.to_dict()
    return [(label, setting(name, data[name]), tuple(recipe.because.get(name, ()))) for name, label in LABELS.items()]


def setting(name: str, value: Any) -> str:
    """One setting's value in words."""
    if name in PERCENT:
        return f"{value:.0%}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    units: Mapping[str, Callable[[], str]] = {
        "duration_s": lambda: f"{value:g} s",
        "fps": lambda: f"{value} frames a second",
        "size": lambda: f"{value[0]} × {value[1]}",
        "direction": lambda: "the photo comes first" if value == "after" else "the photo comes last",
    }
    return units[name]() if name in units else str(value).replace("_", " ")


WORDS: dict[str, Any] = {
    "shown": shown,
    "file_name": file_name,
    "duration": duration,
    "settings": settings,
    "state_words": STATES,
}
"""What the templates may call."""
