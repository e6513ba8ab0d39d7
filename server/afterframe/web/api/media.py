"""A clip's file, whole or in ranges, and its poster."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from flask import Request, Response
from PIL import Image
from werkzeug.wsgi import FileWrapper

from afterframe.domain import Clip
from afterframe.encode.process import Encoding
from afterframe.encode.stills import write_poster
from afterframe.errors import NotFound
from afterframe.naming import POSTER_MARK
from afterframe.system.files import FileCache
from afterframe.system.hashing import sha256_of
from afterframe.web.api.clips import present_clip
from afterframe.web.auth.allowed_paths import open_regular
from afterframe.web.connections.entry import Lane
from afterframe.web.http.context import WebContext
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import one_of

ROUTES = Routes()
CHUNK = 256 << 10
MEDIA = {206: "The requested range.", 304: "Not modified.", 416: "The file is shorter."}
"""Other statuses of an answer with a file."""
SMALL_SIDE = 480
"""Long side of a small poster, pixels."""
_ONE_RANGE = re.compile(r"\s*bytes\s*=\s*(?:\d+\s*-\s*\d*|-\s*\d+)\s*", re.IGNORECASE)


@ROUTES.add(
    "GET",
    "/api/clips/<clip_id>/file",
    "The clip's file, whole or a range of it.",
    lane=Lane.PICTURES,
    media=("video/mp4",),
    also=MEDIA,
)
def get_clip_file(call: Call) -> Response:
    """Send the MP4."""
    clip = present_clip(call)
    return send(call.request, open_regular(Path(clip.path)), "video/mp4")


@ROUTES.add(
    "GET",
    "/api/clips/<clip_id>/sidecar",
    "The clip's sidecar, for a host on another machine that keeps a copy beside its photo.",
    media=("application/rdf+xml",),
    also=MEDIA,
)
def get_clip_sidecar(call: Call) -> Response:
    """Send the XMP."""
    clip = present_clip(call)
    return send(call.request, open_regular(Path(clip.sidecar_path)), "application/rdf+xml")


@ROUTES.add(
    "GET",
    "/api/clips/<clip_id>/poster",
    "The clip's first frame.",
    lane=Lane.PICTURES,
    query={"size": {**one_of("small", "full"), "default": "full"}},
    media=("image/jpeg",),
    also=MEDIA,
)
def get_clip_poster(call: Call) -> Response:
    """Send the poster, which is made on the first request."""
    clip = present_clip(call)
    file = small_poster(call.context, clip) if call.query["size"] == "small" else poster(call.context, clip)
    return send(call.request, open_regular(file), "image/jpeg")


def send(request: Request, file: BinaryIO, kind: str) -> Response:
    """Answer with an open file: conditional, and in ranges (RFC 9110, sections 13 and 14).

    Raises:
        RequestedRangeNotSatisfiable: the range lies beyond the end.
    """
    status = os.fstat(file.fileno())
    response = Response(FileWrapper(file, CHUNK), mimetype=kind)
    response.call_on_close(file.close)
    response.content_length = status.st_size
    response.set_etag(f"{status.st_size:x}-{status.st_mtime_ns:x}")
    response.last_modified = datetime.fromtimestamp(int(status.st_mtime), UTC)
    response.headers["Cache-Control"] = "private, no-cache"
    environ = dict(request.environ)
    # Several ranges at once, and units that we do not know, may be left alone: the whole file is sent.
    if not _ONE_RANGE.fullmatch(environ.get("HTTP_RANGE", "")):
        environ.pop("HTTP_RANGE", None)
    try:
        response.make_conditional(environ, accept_ranges=True, complete_length=status.st_size)
    except BaseException:
        file.close()
        raise
    return response


def small_poster(context: WebContext, clip: Clip) -> Path:
    """The poster as lists show it, made if it does not exist.

    Raises:
        NotFound, EncodeError: as :func:`poster`.
    """

    def make(part: Path) -> None:
        with Image.open(poster(context, clip)) as image:
            image.draft("RGB", (SMALL_SIDE, SMALL_SIDE))
            image.thumbnail((SMALL_SIDE, SMALL_SIDE))
            image.save(part, "JPEG", quality=82)

    return _posters(context).get(f"{clip.sha256}-small.jpg", make)


def poster(context: WebContext, clip: Clip) -> Path:
    """The poster's file in the cache, made if it does not exist.

    Raises:
        NotFound: the clip's file is missing, or is not the one that we wrote.
        EncodeError: ffmpeg failed.
    """

    def make(part: Path) -> None:
        source = Path(clip.path)
        open_regular(source).close()
        if sha256_of(source) != clip.sha256:
            raise NotFound(
                f"{source.name} is not the file that Afterframe wrote.",
                "Render the clip again.",
                code="clip_changed",
            )
        render = context.services.config.render
        write_poster(source, part, Encoding(render.ffmpeg, render.preset, render.crf), mark=POSTER_MARK)

    return _posters(context).get(f"{clip.sha256}.jpg", make, context.poster_slots)


def _posters(context: WebContext) -> FileCache:
    return FileCache(context.services.home.cache / "posters")
