"""Pictures of photos, drafts of clips, and previews of running renders."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from flask import Response

from afterframe.domain import Recipe
from afterframe.errors import NotFound
from afterframe.naming import preview_of
from afterframe.recipe import validate
from afterframe.recipe.settings import read_setting
from afterframe.render.derived_files import SMALL_SIDE
from afterframe.render.pictures import LARGE_SIDE
from afterframe.web.api.clips import seen_photo, source_photo
from afterframe.web.api.media import MEDIA, send
from afterframe.web.auth.allowed_paths import open_regular
from afterframe.web.connections.entry import Lane
from afterframe.web.http import schemas
from afterframe.web.http.resources import recipe_json
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form, one_of, ref

ROUTES = Routes()
JPEG = {"media": ("image/jpeg",), "also": MEDIA}
SIZE = one_of("small", "large")
_DRAFT = re.compile(r"[0-9a-f]{40}")


@ROUTES.add(
    "GET",
    "/api/clips/<clip_id>/photo",
    "The photo from which a clip was made, as JPEG.",
    lane=Lane.PICTURES,
    query={
        "size": {
            **one_of("small", "large", "framed"),
            "default": "large",
            "description": "framed: cropped as the clip is, in its size.",
        }
    },
    **JPEG,
)
def get_clip_photo(call: Call) -> Response:
    """Send a clip's photo."""
    clip = call.services.catalog.clip(call.args["clip_id"])
    pictures = call.services.pictures
    size = call.query["size"]
    if size == "framed":
        return _jpeg(call, pictures.framed(seen_photo(call, clip), clip.recipe, clip.generator))
    photo = source_photo(call, clip)
    return _jpeg(call, pictures.picture(Path(photo.path), photo.sha256, long_side_of(size)))


@ROUTES.add(
    "GET",
    "/api/photos/picture",
    "A photo in one of the folders, as JPEG.",
    lane=Lane.PICTURES,
    query={"path": schemas.PATH, "size": {**SIZE, "default": "small"}},
    **JPEG,
)
def get_picture(call: Call) -> Response:
    """Send a picture of any photo that may be read."""
    path = call.context.paths.photo(call.query.get("path", ""))
    status = path.stat()
    stamp = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
    side = long_side_of(call.query["size"])
    return _jpeg(call, call.services.pictures.picture(path, stamp, side))


@ROUTES.add(
    "GET",
    "/api/renders/<render_id>/preview",
    "What a running render looks like so far: between the steps of a model, then its latest frame; else the photo.",
    lane=Lane.PICTURES,
    query={
        "at": {**schemas.COUNT, "maximum": schemas.LARGEST, "description": "Ignored: a new address for a new picture."}
    },
    **JPEG,
)
def get_preview(call: Call) -> Response:
    """Send what can be seen of a render."""
    services = call.services
    job = services.queue.get(call.args["render_id"])
    preview = preview_of(services.home.cache, job.id)
    if preview.is_file() and not job.state.ended:
        return _jpeg(call, preview)
    path = call.context.paths.photo(job.photo_path)
    return _jpeg(call, services.pictures.picture(path, job.photo_sha256, SMALL_SIDE))


@ROUTES.add(
    "POST",
    "/api/clips/<clip_id>/draft",
    "Draft, within two seconds, what changes to a clip's recipe would do: small, by the parallax generator.",
    lane=Lane.PICTURES,
    body=form({"changes": schemas.OVERRIDES}, needs=("changes",)),
    answer=form(
        {
            "file": {**schemas.TEXT, "description": "Where to fetch the draft, ranges included."},
            "recipe": ref("Recipe"),
        }
    ),
)
def draft_clip(call: Call) -> Json:
    """Make a draft."""
    clip = call.services.catalog.clip(call.args["clip_id"])
    changes = call.body["changes"]
    validate([("the request", changes)])
    recipe = with_changes(clip.recipe, changes)
    key = call.services.drafts.draft(seen_photo(call, clip), recipe)
    return {"file": f"/api/drafts/{key}", "recipe": recipe_json(recipe)}


@ROUTES.add(
    "POST",
    "/api/renders/<render_id>/draft",
    "Draft, within two seconds, what a clip that is not made yet may look like: small, by the parallax generator.",
    lane=Lane.PICTURES,
    answer=form({"file": {**schemas.TEXT, "description": "Where to fetch the draft, ranges included."}}),
)
def draft_render(call: Call) -> Json:
    """Make a draft of a clip that is not made yet."""
    job = call.services.queue.get(call.args["render_id"])
    key = call.services.drafts.draft(seen_photo(call, job), job.recipe)
    return {"file": f"/api/drafts/{key}"}


@ROUTES.add("GET", "/api/drafts/<draft_id>", "A draft.", media=("video/mp4",), also=MEDIA)
def get_draft(call: Call) -> Response:
    """Send a draft."""
    key = call.args["draft_id"]
    if not _DRAFT.fullmatch(key):
        raise NotFound("There is no such draft.", "Request it again.")
    return send(call.request, open_regular(call.services.drafts.drafted(key)), "video/mp4")


def with_changes(recipe: Recipe, changes: schemas.Json) -> Recipe:
    """A clip's recipe with some settings changed; a long side scales the clip's size."""
    values = {name: read_setting(name, value, "the request") for name, value in changes.items()}
    if (long_side := values.pop("long_side", None)) and "size" not in values:
        scale = long_side / max(recipe.size)
        width, height = (max(2, 2 * round(side * scale / 2)) for side in recipe.size)
        values["size"] = (width, height)
    return replace(recipe, **values)


def long_side_of(size: str) -> int:
    """Long side, pixels."""
    return SMALL_SIDE if size == "small" else LARGE_SIDE


def _jpeg(call: Call, file: Path) -> Response:
    return send(call.request, open_regular(file), "image/jpeg")
