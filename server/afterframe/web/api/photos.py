"""What is known about photos, looked up by path, many at once."""

from __future__ import annotations

import os
from pathlib import Path

from afterframe.domain import Clip, Job, JobState
from afterframe.errors import NotAllowed, UsageError
from afterframe.web.http import schemas
from afterframe.web.http.resources import clip_json, reason_json, render_json
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form, listed, one_of, ref

ROUTES = Routes()
LOOKUP = form(
    {
        "path": schemas.KEPT_PATH,
        "state": {
            **one_of("unknown", "missing", "outside", "waiting", "refused", "known", *JobState),
            "description": "The newest render's state; else what is known about the photo.",
        },
        "error": ref("MaybeReason"),
        "renders": {**listed(ref("Render")), "description": "Oldest first."},
        "clips": {**listed(ref("Clip")), "description": "Oldest first, without deleted ones."},
    }
)


@ROUTES.add(
    "POST",
    "/api/photos/lookup",
    "What is known about photos: state, renders and clips of each.",
    body=form({"paths": listed(schemas.PATH, at_most=schemas.MAX_PHOTOS)}),
    answer=form({"photos": listed(LOOKUP)}),
)
def lookup_photos(call: Call) -> Json:
    """Look many photos up at once."""
    return {"photos": [_lookup(call, given) for given in call.body["paths"]]}


def _lookup(call: Call, given: str) -> Json:
    catalog = call.services.catalog
    try:
        path = call.context.paths.path(given)
    except (NotAllowed, UsageError) as error:
        return {"path": given, "state": "outside", "error": error.to_dict(), "renders": [], "clips": []}
    photo = catalog.photo_at(path)
    jobs = call.services.queue.of_photo(photo.id) if photo else []
    clips = [clip for clip in catalog.clips_of(photo.id) if clip.present] if photo else []
    problem = catalog.problem_at(path)
    why = problem or (jobs[-1].error if jobs else None)
    return {
        "path": given,
        "state": _rejected(call, path) if problem else _state(path, jobs, clips, known=photo is not None),
        "error": reason_json(why) if why else None,
        "renders": [render_json(job, given) for job in jobs],
        "clips": [clip_json(clip, given) for clip in clips],
    }


def _rejected(call: Call, path: Path) -> str:
    return "waiting" if call.services.catalog.is_on_hold(path) else "refused"


def _state(path: Path, jobs: list[Job], clips: list[Clip], *, known: bool) -> str:
    if jobs:
        return str(jobs[-1].state)
    if known:
        return "done" if clips else "known"
    there = os.path.exists(path)  # noqa: PTH110 - False, not an error, for one that may not be looked at
    return "unknown" if there else "missing"
