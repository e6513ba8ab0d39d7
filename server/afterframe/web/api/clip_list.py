"""Lists of clips: chosen, ordered, laid out by groups, a page at a time."""

from __future__ import annotations

from datetime import date
from typing import Any

from afterframe.domain import PhotoType, Verdict
from afterframe.errors import UsageError
from afterframe.state.list_index import SHARED, SORTS, Group, ListFilter
from afterframe.web.api.renders import PAGE
from afterframe.web.http import schemas
from afterframe.web.http.resources import clip_json
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form, listed, one_of, ref

ROUTES = Routes()

DAY: Json = {"type": "string", "format": "date"}
CHOICE: dict[str, Json] = {
    "verdict": one_of(*Verdict),
    "rating": {"type": "integer", "minimum": 0, "maximum": 5, "description": "At least so many stars."},
    **{name: {"type": "string", "maxLength": 200} for name in SHARED},
    "photo_type": one_of(*PhotoType),
    "folder": {**schemas.PATH, "description": "The photo's own folder."},
    "since": {**DAY, "description": "The first day that the photo was taken on, as 2026-03-14."},
    "until": {**DAY, "description": "The last day."},
    "text": {
        "type": "string",
        "maxLength": 500,
        "description": "Words, each of which stands in caption, keywords, place, prompt or file name.",
    },
}
SORT: Json = {**one_of(*SORTS), "default": "newest"}
SKIP: Json = {
    "type": "integer",
    "minimum": 0,
    "maximum": schemas.LARGEST,
    "description": "How many to leave out first, to begin anywhere in the list.",
}
OUTLINE = form(
    {
        "total": schemas.COUNT,
        "groups": listed(
            form(
                {
                    "count": schemas.COUNT,
                    "made_day": schemas.TEXT,
                    "taken_day": {**schemas.TEXT, "description": "Empty: unknown."},
                    "folder": schemas.KEPT_PATH,
                    "rating": schemas.WHOLE,
                },
                needs=("count",),
            )
        ),
    }
)
CHOICES = form({name: listed(schemas.TEXT) for name in SHARED})


@ROUTES.add(
    "GET",
    "/api/clips",
    "Clips; newest first unless asked otherwise.",
    query={**CHOICE, "sort": SORT, **PAGE, "skip": SKIP},
    answer=form({"clips": listed(ref("Clip")), "next": schemas.CURSOR}),
)
def list_clips(call: Call) -> Json:
    """A page of clips."""
    clips, following = call.context.clips.page(
        choice_of(call),
        call.query.get("sort", "newest"),
        after=call.query.get("after"),
        skip=call.query.get("skip", 0),
        limit=call.query.get("limit", 50),
    )
    return {"clips": [clip_json(clip) for clip in clips], "next": following}


@ROUTES.add(
    "GET",
    "/api/clips/outline",
    "How many clips there are under each heading of a list, in its order.",
    query={**CHOICE, "sort": SORT},
    answer=OUTLINE,
)
def outline_clips(call: Call) -> Json:
    """The headings of a list."""
    return outline_json(call.context.clips.sections(choice_of(call), call.query.get("sort", "newest")))


def outline_json(groups: list[Group]) -> Json:
    """Headings, and how many stand under all of them."""
    return {
        "total": sum(group.count for group in groups),
        "groups": [{"count": group.count, **group.labels} for group in groups],
    }


@ROUTES.add(
    "GET",
    "/api/clips/choices",
    "What clips can be chosen by: the folders, cameras, lenses and kinds of photo that there are.",
    answer=CHOICES,
)
def list_choices(call: Call) -> Json:
    """What there is to choose from."""
    return dict(call.context.clips.facets())


def choice_of(call: Call) -> ListFilter:
    """The choice that a request's query makes.

    Raises:
        UsageError: a day is none.
    """
    values: dict[str, Any] = {name: call.query[name] for name in (*CHOICE, "state") if name in call.query}
    for name in ("since", "until"):
        if not _is_day(values.get(name, "2000-01-01")):
            raise UsageError(f"“{name}” must be a day.", "As 2026-03-14.")
    return ListFilter.of(**values)


def _is_day(text: str) -> bool:
    try:
        # ISO 8601 has other spellings too (20260314), which do not compare as text.
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
