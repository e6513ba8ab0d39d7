"""The interactive view: a photo drawn by its depth, which follows pointer, touch, tilt or keys.

As a page of this site, and as one HTML file for a client's gallery: picture, depth, style and script are inside it,
and its own policy lets nothing else in or out.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from urllib.parse import quote

from flask import Response, make_response, render_template

from afterframe.domain import Clip, Photo
from afterframe.web.api.clips import seen_photo
from afterframe.web.api.media import MEDIA, send
from afterframe.web.auth.allowed_paths import open_regular
from afterframe.web.connections.entry import Lane
from afterframe.web.http.routes import Call, Routes
from afterframe.web.pages.i18n import language_of, shown, translator
from afterframe.web.pages.pages import STATIC, keyed, media_key

ROUTES = Routes()
STYLE, SCRIPT = STATIC / "interactive.css", STATIC / "interactive.js"


@dataclass(frozen=True, slots=True)
class ViewContent:
    """What a page shows."""

    title: str
    caption: str
    credit: str
    picture: str
    """The address of a JPEG; in a file the picture itself, as a data: URI."""
    relief: str
    """Of a PNG of the same aspect; see :meth:`~afterframe.render.pictures.PictureMaker.relief`."""


@ROUTES.add(
    "GET",
    "/api/clips/<clip_id>/interactive",
    "A clip's photo as an interactive page: its depth follows pointer, touch, tilt and arrow keys.",
    media=("text/html",),
)
def show_interactive(call: Call) -> Response:
    """The page."""
    clip, photo = _asked(call)
    address = partial(keyed, key=media_key(call))
    here = f"/api/clips/{clip.id}/interactive"
    look = _content(photo, address(f"{here}/picture"), address(f"{here}/relief"))
    save = address(f"{here}.html?download=1")
    return make_response(page_html(look, language_of(call.request), back=f"/#{clip.id}", save=save))


@ROUTES.add(
    "GET",
    "/api/clips/<clip_id>/interactive.html",
    "The same page as one self-contained file that needs no network.",
    lane=Lane.PICTURES,
    query={
        "download": {"type": "string", "maxLength": 8, "description": "If present, the file is sent as a download."}
    },
    media=("text/html",),
)
def get_interactive_file(call: Call) -> Response:
    """The file."""
    clip, photo = _asked(call)
    pictures = call.services.pictures
    with open_regular(pictures.view(photo, clip.recipe.size)) as picture:
        jpeg = _inline("image/jpeg", picture.read())
    with open_regular(pictures.relief(photo, clip.recipe.size)) as relief:
        look = _content(photo, jpeg, _inline("image/png", relief.read()))
    response = make_response(file_html(look, language_of(call.request)))
    response.headers["Content-Security-Policy"] = f"{policy()}; frame-ancestors 'none'"
    if "download" in call.query:
        name = quote(f"{shown(PurePath(photo.path).stem)}_interactive.html", safe="")
        response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"  # RFC 6266
    return response


@ROUTES.add(
    "GET",
    "/api/clips/<clip_id>/interactive/picture",
    "The picture of the interactive view: cropped as the clip is, at most 1920 pixels on its long side.",
    lane=Lane.PICTURES,
    media=("image/jpeg",),
    also=MEDIA,
)
def get_interactive_picture(call: Call) -> Response:
    """Send the picture."""
    clip, photo = _asked(call)
    return send(call.request, open_regular(call.services.pictures.view(photo, clip.recipe.size)), "image/jpeg")


@ROUTES.add(
    "GET",
    "/api/clips/<clip_id>/interactive/relief",
    "Its depth, grey: 128 stays in its place, 255 is nearest, 1 farthest.",
    lane=Lane.PICTURES,
    media=("image/png",),
    also=MEDIA,
)
def get_interactive_relief(call: Call) -> Response:
    """Send the depth."""
    clip, photo = _asked(call)
    return send(call.request, open_regular(call.services.pictures.relief(photo, clip.recipe.size)), "image/png")


def _asked(call: Call) -> tuple[Clip, Photo]:
    clip = call.services.catalog.clip(call.args["clip_id"])
    return clip, seen_photo(call, clip)


def _content(photo: Photo, picture: str, relief: str) -> ViewContent:
    said = {name: shown(photo.facts.get(name) or "").strip() for name in ("title", "caption", "copyright", "creator")}
    return ViewContent(
        title=said["title"] or shown(PurePath(photo.path).stem),
        caption=said["caption"],
        credit=said["copyright"] or said["creator"],
        picture=picture,
        relief=relief,
    )


def page_html(look: ViewContent, language: str, **more: object) -> str:
    """The page as HTML.

    Args:
        more: ``back`` and ``save`` (addresses) for the site's own page; ``inside`` and ``policy`` for a file.
    """
    return render_template("interactive.html", look=look, language=language, t=translator(language), **more)


def file_html(look: ViewContent, language: str) -> str:
    """The page as one file: ``look`` holds data: URIs."""
    return page_html(look, language, inside={"style": _text(STYLE), "script": _text(SCRIPT)}, policy=policy())


def policy() -> str:
    """What the file may do: show what is in it, run our script. Nothing is fetched, sent, framed or submitted."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_hash(_text(STYLE))}'; script-src '{_hash(_text(SCRIPT))}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _text(file: Path) -> str:
    # With plain line ends, as the browser's parser makes them before it hashes.
    return file.read_text("utf-8")


def _hash(text: str) -> str:
    """As CSP Level 3, section 2.3.1, names an inline element."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _inline(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
