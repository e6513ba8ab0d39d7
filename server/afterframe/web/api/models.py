"""Which models there are, which are here, and what this machine's GPU can take. Pulling one needs a terminal."""

from __future__ import annotations

from afterframe.generators.diffusers.model_list import FITS, list_models
from afterframe.web.http import schemas
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import BOOLEAN, COUNT, MAYBE_TEXT, NUMBER, TEXT, Json, form, listed

ROUTES = Routes()
MODEL: Json = form(
    {
        "name": TEXT,
        "title": TEXT,
        "repository": TEXT,
        "licence": form({"name": TEXT, "url": TEXT, "note": TEXT}),
        "download_gb": NUMBER,
        "vram_gb": {**listed(NUMBER), "description": "GPU memory: what it needs at least, and to be fastest."},
        "can_loop": BOOLEAN,
        "can_end": BOOLEAN,
        "audio": BOOLEAN,
        "loras": listed(TEXT),
        "folder": {**MAYBE_TEXT, "format": "path", "description": "null: it is not on this machine."},
        "disk_bytes": COUNT,
        "fits": {
            "type": ["string", "null"],
            "enum": [*FITS, None],
            "description": "whole: all of it on this GPU; slower: with less memory; null: nobody knows.",
        },
        "auto": {**BOOLEAN, "description": "The generator “auto” takes it."},
        "pull": {**TEXT, "description": "The command that downloads it."},
    }
)


@ROUTES.add(
    "GET",
    "/api/models",
    "The models that are known, which are on this machine, and which its GPU can take.",
    answer=form(
        {
            "gpu": {**form({"name": TEXT, "memory_gb": NUMBER}), "type": ["object", "null"]},
            "packages_missing": {**listed(TEXT), "description": "What has to be installed before one can run."},
            "install": {**TEXT, "description": "How; empty: nothing is missing."},
            "cache": schemas.KEPT_PATH,
            "models": listed(MODEL),
        }
    ),
)
def look_at_models(call: Call) -> Json:
    """Look at disk and GPU."""
    return list_models(call.context.services.home.models)
