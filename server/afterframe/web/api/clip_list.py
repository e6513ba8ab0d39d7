"""Lists of clips: filtered, sorted and grouped, a page at a time."""

from __future__ import annotations

from datetime import date
from typing import Any, TypeVar

from afterframe.domain import PhotoType, Verdict
from afterframe.errors import UsageError
from afterframe.state.list_index import SHARED, SORTS, ListFilter
from afterframe.state.listings import Listing
from afterframe.web.api.renders import PAGE
from afterframe.web.http import schemas
from afterframe.web.http.resources import clip_json
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form, listed, one_of, ref

ROUTES = Routes()
T = TypeVar("T")

DAY: Json = {"type": "string", "format": "date"}
FILTERS: dict[str, Json] = {
    "verdict": one_of(*Verdict),
    "rating": {"type": "integer", "minimum": 0, "maximum": 5, "description": "At least this many stars."},
    **{name: {"type": "string", "maxLength": 200} for name in SHARED},
    "photo_type": one_of(*PhotoType),
    "folder": {**schemas.PATH, "description": "The photo's own folder."},
    "since": {**DAY, "description": "The first day on which the photo was taken, for example 2026-03-14."},
    "until": {**DAY, "description": "The last day."},
    "text": {
        "type": "string",
        "maxLength": 500,
        "description": "Words that must all occur in caption, keywords, persons, place, prompt or file name.",
    },
}
SORT: Json = {**one_of(*SORTS), "default": "newest"}
SKIP: Json = {
    "type": "integer",
    "minimum": 0,
    "maximum": schemas.LARGEST,
    "description": "How many to skip, to start anywhere in the list.",
}
SECTIONS = form(
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
FACETS = form({name: listed(schemas.TEXT) for name in SHARED})


@ROUTES.add(
    "GET",
    "/api/clips",
    "Clips; newest first unless asked otherwise.",
    query={**FILTERS, "sort": SORT, **PAGE, "skip": SKIP},
    answer=form({"clips": listed(ref("Clip")), "next": schemas.CURSOR}),
)
def list_clips(call: Call) -> Json:
    """A page of clips."""
    clips, following = page_of(call, call.context.clips)
    return {"clips": [clip_json(clip) for clip in clips], "next": following}


@ROUTES.add(
    "GET",
    "/api/clips/outline",
    "How many clips each section of a list has, in order.",
    query={**FILTERS, "sort": SORT},
    answer=SECTIONS,
)
def outline_clips(call: Call) -> Json:
    """The sections of a list."""
    return outline_of(call, call.context.clips)


def page_of(call: Call, listing: Listing[T]) -> tuple[list[T], int | None]:
    """The page of a list that a request's query describes, and the cursor of the next one."""
    query = call.query
    return listing.page(
        list_filter(call), query["sort"], after=query.get("after"), skip=query.get("skip", 0), limit=query["limit"]
    )


def outline_of(call: Call, listing: Listing[Any]) -> Json:
    """The sections of that list, and how many entries all of them have."""
    groups = listing.sections(list_filter(call), call.query["sort"])
    return {
        "total": sum(group.count for group in groups),
        "groups": [{"count": group.count, **group.labels} for group in groups],
    }


@ROUTES.add(
    "GET",
    "/api/clips/choices",
    "The values that clips can be filtered by: folders, cameras, lenses and kinds of photo.",
    answer=FACETS,
)
def list_choices(call: Call) -> Json:
    """The values to filter by."""
    return dict(call.context.clips.facets())


def list_filter(call: Call) -> ListFilter:
    """The filter that a request's query describes.

    Raises:
        UsageError: a date is not valid.
    """
    values: dict[str, Any] = {name: call.query[name] for name in (*FILTERS, "state") if name in call.query}
    for name in ("since", "until"):
        if not _is_day(values.get(name, "2000-01-01")):
            raise UsageError(f"“{name}” must be a date.", "For example 2026-03-14.")
    return ListFilter.of(**values)


def _is_day(text: str) -> bool:
    try:
        # ISO 8601 has other spellings too (20260314), which do not compare as text.
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
