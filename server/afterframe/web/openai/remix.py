"""A new video of a finished one's photo, with another prompt: remix, and edits, which newer clients ask for."""

from __future__ import annotations

from contextlib import closing

from afterframe.errors import NotFound, UsageError
from afterframe.intake.ingest import RenderRequest
from afterframe.recipe import validate
from afterframe.web.api.animate import resolve_generator
from afterframe.web.api.clips import unchanged_settings
from afterframe.web.auth.allowed_paths import open_regular
from afterframe.web.connections.entry import Lane
from afterframe.web.http import schemas
from afterframe.web.http.forms import FILE, Upload
from afterframe.web.http.routes import Call, Caller, Routes
from afterframe.web.http.schemas import Json, form
from afterframe.web.openai.create import PROMPT
from afterframe.web.openai.video_resource import VIDEO, finished_clip, video_json, video_store

ROUTES = Routes()


@ROUTES.add(
    "POST",
    "/v1/videos/<video_id>/remix",
    "A new video of the same photo with another prompt, everything else unchanged.",
    lane=Lane.PHOTOS,
    caller=Caller.TOKEN,
    body=form({"prompt": PROMPT}),
    answer=VIDEO,
)
def remix_video(call: Call) -> Json:
    """Queue a variant of a finished video."""
    return _remix(call, call.args["video_id"], call.body["prompt"])


@ROUTES.add(
    "POST",
    "/v1/videos/edits",
    "The same as remix, as newer clients request it. Only for videos made here.",
    lane=Lane.PHOTOS,
    caller=Caller.TOKEN,
    body=form({"prompt": PROMPT, "video": form({"id": schemas.ID})}),
    form=form({"prompt": PROMPT, "video": FILE, "video[id]": schemas.ID}, needs=("prompt",)),
    answer=VIDEO,
)
def edit_video(call: Call) -> Json:
    """Queue a variant of a finished video."""
    source = call.body.get("video")
    video_id = source["id"] if isinstance(source, dict) else call.body.get("video[id]")
    if video_id is None:
        raise UsageError(
            "Afterframe only edits videos that it made itself.",
            "Name one: video={“id”: ...}.",
            code="no_photo",
        )
    return _remix(call, video_id, call.body["prompt"])


def _remix(call: Call, video_id: str, prompt: str) -> Json:
    services, store = call.services, video_store(call.services)
    source = store.get(video_id)
    try:
        clip = finished_clip(services, source)
    except NotFound as error:
        raise UsageError(error.message, error.hint, code=error.error_code) from error
    changes: dict[str, object] = {"prompt": prompt.strip()} if prompt.strip() else {}
    validate([("the request", changes)])
    order = RenderRequest(
        {"variants": 1, **changes},
        unchanged_settings(clip, changes),
        resolve_generator(clip.generator, services.settings, folders=True),
        parent_clip=clip.id,
        look=source.facts and "prompt" in changes,  # a prompt that is kept tells the look already
    )
    about = {"model": source.model, "prompt": prompt.strip(), "remixed_from": source.id}
    with (
        closing(Upload(source.photo, open_regular(store.photo(source)))) as upload,
        store.adding(upload, facts=source.facts, **about) as record,
    ):
        services.ingest.request(store.photo(record), order)
    return video_json(services, record)
