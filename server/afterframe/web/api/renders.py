"""Asking for clips: animate, look photos up, preview a recipe, follow and stop renders."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from afterframe.config import Settings
from afterframe.domain import JobState
from afterframe.errors import AfterframeError, NotAllowed, NotFound, UsageError, WrongState
from afterframe.generators import registry
from afterframe.intake.ingest import RenderRequest
from afterframe.recipe import validate
from afterframe.state.queue import Queue
from afterframe.web.http import schemas
from afterframe.web.http.errors import OUR_FAULT
from afterframe.web.http.resources import clip_json, reason_json, recipe_json, render_json
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form, listed, one_of, ref

ROUTES = Routes()
PAGE = {
    "after": {"type": "integer", "minimum": 0, "maximum": schemas.LARGEST},
    "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
}
PAGE_SIZE = 500
RETRYABLE = tuple(state for state in JobState if state.retryable)
REFUSED = form({"path": schemas.KEPT_PATH, "reason": ref("Reason")})

STOPPING = WrongState("Afterframe is being stopped.", "Ask again when it runs.", code="stopping")

log = logging.getLogger(__name__)


@ROUTES.add(
    "POST",
    "/api/animate",
    "Animate photos. One that cannot be animated is named with its reason; the others go on.",
    body=form(
        {
            "photos": listed(schemas.PATH, at_most=schemas.MAX_PHOTOS),
            "recipe": schemas.OVERRIDES,
            "generator": schemas.NAME,
            "variants": schemas.VARIANTS,
            "idempotency_key": {
                "type": "string",
                "minLength": 1,
                "maxLength": 200,
                "description": "The same key within a day gives the same answer, and animates nothing again.",
            },
        },
        needs=("photos",),
    ),
    answer=form({"renders": listed(ref("Render")), "refused": listed(REFUSED)}),
    status=202,
)
def animate(call: Call) -> Json:
    """Queue what can be queued, and say why the rest cannot."""
    key = f"animate:{call.body['idempotency_key']}" if "idempotency_key" in call.body else ""
    if key and (earlier := _earlier_answer(call, key)) is not None:
        return earlier
    wish = _wish(call.body, call.context.services.settings)
    renders: list[Json] = []
    refused: list[Json] = []
    allowed: list[tuple[str, Path]] = []
    for given in call.body["photos"]:
        try:
            allowed.append((given, call.context.paths.photo(given)))
        except AfterframeError as error:
            refused.append({"path": given, "reason": error.to_dict()})
    stopping = call.context.services.stopping
    results = call.context.services.ingest.request_many([path for _, path in allowed], wish)
    for given, _ in allowed:
        result = STOPPING if stopping.is_set() else next(results)
        if isinstance(result, Exception):
            refused.append({"path": given, "reason": _reason(given, result)})
        else:
            renders += [render_json(job, given) for job in result]
    answer = {"renders": renders, "refused": refused}
    if key and not stopping.is_set():
        call.context.services.answers.put(key, {"asked": _digest(call.body), "answer": answer})
    return answer


def _reason(given: str, error: Exception) -> Json:
    if isinstance(error, AfterframeError):
        return error.to_dict()
    log.error("could not take %r", given, exc_info=error)
    return OUR_FAULT


def _wish(body: Mapping[str, Any], settings: Settings) -> RenderRequest:
    """What holds for every photo of the request; refused as a whole when it makes no sense."""
    overrides = dict(body.get("recipe", {}))
    if "variants" in body:
        overrides["variants"] = body["variants"]
    validate([("the request", overrides)])
    return RenderRequest(overrides, generator=known_generator(body.get("generator"), settings))


def known_generator(name: str | None, settings: Settings, *, folders: bool = False) -> str | None:
    """A generator's name, checked.

    Args:
        folders: its model may be a folder: never where the name comes from outside.
    Raises:
        UsageError: it is not installed.
    """
    try:
        return registry.resolve(name, settings, folders=folders) if name else None
    except NotFound as error:
        raise UsageError(error.message, error.hint, code=error.error_code) from error


def _earlier_answer(call: Call, key: str) -> Json | None:
    kept = call.context.services.answers.get(key)
    if kept is None:
        return None
    if kept["asked"] != _digest(call.body):
        raise WrongState("This idempotency key was used for another request.", "Use a new key.", code="key_reused")
    answer: Json = kept["answer"]
    return answer


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


LOOKED_UP = form(
    {
        "path": schemas.KEPT_PATH,
        "state": {
            **one_of("unknown", "missing", "outside", "waiting", "refused", "known", *JobState),
            "description": "The newest render's state; else what is known of the photo.",
        },
        "error": ref("MaybeReason"),
        "renders": {**listed(ref("Render")), "description": "Oldest first."},
        "clips": {**listed(ref("Clip")), "description": "Oldest first; deleted ones are left out."},
    }
)


@ROUTES.add(
    "POST",
    "/api/photos/lookup",
    "What is known of photos: state, renders and clips of each.",
    body=form({"paths": listed(schemas.PATH, at_most=schemas.MAX_PHOTOS)}),
    answer=form({"photos": listed(LOOKED_UP)}),
)
def lookup_photos(call: Call) -> Json:
    """Look many photos up at once."""
    return {"photos": [_looked_up(call, given) for given in call.body["paths"]]}


def _looked_up(call: Call, given: str) -> Json:
    catalog, queue = call.context.services.catalog, call.context.services.queue
    entry: Json = {"path": given, "state": "unknown", "error": None, "renders": [], "clips": []}
    try:
        path = call.context.paths.path(given)
    except (NotAllowed, UsageError) as error:
        return {**entry, "state": "outside", "error": error.to_dict()}
    photo, problem = catalog.photo_at(path), catalog.problem_at(path)
    jobs = queue.of_photo(photo.id) if photo else []
    clips = [clip for clip in catalog.clips_of(photo.id) if clip.present] if photo else []
    if problem:
        entry["state"] = "waiting" if catalog.is_on_hold(path) else "refused"
        entry["error"] = reason_json(problem)
    elif jobs:
        entry["state"] = str(jobs[-1].state)
        entry["error"] = reason_json(jobs[-1].error) if jobs[-1].error else None
    elif photo:
        entry["state"] = "done" if clips else "known"
    elif not os.path.exists(path):  # noqa: PTH110 - False, not an error, for one that may not be looked at
        entry["state"] = "missing"
    entry["renders"] = [render_json(job, given) for job in jobs]
    entry["clips"] = [clip_json(clip, given) for clip in clips]
    return entry


@ROUTES.add(
    "POST",
    "/api/recipe",
    "The recipe that would be used for a photo, with its reasons. Nothing is queued.",
    body=form({"photo": schemas.PATH, "overrides": schemas.OVERRIDES}, needs=("photo",)),
    answer=form({"photo": schemas.KEPT_PATH, "recipe": ref("Recipe")}),
)
def preview_recipe(call: Call) -> Json:
    """Compose a recipe."""
    given = call.body["photo"]
    overrides = call.body.get("overrides", {})
    validate([("the request", overrides)])
    recipe = call.context.services.ingest.preview(call.context.paths.photo(given), overrides)
    return {"photo": given, "recipe": recipe_json(recipe)}


@ROUTES.add(
    "GET",
    "/api/renders",
    "Renders, newest first.",
    query={**PAGE, "state": one_of(*JobState)},
    answer=form({"renders": listed(ref("Render")), "next": schemas.CURSOR}),
)
def list_renders(call: Call) -> Json:
    """A page of renders."""
    states = [call.query["state"]] if "state" in call.query else []
    jobs, following = call.context.services.queue.page(
        after=call.query.get("after"), limit=call.query.get("limit", 50), states=states
    )
    return {"renders": [render_json(job) for job in jobs], "next": following}


@ROUTES.add("GET", "/api/renders/<render_id>", "One render.", answer=ref("Render"))
def get_render(call: Call) -> Json:
    """One render."""
    return render_json(call.context.services.queue.get(call.args["render_id"]))


@ROUTES.add(
    "POST",
    "/api/renders/<render_id>/cancel",
    "Stop a render: at once when it waits, within a frame when it runs.",
    answer=ref("Render"),
)
def cancel_render(call: Call) -> Json:
    """Stop one render."""
    return render_json(call.context.services.queue.cancel(call.args["render_id"]))


@ROUTES.add(
    "POST",
    "/api/renders/cancel",
    "Stop many renders at once; those that have ended, or are unknown, are left alone.",
    body=form({"renders": listed(schemas.ID, at_most=schemas.MAX_PHOTOS)}),
    answer=form({"renders": {**listed(ref("Render")), "description": "Those that are stopped."}}),
)
def cancel_renders(call: Call) -> Json:
    """Stop what of them waits or runs."""
    services = call.context.services
    stopped = []
    with services.database.transaction():
        for render_id in dict.fromkeys(call.body["renders"]):
            with contextlib.suppress(NotFound, WrongState):
                stopped.append(services.queue.cancel(render_id))
    return {"renders": [render_json(job) for job in stopped]}


@ROUTES.add(
    "POST",
    "/api/renders/<render_id>/retry",
    "Queue a failed or cancelled render again.",
    answer=ref("Render"),
)
def retry_render(call: Call) -> Json:
    """Queue one render again."""
    return render_json(call.context.services.queue.retry(call.args["render_id"]))


@ROUTES.add(
    "POST",
    "/api/renders/retry",
    "Queue many renders again: those named, or all in a state. Unknown ones and those not ended are left alone.",
    body=form(
        {
            "renders": listed(schemas.ID, at_most=schemas.MAX_PHOTOS),
            "state": {**one_of(*RETRYABLE), "description": "All renders in this state."},
        },
        needs=(),
        at_least=1,
    ),
    answer=form({"retried": {**listed(schemas.ID), "description": "Those queued again, in their order."}}),
)
def retry_renders(call: Call) -> Json:
    """Queue what of them has failed or was cancelled again."""
    services = call.context.services
    retried = []
    with services.database.transaction():
        in_state = _all_in(services.queue, call.body["state"]) if "state" in call.body else []
        for render_id in dict.fromkeys([*call.body.get("renders", ()), *in_state]):
            with contextlib.suppress(NotFound, WrongState):
                retried.append(services.queue.retry(render_id).id)
    return {"retried": retried}


def _all_in(queue: Queue, state: str) -> list[str]:
    """Ids of every render in a state, in the order in which they were asked for."""
    found: list[str] = []
    after: int | None = None
    while True:
        jobs, after = queue.page(after=after, limit=PAGE_SIZE, states=[state])
        found += [job.id for job in jobs]
        if after is None:
            return found[::-1]
