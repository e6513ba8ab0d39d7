"""Lists of renders that are no clip yet, chosen and ordered as the clips are."""

from __future__ import annotations

from afterframe.state.list_index import SORTS, UNFINISHED_STATES
from afterframe.web.api.clip_list import CHOICE, CHOICES, OUTLINE, SKIP, choice_of, outline_json
from afterframe.web.api.renders import PAGE
from afterframe.web.http import schemas
from afterframe.web.http.resources import render_json
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form, listed, one_of, ref

ROUTES = Routes()
OF_CLIPS = ("verdict", "rating")
"""What only clips can be chosen and ordered by."""
STATE: Json = {
    **one_of(*UNFINISHED_STATES),
    "description": "Left out: all of them. What is being put in place counts as running.",
}
UNFINISHED: dict[str, Json] = {
    "state": STATE,
    **{name: schema for name, schema in CHOICE.items() if name not in OF_CLIPS},
}
SORT: Json = {**one_of(*(sort for sort in SORTS if sort not in OF_CLIPS)), "default": "newest"}


@ROUTES.add(
    "GET",
    "/api/renders/unfinished",
    "Renders that are no clip yet: they wait, are being made, have failed or were cancelled. Newest first.",
    query={**UNFINISHED, "sort": SORT, **PAGE, "skip": SKIP},
    answer=form({"renders": listed(ref("Render")), "next": schemas.CURSOR}),
)
def list_unfinished(call: Call) -> Json:
    """A page of renders."""
    jobs, following = call.context.renders.page(
        choice_of(call),
        call.query.get("sort", "newest"),
        after=call.query.get("after"),
        skip=call.query.get("skip", 0),
        limit=call.query.get("limit", 50),
    )
    return {"renders": [render_json(job) for job in jobs], "next": following}


@ROUTES.add(
    "GET",
    "/api/renders/unfinished/outline",
    "How many of them there are under each heading of a list, in its order.",
    query={**UNFINISHED, "sort": SORT},
    answer=OUTLINE,
)
def outline_unfinished(call: Call) -> Json:
    """The headings of a list."""
    return outline_json(call.context.renders.sections(choice_of(call), call.query.get("sort", "newest")))


@ROUTES.add("GET", "/api/renders/unfinished/choices", "What they can be chosen by.", answer=CHOICES)
def list_unfinished_choices(call: Call) -> Json:
    """What there is to choose from."""
    return dict(call.context.renders.facets())
