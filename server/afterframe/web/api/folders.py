"""Folders: those that are watched, those that only permit requests, and confirming a backlog."""

from __future__ import annotations

from afterframe.intake.folder_rules import addable_folder, known_folder
from afterframe.web.http import schemas
from afterframe.web.http.resources import folder_json
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form, listed, ref

ROUTES = Routes()


@ROUTES.add("GET", "/api/folders", "Every folder.", answer=form({"folders": listed(ref("Folder"))}))
def list_folders(call: Call) -> Json:
    """All folders."""
    return {"folders": [folder_json(folder) for folder in call.services.folders.all()]}


@ROUTES.add(
    "POST",
    "/api/folders",
    "Add a folder, change whether it is watched, or have its backlog animated.",
    body=form(
        {
            "path": schemas.PATH,
            "watch": {
                "type": "boolean",
                "description": "True: its photos are animated automatically. False: only on request. "
                "Omitted: unchanged; true for a new folder.",
            },
            "confirm_backlog": {"type": "boolean", "description": "Animate the photos on hold."},
        },
        needs=("path",),
    ),
    answer=form(
        {
            "path": schemas.KEPT_PATH,
            "folder": ref("Folder"),
            "released": {**schemas.COUNT, "description": "Photos that are no longer on hold."},
        }
    ),
)
def put_folder(call: Call) -> Json:
    """Add or change one folder."""
    services, given = call.services, call.body["path"]
    folder = addable_folder(given, services.home.root)
    known = {known.path: known for known in services.folders.all()}
    watch = call.body.get("watch", known[folder].watch if folder in known else True)
    confirmed = call.body.get("confirm_backlog", False)
    with services.database.transaction():
        services.folders.put(folder, watch=watch)
        released = services.folders.release_backlog(folder) if confirmed else 0
    services.folders_changed()
    if confirmed and watch:
        services.rescan(folder)
    now = next(kept for kept in services.folders.all() if kept.path == folder)
    return {"path": given, "folder": folder_json(now), "released": released}


@ROUTES.add(
    "DELETE",
    "/api/folders",
    "Forget a folder. Its photos and clips stay as they are.",
    body=form({"path": schemas.PATH}),
    answer=form({"path": schemas.KEPT_PATH}),
)
def drop_folder(call: Call) -> Json:
    """Forget one folder, even if it no longer exists."""
    services, given = call.services, call.body["path"]
    services.folders.drop(known_folder(given, services.folders))
    services.folders_changed()
    return {"path": given}
