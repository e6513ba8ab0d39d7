"""What a clip is found, sorted and grouped by on the review page, taken from its photo's facts and its recipe. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any

WRITTEN = ("title", "caption", "sublocation", "city", "state", "country")
"""Facts in the photographer's words; the keywords come on top."""
LONGEST = 10_000
"""Characters of text that can be searched for one clip."""


@dataclass(frozen=True, slots=True)
class SearchKeys:
    """One clip's keys; "" where nothing is known."""

    folder: str
    name: str
    """The photo's file name."""
    made_day: str
    """ISO date on this machine's clock."""
    taken: str
    """ISO date and time on the camera's clock, without its offset."""
    photo_type: str
    camera: str
    lens: str
    words: str
    """Caption, keywords, place, prompt and file name, folded."""


def search_keys(photo_path: str, created_at: float, recipe: Mapping[str, Any], facts: Mapping[str, Any]) -> SearchKeys:
    """The keys of a clip.

    Args:
        created_at: Unix time, seconds.
        recipe: as JSON.
        facts: of the photo, as JSON; may be empty.
    """
    path = PurePath(photo_path)
    taken = str(facts.get("captured_at") or "")[:19]
    written = [str(facts[name]) for name in WRITTEN if facts.get(name)]
    keywords = [str(keyword) for keyword in facts.get("keywords") or ()]
    words = " ".join((*written, *keywords, str(recipe.get("prompt", "")), path.name))
    return SearchKeys(
        folder=str(path.parent),
        name=path.name,
        made_day=datetime.fromtimestamp(created_at).astimezone().date().isoformat(),
        taken=taken,
        photo_type=str(recipe.get("photo_type", "")),
        camera=camera_name(facts.get("camera_make"), facts.get("camera_model")),
        lens=str(facts.get("lens_name") or facts.get("lens") or ""),
        words=fold(words)[:LONGEST],
    )


def camera_name(make: str | None, model: str | None) -> str:
    """Maker and model as one name; most makers repeat themselves in the model."""
    make, model = (make or "").strip(), (model or "").strip()
    first = make.split(" ")[0]
    return model if first and model.casefold().startswith(first.casefold()) else f"{make} {model}".strip()


def fold(text: str) -> str:
    """Text without case and accents, in one form of Unicode, so that it is found however it was typed."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in parts if not unicodedata.combining(letter) and letter != "\0")
    return re.sub(r"\s+", " ", plain).strip()
