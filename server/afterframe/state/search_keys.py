"""Search, sort and group keys of clips and of unfinished renders, taken from the photo's facts and the recipe. Pure.

:class:`SearchKeys` is the only place that names them: the tables they are kept in
(:mod:`afterframe.state.search_key_tables`) and the lists in memory (:mod:`afterframe.state.list_index`) are made from
its fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from pathlib import PurePath
from typing import Any

from afterframe.state.folding import fold

WRITTEN = ("title", "caption", "sublocation", "city", "state", "country")
"""Facts in the photographer's words; keywords and persons come on top."""
LONGEST = 10_000
"""Characters of text that can be searched for one clip."""
REVISION = 2
"""Raise it when a key is computed in another way: kept keys are then computed again."""


class KeyKind(StrEnum):
    """What a list can do with a key."""

    SHARED = "shared"
    """A text that many entries have in common: filter, offer as a choice, sort and group by it."""
    OWN = "own"
    """A text of each entry's own: sort by it."""
    WORDS = "words"
    """Folded text: search in it."""
    DAY = "day"
    """An ISO date: sort and group by it."""
    MOMENT = "moment"
    """An ISO date and time: sort by it; sort, group and filter by its day, which is called NAME_day."""


def _key(kind: KeyKind) -> Any:
    return field(metadata={"kind": kind})


@dataclass(frozen=True, slots=True)
class SearchKeys:
    """One entry's keys, each a text; "" where nothing is known."""

    folder: str = _key(KeyKind.SHARED)
    name: str = _key(KeyKind.OWN)
    """The photo's file name."""
    made_day: str = _key(KeyKind.DAY)
    """On this machine's clock."""
    taken: str = _key(KeyKind.MOMENT)
    """On the camera's clock, without its offset."""
    photo_type: str = _key(KeyKind.SHARED)
    camera: str = _key(KeyKind.SHARED)
    lens: str = _key(KeyKind.SHARED)
    words: str = _key(KeyKind.WORDS)
    """Caption, keywords, persons, place, prompt and file name."""

    @classmethod
    def kinds(cls) -> dict[str, KeyKind]:
        """Name -> kind of every key, in order."""
        return {key.name: key.metadata["kind"] for key in fields(cls)}

    @classmethod
    def of_kind(cls, *kinds: KeyKind) -> tuple[str, ...]:
        """The names of the keys of some kinds, in order."""
        return tuple(name for name, kind in cls.kinds().items() if kind in kinds)

    def values(self) -> tuple[str, ...]:
        """Every key, in order."""
        return tuple(getattr(self, key.name) for key in fields(self))


def search_keys(photo_path: str, created_at: float, recipe: Mapping[str, Any], facts: Mapping[str, Any]) -> SearchKeys:
    """The keys of a clip or of a render.

    Args:
        created_at: Unix time, seconds.
        recipe: as JSON.
        facts: of the photo, as JSON; may be empty.
    """
    path = PurePath(photo_path)
    taken = str(facts.get("captured_at") or "")[:19]
    written = [str(facts[name]) for name in WRITTEN if facts.get(name)]
    keywords = [str(word) for name in ("keywords", "persons") for word in facts.get(name) or ()]
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
