"""The takes that a clip was chosen from, while they are kept."""

from __future__ import annotations

import time
from dataclasses import asdict

from flask import Response

from afterframe.errors import NotFound
from afterframe.render.takes import TakeFolder
from afterframe.web.api.media import MEDIA, send
from afterframe.web.auth.allowed_paths import open_regular
from afterframe.web.connections.entry import Lane
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import BOOLEAN, COUNT, TEXT, Json, form, listed

ROUTES = Routes()
TAKE = form(
    {
        "number": {**COUNT, "description": "1 has the seed that was asked for."},
        "seed": COUNT,
        "taken": {**BOOLEAN, "description": "The one that was finished: the clip itself."},
        "reason": {**TEXT, "description": "Why it was taken, or why it lost."},
        "measures": {
            "type": "object",
            "additionalProperties": {"type": "number"},
            "description": "photo, drift, faces, flicker, motion, loop_seam, as afterframe.grade.takes names them.",
        },
        "file": {**TEXT, "description": "Where to fetch it, small in steps but of the clip's size."},
    }
)


@ROUTES.add(
    "GET",
    "/api/clips/<clip_id>/takes",
    "The takes that a clip was chosen from, with what each measured and why it lost; for a day, then none.",
    answer=form({"takes": listed(TAKE)}),
)
def get_takes(call: Call) -> Json:
    """A clip's takes."""
    clip_id, folder = call.args["clip_id"], _folder(call)
    takes = folder.takes(time.time()) if folder else []
    return {"takes": [{**asdict(take), "file": f"/api/clips/{clip_id}/takes/{take.number}"} for take in takes]}


@ROUTES.add(
    "GET",
    "/api/clips/<clip_id>/takes/<number>",
    "A take, whole or a range of it.",
    lane=Lane.PICTURES,
    media=("video/mp4",),
    also=MEDIA,
)
def get_take(call: Call) -> Response:
    """Send a take."""
    folder = _folder(call)
    kept = {str(take.number): take for take in (folder.takes(time.time()) if folder else [])}
    take = kept.get(call.args["number"])
    if folder is None or take is None:
        raise NotFound("There is no such take any more.", "Takes are kept for a day; render the clip again.")
    return send(call.request, open_regular(folder.file(take.number)), "video/mp4")


def _folder(call: Call) -> TakeFolder | None:
    clip = call.services.catalog.clip(call.args["clip_id"])
    maker = call.services.queue.maker_of(clip.id)
    return TakeFolder(call.services.home, maker.id) if maker else None
