"""The known models, those on this machine, and what its GPU can run. Downloading one needs a terminal."""

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
        "vram_gb": {**listed(NUMBER), "description": "GPU memory, GB: the least it needs, and what makes it fastest."},
        "can_loop": BOOLEAN,
        "can_end": BOOLEAN,
        "audio": BOOLEAN,
        "loras": listed(TEXT),
        "folder": {**MAYBE_TEXT, "format": "path", "description": "null: it is not on this machine."},
        "disk_bytes": COUNT,
        "fits": {
            "type": ["string", "null"],
            "enum": [*FITS, None],
            "description": "whole: all of it on this GPU; slower: with less memory; null: unknown.",
        },
        "auto": {**BOOLEAN, "description": "The generator “auto” uses it."},
        "auto_because": {**TEXT, "description": "Why “auto” uses this one; empty: it does not."},
        "pull": {**TEXT, "description": "The command that downloads it."},
    }
)


@ROUTES.add(
    "GET",
    "/api/models",
    "The known models, which of them are on this machine, and which its GPU can run.",
    answer=form(
        {
            "gpu": {**form({"name": TEXT, "memory_gb": NUMBER}), "type": ["object", "null"]},
            "packages_missing": {**listed(TEXT), "description": "Packages to install before one can run."},
            "install": {**TEXT, "description": "The command that installs them; empty: nothing is missing."},
            "cache": schemas.KEPT_PATH,
            "models": listed(MODEL),
        }
    ),
)
def get_models(call: Call) -> Json:
    """Inspect disk and GPU."""
    return list_models(call.services.home.models)
