"""POST /v1/videos: a photo and what to make of it, as OpenAI's clients send them."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from afterframe.config import Settings
from afterframe.domain import CameraMovement, Direction, PhotoType, Quality
from afterframe.errors import UsageError, shortened
from afterframe.generator_name import GeneratorName
from afterframe.generators import registry
from afterframe.intake.ingest import RenderRequest
from afterframe.recipe import validate
from afterframe.web.auth.allowed_paths import open_regular
from afterframe.web.connections.entry import Lane
from afterframe.web.http import schemas
from afterframe.web.http.context import Services
from afterframe.web.http.forms import FILE, Upload
from afterframe.web.http.routes import Call, Caller, Routes
from afterframe.web.http.schemas import Json, form, one_of
from afterframe.web.openai.files import file_store
from afterframe.web.openai.video_resource import VIDEO, remove_deleted, video_json, video_store

ROUTES = Routes()
FPS = 24
"""Frames per second for num_frames without fps."""
SIZE: Json = {"type": "string", "maxLength": 20, "description": "“1280x720”: exact, cropped around the subject."}
PROMPT: Json = {"type": "string", "description": "What happens in the clip."}
SECONDS: Json = {"type": ["string", "number"], "description": "The clip's length."}
MODEL: Json = {
    "type": "string",
    "maxLength": 200,
    "description": (
        "A generator of GET /v1/models, or GENERATOR:MODEL for an installed model; any other name means the default. "
        "It is echoed."
    ),
}
EXTENSIONS: dict[str, Json] = {
    "facts": {
        "type": "boolean",
        "description": "False: the prompt goes to the model as it is. Otherwise the photo's facts add its look.",
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
    "quality": one_of(*Quality),
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


@ROUTES.add(
    "POST",
    "/v1/videos",
    "Animate the photo that is sent as input_reference.",
    lane=Lane.PHOTOS,
    caller=Caller.TOKEN,
    body=form({**BODY, "input_reference": REFERENCE}, needs=()),
    form=form({**BODY, "input_reference": FILE, IMAGE_URL: schemas.TEXT, FILE_ID: schemas.TEXT}, needs=()),
    answer=VIDEO,
)
def create_video(call: Call) -> Json:
    """Save the photo and queue its render."""
    body, services = call.body, call.services
    prompt, facts = body.get("prompt", "").strip(), body.get("facts", True)
    overrides = _overrides(body, prompt)
    validate([("the request", overrides)])
    order = RenderRequest(overrides, generator=_generator(body.get("model", ""), services.settings), look=facts)
    store = video_store(services)
    remove_deleted(services)
    with (
        closing(_reference(services, body)) as upload,
        store.adding(upload, model=body.get("model", ""), prompt=prompt, facts=facts) as record,
    ):
        services.ingest.request(store.photo(record), order)
    return video_json(services, record)


def _overrides(body: Mapping[str, Any], prompt: str) -> dict[str, object]:
    """The recipe settings of a request; the photo determines the rest."""
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
        UsageError: it names a generator of ours, but a model that this generator does not have.
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
        UsageError: there is none, or it is a link instead of the photo itself.
        NotFound: no file has that id.
    """
    given = body.get("input_reference", {})
    if isinstance(given, Upload):
        return given
    url, file_id = given.get("image_url", body.get(IMAGE_URL)), given.get("file_id", body.get(FILE_ID))
    if file_id is not None and url is None:
        store = file_store(services)
        path = store.photo(store.get(file_id))
        return Upload(path.name, open_regular(path))
    if url is not None and file_id is None:
        return _of_data_url(url)
    raise UsageError(
        "Afterframe animates photographs, and this request contains none.",
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
