"""/v1/videos: OpenAI's Videos protocol, so that a client written for Sora 2 works against this machine.

A photo that comes with a request goes the way of every photo: read, composed, queued, rendered, published with its
sidecar. What a video is here: a folder with the photo, its record and its clip (see ``videos_shelf``), and one render.

The protocol as the ``openai`` package speaks it: openai/resources/videos.py, release 3.54.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from flask import Response, jsonify

from afterframe.config import Settings
from afterframe.domain import CameraMovement, Direction, GeneratorName, PhotoType
from afterframe.errors import NotFound, UsageError, shortened
from afterframe.generators import registry
from afterframe.intake.ingest import RenderRequest
from afterframe.recipe import validate
from afterframe.web.api.clips import kept
from afterframe.web.api.renders import known_generator
from afterframe.web.auth.paths import open_regular
from afterframe.web.http import schemas
from afterframe.web.http.forms import FILE, Upload
from afterframe.web.http.routes import Call, Caller, Routes
from afterframe.web.http.schemas import Json, form, listed, one_of
from afterframe.web.http.services import Services
from afterframe.web.openai.content import VARIANTS, send_variant
from afterframe.web.openai.files import files
from afterframe.web.openai.state import VIDEO, clear, clear_deleted, finished, video_json, videos

ROUTES = Routes()
FPS = 24
"""Of num_frames without fps."""
POLL_AFTER_MS = "500"
"""How often a client that polls should ask, milliseconds."""
STOP_S = 10.0
"""How long a deletion waits for its render to stop; what stops later is removed later, seconds."""
SIZE: Json = {"type": "string", "maxLength": 20, "description": "“1280x720”: exact, cropped around the subject."}
PROMPT: Json = {"type": "string", "description": "What happens in the clip."}
SECONDS: Json = {"type": ["string", "number"], "description": "The clip's length."}
MODEL: Json = {
    "type": "string",
    "maxLength": 200,
    "description": (
        "A generator of GET /v1/models, or GENERATOR:MODEL that is here; any other name means the default one. "
        "It is echoed."
    ),
}
EXTENSIONS: dict[str, Json] = {
    "facts": {
        "type": "boolean",
        "description": "False: the prompt goes to the model as it is. Else the photo's facts add its look.",
    },
    "num_frames": {"type": "integer", "minimum": 2, "maximum": 1200, "description": "Instead of seconds."},
    "fps": {"type": "integer"},
    "seed": {"type": "integer"},
    "negative_prompt": {"type": "string"},
    "motion_intensity": {"type": "number"},
    "style_consistency": {"type": "number"},
    "camera_movement": one_of(*CameraMovement),
    "photo_type": one_of(*PhotoType),
    "loop": {"type": "boolean"},
    "direction": one_of(*Direction),
}
"""Beyond the protocol: what a client sends as extra_body. Names and ranges are the recipe's (docs/recipe.md)."""
SETTINGS = EXTENSIONS.keys() - {"facts", "num_frames"}
IMAGE_URL = "input_reference[image_url]"
FILE_ID = "input_reference[file_id]"
BODY = {"prompt": PROMPT, "model": MODEL, "seconds": SECONDS, "size": SIZE, **EXTENSIONS}
REFERENCE = {
    **form({"image_url": {"type": "string", "description": "A data: URL."}, "file_id": schemas.TEXT}, needs=()),
    "description": "The photo.",
}


# -- create ------------------------------------------------------------------------------------


