"""Requests for clips: animate photos, preview a recipe."""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from afterframe.config import Settings
from afterframe.errors import AfterframeError, NotFound, Stopping, UsageError, WrongState
from afterframe.generators import registry
from afterframe.intake.ingest import RenderRequest
from afterframe.recipe import validate
from afterframe.web.connections.entry import Lane
from afterframe.web.http import schemas
from afterframe.web.http.errors import OUR_FAULT
from afterframe.web.http.resources import recipe_json, render_json
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form, listed, ref

ROUTES = Routes()
REFUSED = form({"path": schemas.KEPT_PATH, "reason": ref("Reason")})

log = logging.getLogger(__name__)


@ROUTES.add(
    "POST",
    "/api/animate",
    "Animate photos. Those that cannot be animated are listed with the reason.",
    lane=Lane.PHOTOS,
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
    order = render_request(call.body, call.services.settings)
    allowed, refused = _allowed(call)
    renders: list[Json] = []
    stopping = call.services.stopping
    results = call.services.ingest.request_many([path for _, path in allowed], order)
    for given, _ in allowed:
        result = Stopping() if stopping.is_set() else next(results)
        if isinstance(result, Exception):
            refused.append({"path": given, "reason": _reason(call, given, result)})
        else:
            renders += [render_json(job, given) for job in result]
    answer = {"renders": renders, "refused": refused}
    if key and not stopping.is_set():
        call.services.answers.put(key, {"asked": _digest(call.body), "answer": answer})
    return answer


def _allowed(call: Call) -> tuple[list[tuple[str, Path]], list[Json]]:
    """The photos that may be read, as (path as given, real path); and why the others may not."""
    allowed: list[tuple[str, Path]] = []
    refused: list[Json] = []
    for given in call.body["photos"]:
        try:
            allowed.append((given, call.context.paths.photo(given)))
        except AfterframeError as error:
            refused.append({"path": given, "reason": error.to_dict()})
    return allowed, refused


def _reason(call: Call, given: str, error: Exception) -> Json:
    if isinstance(error, sqlite3.Error):
        return call.services.database.note(error).to_dict()
    if isinstance(error, AfterframeError):
        return error.to_dict()
    log.error("could not take %r", given, exc_info=error)
    return OUR_FAULT


def render_request(body: Mapping[str, Any], settings: Settings) -> RenderRequest:
    """What holds for every photo of a request.

    Raises:
        RecipeError, UsageError: a setting or the generator cannot be used.
    """
    overrides = dict(body.get("recipe", {}))
    if "variants" in body:
        overrides["variants"] = body["variants"]
    validate([("the request", overrides)])
    return RenderRequest(overrides, generator=resolve_generator(body.get("generator"), settings))


def resolve_generator(name: str | None, settings: Settings, *, folders: bool = False) -> str | None:
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
    earlier = call.services.answers.get(key)
    if earlier is None:
        return None
    if earlier["asked"] != _digest(call.body):
        raise WrongState("This idempotency key was used for another request.", "Use a new key.", code="key_reused")
    answer: Json = earlier["answer"]
    return answer


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


@ROUTES.add(
    "POST",
    "/api/recipe",
    "The recipe that would be used for a photo, with its reasons. Nothing is queued.",
    lane=Lane.PHOTOS,
    body=form({"photo": schemas.PATH, "overrides": schemas.OVERRIDES}, needs=("photo",)),
    answer=form({"photo": schemas.KEPT_PATH, "recipe": ref("Recipe")}),
)
def preview_recipe(call: Call) -> Json:
    """Compose a recipe."""
    given = call.body["photo"]
    overrides = call.body.get("overrides", {})
    validate([("the request", overrides)])
    recipe = call.services.ingest.recipe_for(call.context.paths.photo(given), overrides)
    return {"photo": given, "recipe": recipe_json(recipe)}
