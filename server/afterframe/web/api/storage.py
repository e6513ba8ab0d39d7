"""Disk usage of clips and of Afterframe's own files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from afterframe.web.connections.entry import Lane
from afterframe.web.http import schemas
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form, listed

ROUTES = Routes()
BYTES: Json = {**schemas.COUNT, "description": "Bytes."}


@ROUTES.add(
    "GET",
    "/api/disk",
    "Disk usage of each folder's clips and of Afterframe's own files. It reads the size of every clip.",
    lane=Lane.PICTURES,
    answer=form(
        {
            "folders": listed(
                form(
                    {
                        "path": schemas.KEPT_PATH,
                        "there": {
                            **schemas.BOOLEAN,
                            "description": "False if, for example, the drive is not connected.",
                        },
                        "clips": schemas.COUNT,
                        "bytes": BYTES,
                        "free": BYTES,
                    }
                )
            ),
            "own": form(dict.fromkeys(("state", "cache", "backups", "logs", "uploads", "free"), BYTES)),
        }
    ),
)
def get_disk(call: Call) -> Json:
    """Measure disk usage."""
    services = call.services
    home = services.home
    folders = []
    for folder in services.folders.all():
        known = services.catalog.clip_paths(folder.path)
        clips = [path for path, (_, present) in known.items() if present]
        there = folder.path.is_dir()
        taken = _sizes(clips) if there else 0
        folders.append(
            {"path": str(folder.path), "there": there, "clips": len(clips), "bytes": taken, "free": _free(folder.path)}
        )
    return {
        "folders": folders,
        "own": {
            "state": _sizes(str(file) for file in home.root.glob("state.db*")),
            **{name: _below(home.root / name) for name in ("cache", "backups", "logs", "uploads")},
            "free": _free(home.root),
        },
    }


def _sizes(paths: Iterable[str]) -> int:
    total = 0
    for path in paths:
        try:
            total += os.stat(path).st_size  # noqa: PTH116 - very many
        except OSError:
            continue
    return total


def _below(folder: Path) -> int:
    return _sizes(os.path.join(root, name) for root, _, names in os.walk(folder) for name in names)  # noqa: PTH118


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0
