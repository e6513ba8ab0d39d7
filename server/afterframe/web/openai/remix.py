"""A new video from a finished one: with another prompt (remix, and edits, as newer clients ask), or longer (extend)."""

from __future__ import annotations

from contextlib import closing

from afterframe.domain import Clip
from afterframe.errors import NotFound, UsageError, shortened
from afterframe.intake.extension import extension_of
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
from afterframe.web.openai.create import PROMPT, SECONDS
from afterframe.web.openai.upload_store import UploadRecord
from afterframe.web.openai.video_resource import VIDEO, finished_clip, video_json, video_store

ROUTES = Routes()
EXTENDED_S = 4.0
"""Length of a part when none is asked for, seconds."""


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
    return _remix(call, _named(call, "edits"), call.body["prompt"])


@ROUTES.add(
    "POST",
    "/v1/videos/extensions",
    "A new video: a finished one, and another part that begins with its last frame. Only for videos made here.",
    lane=Lane.PHOTOS,
    caller=Caller.TOKEN,
    body=form({"prompt": PROMPT, "seconds": SECONDS, "video": form({"id": schemas.ID})}, needs=("video",)),
    form=form({"prompt": PROMPT, "seconds": SECONDS, "video": FILE, "video[id]": schemas.ID}, needs=()),
    answer=VIDEO,
)
def extend_video(call: Call) -> Json:
    """Queue a longer video."""
    source = video_store(call.services).get(_named(call, "extends"))
    clip = _clip_of(call, source)
    prompt = str(call.body.get("prompt") or "").strip()
    changes: dict[str, object] = {"prompt": prompt} if prompt else {}
    generator = resolve_generator(clip.generator, call.services.settings, folders=True) or clip.generator
    seconds = _seconds(call.body.get("seconds", EXTENDED_S))
    order = extension_of(clip, seconds, generator, changes, look=bool(source.facts and prompt))
    return _queued(call, source, order, prompt)


def _seconds(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise UsageError(
            f"seconds is {shortened(repr(value))}, which is no number.", "Such as “4”.", code="bad_request"
        ) from None


def _named(call: Call, does: str) -> str:
    """The id of the video that a request names."""
    source = call.body.get("video")
    video_id = source["id"] if isinstance(source, dict) else call.body.get("video[id]")
    if video_id is None:
        raise UsageError(
            f"Afterframe only {does} videos that it made itself.",
            "Name one: video={“id”: ...}.",
            code="no_photo",
        )
    return str(video_id)


def _clip_of(call: Call, source: UploadRecord) -> Clip:
    try:
        return finished_clip(call.services, source)
    except NotFound as error:
        raise UsageError(error.message, error.hint, code=error.error_code) from error


def _remix(call: Call, video_id: str, prompt: str) -> Json:
    source = video_store(call.services).get(video_id)
    clip = _clip_of(call, source)
    changes: dict[str, object] = {"prompt": prompt.strip()} if prompt.strip() else {}
    validate([("the request", changes)])
    order = RenderRequest(
        {"variants": 1, **changes},
        unchanged_settings(clip, changes),
        resolve_generator(clip.generator, call.services.settings, folders=True),
        parent_clip=clip.id,
        look=source.facts and "prompt" in changes,  # a prompt that is kept tells the look already
    )
    return _queued(call, source, order, prompt.strip())


def _queued(call: Call, source: UploadRecord, order: RenderRequest, prompt: str) -> Json:
    services, store = call.services, video_store(call.services)
    about = {"model": source.model, "prompt": prompt, "remixed_from": source.id}
    with (
        closing(Upload(source.photo, open_regular(store.photo(source)))) as upload,
        store.adding(upload, facts=source.facts, **about) as record,
    ):
        services.ingest.request(store.photo(record), order)
    return video_json(services, record)
