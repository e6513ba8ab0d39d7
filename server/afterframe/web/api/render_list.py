"""Lists of unfinished renders, filtered and sorted as clips are."""

from __future__ import annotations

from afterframe.state.list_index import SORTS, UNFINISHED_STATES
from afterframe.web.api.clip_list import FACETS, FILTERS, SECTIONS, SKIP, outline_of, page_of
from afterframe.web.api.renders import PAGE
from afterframe.web.http import schemas
from afterframe.web.http.resources import render_json
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form, listed, one_of, ref

ROUTES = Routes()
OF_CLIPS = ("verdict", "rating")
"""Filters and orders that only clips have."""
STATE: Json = {
    **one_of(*UNFINISHED_STATES),
    "description": "Omitted: all of them. Publishing counts as running.",
}
UNFINISHED: dict[str, Json] = {
    "state": STATE,
    **{name: schema for name, schema in FILTERS.items() if name not in OF_CLIPS},
}
SORT: Json = {**one_of(*(sort for sort in SORTS if sort not in OF_CLIPS)), "default": "newest"}


@ROUTES.add(
    "GET",
    "/api/renders/unfinished",
    "Unfinished renders: queued, running, failed or cancelled. Newest first.",
    query={**UNFINISHED, "sort": SORT, **PAGE, "skip": SKIP},
    answer=form({"renders": listed(ref("Render")), "next": schemas.CURSOR}),
)
def list_unfinished(call: Call) -> Json:
    """A page of renders."""
    jobs, following = page_of(call, call.context.renders)
    return {"renders": [render_json(job) for job in jobs], "next": following}


@ROUTES.add(
    "GET",
    "/api/renders/unfinished/outline",
    "How many renders each section of a list has, in order.",
    query={**UNFINISHED, "sort": SORT},
    answer=SECTIONS,
)
def outline_unfinished(call: Call) -> Json:
    """The sections of a list."""
    return outline_of(call, call.context.renders)


@ROUTES.add("GET", "/api/renders/unfinished/choices", "The values that they can be filtered by.", answer=FACETS)
def list_unfinished_choices(call: Call) -> Json:
    """The values to filter by."""
    return dict(call.context.renders.facets())