@ROUTES.add(
    "POST",
    "/v1/videos",
    "Animate the photo that is sent as input_reference.",
    caller=Caller.TOKEN,
    body=form({**BODY, "input_reference": REFERENCE}, needs=()),
    form=form({**BODY, "input_reference": FILE, IMAGE_URL: schemas.TEXT, FILE_ID: schemas.TEXT}, needs=()),
    answer=VIDEO,
)
def create_video(call: Call) -> Json:
    """Keep the photo and queue its render."""
    body, services = call.body, call.context.services
    prompt, facts = body.get("prompt", "").strip(), body.get("facts", True)
    overrides = _overrides(body, prompt)
    validate([("the request", overrides)])
    wish = RenderRequest(overrides, generator=_generator(body.get("model", ""), services.settings), look=facts)
    shelf = videos(services)
    clear_deleted(services)
    with (
        closing(_reference(services, body)) as upload,
        shelf.adding(upload, model=body.get("model", ""), prompt=prompt, facts=facts) as record,
    ):
        services.ingest.request(shelf.photo(record), wish)
    return video_json(services, record)


def _overrides(body: Mapping[str, Any], prompt: str) -> dict[str, object]:
    """The recipe settings of a request; what it leaves out follows from the photo."""
    overrides: dict[str, object] = {name: body[name] for name in SETTINGS if name in body}
    overrides |= (
        {"variants": 1} | ({"prompt": prompt} if prompt else {}) | ({"size": body["size"]} if "size" in body else {})
    )
    if "num_frames" in body:
        fps = body.get("fps", FPS)
        overrides |= {"fps": fps, "duration_s": body["num_frames"] / max(1, fps)}
    elif "seconds" in body:
        try:
            overrides["duration_s"] = float(body["seconds"])
        except (ValueError, OverflowError):
            raise UsageError(
                f"“seconds” cannot be “{shortened(body['seconds'])}”.", "Send a number, such as 4."
            ) from None
    return overrides


def _generator(model: str, settings: Settings) -> str | None:
    """The generator that a model's name means; None: the default one.

    Raises:
        UsageError: it names a generator of ours and a model that this one has not.
    """
    try:
        return registry.resolve(model, settings, folders=False) if model else None
    except UsageError:
        if GeneratorName.parse(model).kind in registry.available():
            raise
        return None


def _reference(services: Services, body: Mapping[str, Any]) -> Upload:
    """The photo of a request.

    Raises:
        UsageError: there is none, or it is not the photo itself.
        NotFound: no file has that id.
    """
    given = body.get("input_reference", {})
    if isinstance(given, Upload):
        return given
    url, file_id = given.get("image_url", body.get(IMAGE_URL)), given.get("file_id", body.get(FILE_ID))
    if file_id is not None and url is None:
        shelf = files(services)
        path = shelf.photo(shelf.get(file_id))
        return Upload(path.name, open_regular(path))
    if url is not None and file_id is None:
        return _of_data_url(url)
    raise UsageError(
        "Afterframe animates photographs, and this request has none.",
        "Send one photo as input_reference: a file, a data: URL or the id of an uploaded file.",
        code="no_photo",
    )


def _of_data_url(url: str) -> Upload:
    """RFC 2397, in Base64."""
    kind, _, data = url.partition(",")
    if not kind.startswith("data:"):
        raise UsageError(
            "Afterframe fetches nothing from the network.",
            "Send the photo itself: as a file, or as a data: URL in Base64.",
            code="remote_image",
        )
    try:
        return Upload("", io.BytesIO(base64.b64decode(data if kind.endswith(";base64") else "?", validate=True)))
    except (binascii.Error, ValueError) as error:
        raise UsageError(
            "The data: URL is not valid Base64.", "It begins with “data:image/jpeg;base64,”.", code="bad_data_url"
        ) from error


# -- look --------------------------------------------------------------------------------------


@ROUTES.add("GET", "/v1/videos/<video_id>", "One video.", caller=Caller.TOKEN, answer=VIDEO)
def retrieve_video(call: Call) -> Response:
    """How far it is."""
    response = jsonify(video_json(call.context.services, videos(call.context.services).get(call.args["video_id"])))
    response.headers["openai-poll-after-ms"] = POLL_AFTER_MS
    return response


