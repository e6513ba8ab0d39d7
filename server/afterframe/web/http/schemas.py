"""The forms of what the API takes and gives, as JSON Schema, and the functions that make them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from afterframe.domain import CameraMovement, Clip, Direction, Failure, Job, JobState, PhotoType, Recipe, Verdict
from afterframe.recipe import SETTINGS
from afterframe.state.folder_list import Folder

Json = dict[str, Any]

MAX_PHOTOS = 500
"""Photos in one request."""
LARGEST = 2**62
"""Bound of every cursor; SQLite's integers end a little above."""


def form(properties: Mapping[str, Json], *, needs: tuple[str, ...] | None = None, at_least: int = 0) -> Json:
    """The schema of an object with exactly these keys; by default it needs all of them."""
    schema: Json = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    required = list(properties) if needs is None else list(needs)
    return schema | ({"required": required} if required else {}) | ({"minProperties": at_least} if at_least else {})


def listed(items: Json, *, at_most: int | None = None) -> Json:
    """The schema of a list; with a limit it is one that the API takes, which must not be empty."""
    limits = {"minItems": 1, "maxItems": at_most} if at_most else {}
    return {"type": "array", "items": items, **limits}


def ref(name: str) -> Json:
    """A schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: Json = {"type": "string"}
BOOLEAN: Json = {"type": "boolean"}
WHOLE: Json = {"type": "integer"}
COUNT: Json = {"type": "integer", "minimum": 0}
NUMBER: Json = {"type": "number"}
SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}
MAYBE_TEXT: Json = {"type": ["string", "null"]}
MAYBE_NUMBER: Json = {"type": ["number", "null"]}
CURSOR: Json = {
    "type": ["integer", "null"],
    "description": "Give it as `after` for the next page; null on the last.",
}
TIME: Json = {"type": "number", "description": "Unix time, seconds."}
PATH: Json = {
    "type": "string",
    "format": "path",
    "minLength": 1,
    "maxLength": 32_768,
    "description": "An absolute path, as the daemon's own machine spells it.",
}
KEPT_PATH: Json = {"type": "string", "format": "path"}
ID: Json = {"type": "string", "minLength": 1, "maxLength": 100}
NAME: Json = {"type": "string", "minLength": 1, "maxLength": 100}
VARIANTS: Json = {"type": "integer", "minimum": 1, "maximum": 16}
OVERRIDES: Json = {
    "type": "object",
    "description": "Settings of the recipe for this request; docs/recipe.md explains each.",
    "properties": {name: {"description": f"{setting.allowed}."} for name, setting in SETTINGS.items()},
    "additionalProperties": False,
}


def one_of(*names: str) -> Json:
    """The schema of a closed vocabulary."""
    return {"type": "string", "enum": [str(name) for name in names]}


SCHEMAS: dict[str, Json] = {
    "Error": form({"error": ref("Reason")}),
    "Reason": form({"code": TEXT, "message": TEXT, "hint": TEXT}),
    "OpenAIError": form({"error": form({"message": TEXT, "type": TEXT, "param": MAYBE_TEXT, "code": MAYBE_TEXT})}),
    "Recipe": form(
        {
            "photo_type": one_of(*PhotoType),
            "prompt": TEXT,
            "negative_prompt": TEXT,
            "motion_intensity": SHARE,
            "style_consistency": SHARE,
            "camera_movement": one_of(*CameraMovement),
            "duration_s": NUMBER,
            "fps": WHOLE,
            "size": listed(WHOLE),
            "loop": BOOLEAN,
            "direction": one_of(*Direction),
            "seed": COUNT,
            "variants": WHOLE,
            "because": {"type": "object", "additionalProperties": listed(TEXT)},
        }
    ),
    "Render": form(
        {
            "id": ID,
            "photo": KEPT_PATH,
            "state": one_of(*JobState),
            "progress": SHARE,
            "eta_s": MAYBE_NUMBER,
            "generator": TEXT,
            "recipe": ref("Recipe"),
            "origin": one_of("watch", "request"),
            "parent": {**MAYBE_TEXT, "description": "The id of the clip that it refines."},
            "clip": {**MAYBE_TEXT, "description": "The id of the clip that came of it, once done."},
            "cancelling": {**BOOLEAN, "description": "It was asked to stop and is about to."},
            "strikes": COUNT,
            "error": {**ref("MaybeReason")},
            "note": {**TEXT, "description": "What happened on the way, though it goes on: less memory, say."},
            "created_at": TIME,
            "updated_at": TIME,
        }
    ),
    "MaybeReason": {**form({"code": TEXT, "message": TEXT, "hint": TEXT}), "type": ["object", "null"]},
    "Clip": form(
        {
            "id": ID,
            "photo": KEPT_PATH,
            "path": KEPT_PATH,
            "sidecar": KEPT_PATH,
            "file": {**TEXT, "description": "Where to fetch the clip, ranges included."},
            "poster": {**TEXT, "description": "Where to fetch its first frame as JPEG."},
            "recipe": ref("Recipe"),
            "seed": COUNT,
            "generator": TEXT,
            "generator_version": TEXT,
            "variant": WHOLE,
            "parent": MAYBE_TEXT,
            "duration_s": NUMBER,
            "verdict": one_of(*Verdict),
            "rating": {"type": "integer", "minimum": 0, "maximum": 5},
            "present": {**BOOLEAN, "description": "False once the photographer has deleted the file."},
            "measures": {
                "type": "object",
                "additionalProperties": NUMBER,
                "description": "How true it is to its photo: photo_psnr_db, photo_de00, drift_de00, loop_seam.",
            },
            "created_at": TIME,
        }
    ),
    "Folder": form({"path": KEPT_PATH, "watch": BOOLEAN, "seen": BOOLEAN, "waiting": COUNT}),
    "Queue": form(
        {
            "paused": BOOLEAN,
            "depth": {**COUNT, "description": "Renders that wait or run."},
            "counts": form({str(state): COUNT for state in JobState}),
            "renders": listed(ref("Render")),
        }
    ),
}
"""Name -> schema, for the contract's components."""


