"""Names, times and states in the reader's language.

The English texts are in the templates and scripts, and are the keys of languages/LANGUAGE.toml.
Reasons and errors from the daemon are in English only.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Protocol

from flask import Request

from afterframe.domain import JobState

FOLDER = Path(__file__).parents[1] / "languages"
LANGUAGES = {"en": "English", "de": "Deutsch", "ja": "日本語"}
COOKIE = "afterframe_language"

STATES = {
    JobState.QUEUED: "waiting",
    JobState.RUNNING: "being made",
    JobState.PUBLISHING: "being put in place",
    JobState.DONE: "done",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
}


class Translator(Protocol):
    """Gives a sentence in one language: ``t("Animate all {n}", n=3)``."""

    def __call__(self, text: str, /, **values: object) -> str:
        """The sentence, with its values."""
        ...


@cache
def dictionary(language: str) -> Mapping[str, str]:
    """English -> the language's own words; empty for English."""
    file = FOLDER / f"{language}.toml"
    return tomllib.loads(file.read_text("utf-8")) if file.exists() else {}


def translator(language: str) -> Translator:
    """What the templates call ``t``."""
    known = dictionary(language)

    def t(text: str, /, **values: object) -> str:
        found = known.get(text, text)
        for name, value in values.items():
            found = found.replace("{" + name + "}", str(value))
        return found

    return t


def language_of(request: Request) -> str:
    """The language that the reader chose, else the first of the browser's languages that we have."""
    chosen = request.cookies.get(COOKIE, "")
    return chosen if chosen in LANGUAGES else request.accept_languages.best_match(list(LANGUAGES)) or "en"


def shown(name: object) -> str:
    """A name with its invisible characters made visible, so that it neither breaks nor reorders the page."""
    return "".join(map(_visible, str(name)))


def _visible(letter: str) -> str:
    if letter < " ":
        return chr(0x2400 + ord(letter))  # the Unicode block of control pictures
    return "\ufffd" if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") else letter


def time_left(seconds: float | None, t: Translator) -> str:
    """Time left, roughly: nobody trusts an ETA that jumps."""
    if seconds is None:
        return ""
    if seconds < 10:
        return t("a few seconds left")
    if seconds < 90:
        return t("about {n} s left", n=round(seconds / 10) * 10)
    if seconds < 5400:
        return t("about {n} min left", n=round(seconds / 60))
    return t("about {n} h left", n=f"{seconds / 3600:.1f}")
