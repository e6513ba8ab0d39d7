"""The resources of the API: the schema of each, and its JSON."""

from __future__ import annotations

from afterframe.domain import Clip, Failure, Job, JobState, Recipe
from afterframe.field_mapping import api_schemas, to_api
from afterframe.recipe.schema import RECIPE
from afterframe.scene import CLAIMS
from afterframe.state.folder_list import Folder
from afterframe.web.http.schemas import (
    BOOLEAN,
    COUNT,
    ID,
    KEPT_PATH,
    MAYBE_NUMBER,
    MAYBE_TEXT,
    SHARE,
    TEXT,
    TIME,
    Json,
    form,
    listed,
    one_of,
    ref,
)

_BOX: Json = form({"x": SHARE, "y": SHARE, "width": SHARE, "height": SHARE}) | {
    "description": "In shares of the upright photo, from its upper left corner."
}
_MAYBE_BOX: Json = {**_BOX, "type": ["object", "null"]}
_DETECTION: Json = form(
    {
        **_BOX["properties"],
        "label": {**TEXT, "description": "face, head (of somebody who looks away) or one of COCO's classes."},
        "confidence": SHARE,
    }
)

SCHEMAS: dict[str, Json] = {
    "Error": form({"error": ref("Reason")}),
    "Reason": form({"code": TEXT, "message": TEXT, "hint": TEXT}),
    "OpenAIError": form({"error": form({"message": TEXT, "type": TEXT, "param": MAYBE_TEXT, "code": MAYBE_TEXT})}),
    "Recipe": RECIPE,
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
            "error": ref("MaybeReason"),
            "note": {**TEXT, "description": "What happened on the way, though it goes on: less memory, say."},
            "created_at": TIME,
            "updated_at": TIME,
        }
    ),
    "MaybeSeen": form(
        {
            "words": {**TEXT, "description": "What was surely seen, in English; empty: nothing that could be named."},
            "faces": listed(_DETECTION),
            "things": {**listed(_DETECTION), "description": "People, heads, animals and things, the surest first."},
            "subject": _MAYBE_BOX,
            "horizon": {**MAYBE_NUMBER, "description": "Its height in the picture, 0 top to 1 bottom."},
            "sure_of": {**listed(one_of(*CLAIMS)), "description": "What the picture surely shows."},
            "by_nets": {**BOOLEAN, "description": "Whether the two detectors looked; else OpenCV's cascades did."},
            "frame": {**_BOX, "description": "The part of the photo that the clip shows."},
        }
    )
    | {"type": ["object", "null"], "description": "Null: nobody has looked yet."},
    "MaybeReason": {**form({"code": TEXT, "message": TEXT, "hint": TEXT}), "type": ["object", "null"]},
    "Clip": form(
        {
            **api_schemas(Clip),
            "file": {**TEXT, "description": "Where to fetch the clip, ranges included."},
            "poster": {**TEXT, "description": "Where to fetch its first frame as JPEG."},
            "seed": COUNT,
        }
    ),
    "Folder": form({"path": KEPT_PATH, "watch": BOOLEAN, "seen": BOOLEAN, "waiting": COUNT}),
    "Queue": form(
        {
            "paused": BOOLEAN,
            "depth": {**COUNT, "description": "Renders that wait or run."},
            "counts": form({str(state): COUNT for state in JobState}),
            "renders": listed(ref("Render")),
            "held_folders": listed(
                form({"path": KEPT_PATH, "error": ref("Reason"), "since": {"type": "number"}, "renders": COUNT})
            ),
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
    """A clip; ``photo`` is the path as the caller gave it, where there is a caller."""
    return {
        **to_api(clip),
        **({} if photo is None else {"photo": photo}),
        "file": f"/api/clips/{clip.id}/file",
        "poster": f"/api/clips/{clip.id}/poster",
        "seed": clip.recipe.seed,
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