@ROUTES.add(
    "GET",
    "/v1/videos",
    "The videos that were asked for here, by time.",
    caller=Caller.TOKEN,
    query={
        "after": {**schemas.ID, "description": "The last id of the page before."},
        "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
        "order": one_of("desc", "asc"),
    },
    answer=form(
        {
            "object": one_of("list"),
            "data": listed(VIDEO),
            "first_id": schemas.MAYBE_TEXT,
            "last_id": schemas.MAYBE_TEXT,
            "has_more": schemas.BOOLEAN,
        }
    ),
)
def list_videos(call: Call) -> Json:
    """A page of videos."""
    services, query = call.context.services, call.query
    records, more = videos(services).page(
        after=query.get("after"), limit=query.get("limit", 20), newest_first=query.get("order", "desc") == "desc"
    )
    return {
        "object": "list",
        "data": [video_json(services, record) for record in records],
        "first_id": records[0].id if records else None,
        "last_id": records[-1].id if records else None,
        "has_more": more,
    }


@ROUTES.add(
    "GET",
    "/v1/videos/<video_id>/content",
    "The clip, its first frame, or a sheet of its frames.",
    caller=Caller.TOKEN,
    query={"variant": one_of(*VARIANTS)},
    media=tuple(VARIANTS.values()),
    also={206: "The range that was asked for.", 304: "It is as it was.", 416: "It is shorter than that."},
)
def download_video_content(call: Call) -> Response:
    """Send one variant."""
    record = videos(call.context.services).get(call.args["video_id"])
    return send_variant(call, finished(call.context.services, record), call.query.get("variant", "video"))


# -- delete ------------------------------------------------------------------------------------


@ROUTES.add(
    "DELETE",
    "/v1/videos/<video_id>",
    "Stop a video's render and remove the photo that was sent, its clip and its sidecar.",
    caller=Caller.TOKEN,
    answer=form({"id": schemas.ID, "object": one_of("video.deleted"), "deleted": schemas.BOOLEAN}),
)
def delete_video(call: Call) -> Json:
    """Nothing of it is to be seen from now on; its files go as soon as its render has stopped."""
    services = call.context.services
    record = videos(services).get(call.args["video_id"])
    videos(services).mark_deleted(record)
    waited_until = call.context.monotonic() + STOP_S
    while not clear(services, record) and call.context.monotonic() < waited_until:
        if services.stopping.wait(0.05):
            break
    return {"id": record.id, "object": "video.deleted", "deleted": True}


# -- make another of it ------------------------------------------------------------------------


@ROUTES.add(
    "POST",
    "/v1/videos/<video_id>/remix",
    "A new video of the same photo, with another prompt and everything else as it was.",
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
    "What remix does, as newer clients ask for it. Only for videos that were made here.",
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
            "Afterframe edits only videos that it made, from their photos.",
            "Name one: video={“id”: ...}.",
            code="no_photo",
        )
    return _remix(call, video_id, call.body["prompt"])


def _remix(call: Call, video_id: str, prompt: str) -> Json:
    services, shelf = call.context.services, videos(call.context.services)
    source = shelf.get(video_id)
    try:
        clip = finished(services, source)
    except NotFound as error:
        raise UsageError(error.message, error.hint, code=error.error_code) from error
    changes: dict[str, object] = {"prompt": prompt.strip()} if prompt.strip() else {}
    validate([("the request", changes)])
    wish = RenderRequest(
        {"variants": 1, **changes},
        kept(clip, changes),
        known_generator(clip.generator, services.settings),
        parent_clip=clip.id,
        look=source.facts and "prompt" in changes,  # a prompt that is kept tells the look already
    )
    about = {"model": source.model, "prompt": prompt.strip(), "remixed_from": source.id}
    with (
        closing(Upload(source.photo, open_regular(shelf.photo(source)))) as upload,
        shelf.adding(upload, facts=source.facts, **about) as record,
    ):
        services.ingest.request(shelf.photo(record), wish)
    return video_json(services, record)
