"""Folders: which ones are watched, which ones only permit requests, and a backlog's confirmation."""

from __future__ import annotations

import os
from pathlib import Path

from afterframe.errors import NotAllowed, NotFound, UsageError, shortened
from afterframe.intake.scan import is_inside
from afterframe.state.folder_list import FolderList
from afterframe.web.auth.paths import SHOWN, check_absolute, real_path, windows_oddity
from afterframe.web.http import schemas
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, folder_json, form, listed, ref

ROUTES = Routes()


@ROUTES.add("GET", "/api/folders", "Every folder.", answer=form({"folders": listed(ref("Folder"))}))
def list_folders(call: Call) -> Json:
    """All folders."""
    return {"folders": [folder_json(folder) for folder in call.context.services.folders.all()]}


@ROUTES.add(
    "POST",
    "/api/folders",
    "Add a folder, change whether it is watched, or confirm that its backlog be animated.",
    body=form(
        {
            "path": schemas.PATH,
            "watch": {
                "type": "boolean",
                "description": "True: its photos are animated by themselves. False: only on request. "
                "Left out: as it is; true for a new folder.",
            },
            "confirm_backlog": {"type": "boolean", "description": "Animate the photos that wait for a word."},
        },
        needs=("path",),
    ),
    answer=form(
        {
            "path": schemas.KEPT_PATH,
            "folder": ref("Folder"),
            "released": {**schemas.COUNT, "description": "Photos that waited and do no longer."},
        }
    ),
)
def put_folder(call: Call) -> Json:
    """Add or change one folder."""
    services, given = call.context.services, call.body["path"]
    folder = existing_folder(given, services.home.root)
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
    """Forget one folder, which need not exist any more."""
    services, given = call.context.services, call.body["path"]
    services.folders.drop(known_folder(given, services.folders))
    services.folders_changed()
    return {"path": given}


def known_folder(given: str, folders: FolderList) -> Path:
    """The folder of ours that a path names.

    Raises:
        UsageError: it is no absolute path.
        NotFound: it is none of ours.
    """
    check_absolute(given)
    known = {str(folder.path) for folder in folders.all()}
    spelled = os.path.normpath(given)
    # A folder of ours may be spelled as it is kept, so that a share that is away needs no look-up.
    path = spelled if spelled in known else real_path(given)
    if path not in known:
        raise NotFound(f"{shortened(given, SHOWN)} is not one of the folders.", "`afterframe folders` lists them.")
    return Path(path)


def existing_folder(given: str, home: Path) -> Path:
    """The real path of a folder that may be added.

    Raises:
        UsageError: it is no folder.
        NotAllowed: it is a whole disk or Afterframe's own.
    """
    check_absolute(given)
    share = os.path.splitdrive(given)[0]
    if os.name == "nt" and (oddity := windows_oddity(given, [share])):
        raise NotAllowed(f"{shortened(given, SHOWN)} is {oddity}.", code="bad_path")
    real = real_path(given)
    if not os.path.isdir(real):  # noqa: PTH112 - False, not an error, for a name that is too long
        raise UsageError(
            f"{shortened(given, SHOWN)} is not a folder.", "Make it first, or name another one.", code="no_folder"
        )
    path = Path(real)
    if path.parent == path:
        raise NotAllowed(f"{given} is a whole disk.", "Name the folder that the photos are in.", code="whole_disk")
    if is_inside(real, str(home)):
        raise NotAllowed(
            f"{given} belongs to Afterframe itself.",
            "Name the folder that the photos are in.",
            code="own_folder",
        )
    return path
