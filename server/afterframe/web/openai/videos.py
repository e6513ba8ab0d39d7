"""/v1/videos: OpenAI's Videos protocol, so that a client written for Sora 2 works against this machine.

A photo that comes with a request goes the way of every photo: read, composed, queued, rendered, published with its
sidecar. What a video is here: a folder with the photo, its record and its clip
(:mod:`~afterframe.web.openai.upload_store`), and one render.

The protocol as the ``openai`` package speaks it: openai/resources/videos.py, release 3.54.
"""

from __future__ import annotations

from flask import Response, jsonify

from afterframe.web.api.media import MEDIA
from afterframe.web.connections.entry import Lane
from afterframe.web.http import schemas
from afterframe.web.http.routes import Call, Caller, Routes
from afterframe.web.http.schemas import Json, form, listed, one_of
from afterframe.web.openai.content import VARIANTS, send_content
from afterframe.web.openai.video_resource import VIDEO, finished_clip, remove_video, video_json, video_store

ROUTES = Routes()
POLL_AFTER_MS = "500"
"""How often a polling client should ask, milliseconds."""
STOP_S = 10.0
"""How long a deletion waits for its render to stop; what stops later is removed later, seconds."""


@ROUTES.add("GET", "/v1/videos/<video_id>", "One video.", caller=Caller.TOKEN, answer=VIDEO)
def retrieve_video(call: Call) -> Response:
    """Its progress."""
    response = jsonify(video_json(call.services, video_store(call.services).get(call.args["video_id"])))
    response.headers["openai-poll-after-ms"] = POLL_AFTER_MS
    return response


@ROUTES.add(
    "GET",
    "/v1/videos",
    "The videos requested here, by time.",
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
    services, query = call.services, call.query
    records, more = video_store(services).page(
        after=query.get("after"), limit=query["limit"], newest_first=query.get("order", "desc") == "desc"
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
    lane=Lane.PICTURES,
    caller=Caller.TOKEN,
    query={"variant": one_of(*VARIANTS)},
    media=tuple(VARIANTS.values()),
    also=MEDIA,
)
def download_video_content(call: Call) -> Response:
    """Send one variant."""
    record = video_store(call.services).get(call.args["video_id"])
    return send_content(call, finished_clip(call.services, record), call.query.get("variant", "video"))


@ROUTES.add(
    "DELETE",
    "/v1/videos/<video_id>",
    "Stop a video's render and remove the uploaded photo, its clip and its sidecar.",
    caller=Caller.TOKEN,
    answer=form({"id": schemas.ID, "object": one_of("video.deleted"), "deleted": schemas.BOOLEAN}),
)
def delete_video(call: Call) -> Json:
    """Hide it at once; its files are removed as soon as its render has stopped."""
    services = call.services
    record = video_store(services).get(call.args["video_id"])
    video_store(services).mark_deleted(record)
    waited_until = call.context.monotonic() + STOP_S
    while not remove_video(services, record) and call.context.monotonic() < waited_until:
        if services.stopping.wait(0.05):
            break
    return {"id": record.id, "object": "video.deleted", "deleted": True}