def render_json(job: Job, photo: str | None = None) -> Json:
    """A render; ``photo`` is the path as the caller gave it, where there is a caller."""
    return {
        "id": job.id,
        "photo": photo if photo is not None else job.photo_path,
        "state": str(job.state),
        "progress": job.progress,
        "eta_s": job.eta_s,
        "generator": job.generator,
        "recipe": recipe_json(job.recipe),
        "origin": job.origin,
        "parent": job.parent_clip,
        "clip": job.clip_id,
        "cancelling": job.cancel_requested and not job.state.ended,
        "strikes": job.strikes,
        "error": reason_json(job.error) if job.error else None,
        "note": job.note,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
    }


def clip_json(clip: Clip, photo: str | None = None) -> Json:
    """A clip."""
    return {
        "id": clip.id,
        "photo": photo if photo is not None else clip.photo_path,
        "path": clip.path,
        "sidecar": clip.sidecar_path,
        "file": f"/api/clips/{clip.id}/file",
        "poster": f"/api/clips/{clip.id}/poster",
        "recipe": recipe_json(clip.recipe),
        "seed": clip.recipe.seed,
        "generator": clip.generator,
        "generator_version": clip.generator_version,
        "variant": clip.variant,
        "parent": clip.parent_clip,
        "duration_s": clip.duration_s,
        "verdict": str(clip.verdict),
        "rating": clip.rating,
        "present": clip.present,
        "measures": dict(clip.measures),
        "created_at": clip.created_at,
    }


def recipe_json(recipe: Recipe) -> Json:
    """A recipe with its reasons."""
    return recipe.to_dict()


def folder_json(folder: Folder) -> Json:
    """A folder."""
    return {"path": str(folder.path), "watch": folder.watch, "seen": folder.seen, "waiting": folder.waiting}


def reason_json(failure: Failure) -> Json:
    """Why something did not work."""
    return dict(failure.to_dict())
