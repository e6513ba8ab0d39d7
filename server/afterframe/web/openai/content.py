"""What /v1/videos/{id}/content sends: the clip, a thumbnail, a sheet of frames. Made once, then cached."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flask import Response
from PIL import Image

from afterframe.domain import Clip
from afterframe.encode.process import Encoding
from afterframe.encode.stills import write_sheet
from afterframe.system.files import FileCache
from afterframe.web.api.media import poster, send
from afterframe.web.auth.allowed_paths import open_regular
from afterframe.web.http.context import WebContext
from afterframe.web.http.routes import Call

VARIANTS = {"video": "video/mp4", "thumbnail": "image/webp", "spritesheet": "image/jpeg"}
"""Variant -> media type; as OpenAI's were."""
SHEET = (5, 5)
"""Frames of a sprite sheet: columns, rows."""
SHEET_FRAME = 256
"""Width of each, pixels."""


def send_content(call: Call, clip: Clip, variant: str) -> Response:
    """Send one variant of a clip, whole or in ranges.

    Raises:
        NotFound: the clip's file is missing, or is not the one that we wrote.
        EncodeError: ffmpeg failed.
    """
    makers: dict[str, Callable[[], Path]] = {
        "video": lambda: Path(clip.path),
        "thumbnail": lambda: _thumbnail(call.context, clip),
        "spritesheet": lambda: _sheet(call.context, clip),
    }
    return send(call.request, open_regular(makers[variant]()), VARIANTS[variant])


def _thumbnail(context: WebContext, clip: Clip) -> Path:
    def make(target: Path) -> None:
        with Image.open(poster(context, clip)) as image:
            image.save(target, "WEBP", quality=85)

    return _contents(context).get(f"{clip.sha256}.webp", make)


def _sheet(context: WebContext, clip: Clip) -> Path:
    render = context.services.config.render
    encoding = Encoding(render.ffmpeg, render.preset, render.crf)

    def make(target: Path) -> None:
        write_sheet(Path(clip.path), target, encoding, clip.recipe.frame_count, SHEET, SHEET_FRAME)

    return _contents(context).get(f"{clip.sha256}.sheet.jpg", make, context.poster_slots)


def _contents(context: WebContext) -> FileCache:
    return FileCache(context.services.home.cache / "videos")
