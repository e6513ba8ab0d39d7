"""Uploads: photos sent over the network into one of the folders, never over an existing file."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from afterframe.domain import Job
from afterframe.errors import NotAllowed, PhotoError, PublishError, UsageError
from afterframe.imaging.decode import HEAD_BYTES, SUFFIXES, suffix_of, unsupported_kind
from afterframe.intake.foreign_names import ForeignNames
from afterframe.intake.ingest import RenderRequest
from afterframe.naming import UPLOAD_PREFIX
from afterframe.publish.folder_check import check_folder
from afterframe.system.files import sync_file
from afterframe.system.hashing import sha256_of
from afterframe.system.paths import DEVICES, as_spelled
from afterframe.web.api.animate import render_request
from afterframe.web.connections.entry import Lane
from afterframe.web.http import schemas
from afterframe.web.http.errors import FULL, no_room
from afterframe.web.http.forms import FILE, Upload
from afterframe.web.http.resources import render_json
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form, listed, ref

ROUTES = Routes()
LONGEST_NAME = 180
"""Bytes; the names of the clip and its sidecar are longer."""

_UNWANTED = re.compile(r'[\x00-\x1f\x7f<>:"|?*\ud800-\udfff]')


@ROUTES.add(
    "POST",
    "/api/uploads",
    "Send a photo to one of the folders and have it animated.",
    lane=Lane.PHOTOS,
    form=form(
        {
            "file": FILE,
            "folder": {**schemas.PATH, "description": "The target folder; omitted: the only folder there is."},
            "animate": {
                "type": "boolean",
                "description": "True: animate it. False: only save it. Omitted: as its folder does.",
            },
            "recipe": schemas.OVERRIDES,
            "generator": schemas.NAME,
            "variants": schemas.VARIANTS,
        },
        needs=("file",),
    ),
    answer=form(
        {
            "path": {**schemas.KEPT_PATH, "description": "Where the photo is now."},
            "new": {**schemas.BOOLEAN, "description": "False: the same photo was there already."},
            "renders": listed(ref("Render")),
        }
    ),
    status=201,
)
def upload_photo(call: Call) -> Json:
    """Save one photo; nothing is left behind if it cannot be animated."""
    folder, watched = _folder(call, call.body.get("folder"))
    name = photo_name(call.body["file"])
    order = render_request(call.body, call.services.settings)
    check_folder(folder)
    with staged(folder, name, call.body["file"]) as photo:
        path, new, jobs = _put(call, photo, folder, order if call.body.get("animate", watched) else None)
    return {"path": str(path), "new": new, "renders": [render_json(job) for job in jobs]}


def _folder(call: Call, given: str | None) -> tuple[Path, bool]:
    """The folder for an upload, and whether its photos are animated automatically."""
    folders = call.services.folders.all()
    if given is None:
        if len(folders) != 1:
            names = ", ".join(str(folder.path) for folder in folders) or "none"
            raise UsageError("The upload does not say which folder it goes to.", f"Name one of: {names}.")
        given = str(folders[0].path)
    path = call.context.paths.folder(given)
    around = [folder for folder in folders if path.is_relative_to(folder.path)]
    foreign = ForeignNames(call.services.config.watch.ignore)
    if not around or any(foreign.has_folder(part) for part in path.relative_to(around[0].path).parts):
        raise NotAllowed(
            f"{given} is hidden, or left alone by Afterframe.", "Name another folder.", code="hidden_folder"
        )
    return path, any(folder.watch for folder in around)


def _put(call: Call, photo: Path, folder: Path, order: RenderRequest | None) -> tuple[Path, bool, list[Job]]:
    """Move a staged photo to its name in the folder: (path, whether it is new, renders)."""
    ingest = call.services.ingest
    for target in free_names(folder / photo.name):
        if not os.path.lexists(target):
            with contextlib.suppress(FileExistsError):  # somebody was quicker, perhaps with the same photo
                return target, True, ingest.adopt_upload(photo, target, order)
        if target.is_file() and not target.is_symlink() and sha256_of(target) == sha256_of(photo):
            kept = Path(as_spelled(str(target), str(folder)))
            return kept, False, ingest.request(kept, order) if order else []
    raise AssertionError("names never run out")


def free_names(wanted: Path) -> Iterator[Path]:
    """DSC_0042.jpg, DSC_0042-2.jpg, DSC_0042-3.jpg ... (never _NN, which darktable reads as a duplicate)."""
    yield wanted
    number = 2
    while True:
        yield wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
        number += 1


def photo_name(upload: Upload) -> str:
    """The name under which an uploaded photo is saved: its own, without characters that file systems refuse.

    Raises:
        PhotoError: it is not a kind of photo that can be animated, or its name cannot be used.
    """
    last = PurePosixPath(upload.name.replace("\\", "/")).name
    name = _UNWANTED.sub("_", last).strip(" .")
    suffix = PurePosixPath(name).suffix
    kind = suffix_of(upload.head(HEAD_BYTES))
    if suffix.lower() not in SUFFIXES and kind:
        name = f"{name or 'photo'}{kind}"
    elif suffix.lower() not in SUFFIXES:
        raise unsupported_kind(last or "The file")
    if len(name.encode()) > LONGEST_NAME:
        raise PhotoError(f"The name {name[:60]}… is too long.", "Give the photo a shorter name.", code="name_too_long")
    return f"photo-{name}" if name.partition(".")[0].rstrip().casefold() in DEVICES else name


@contextlib.contextmanager
def staged(folder: Path, name: str, upload: Upload) -> Iterator[Path]:
    """An upload on disk under its own name, in a hidden folder beside its target, which is removed afterwards.

    Raises:
        NoRoomError: the disk is full.
        PublishError: it cannot be written for another reason.
    """
    staging = folder / f"{UPLOAD_PREFIX}{uuid.uuid4().hex}"
    try:
        try:
            staging.mkdir(mode=0o700)
            upload.save(staging / name)
            sync_file(staging / name)
        except OSError as error:
            if error.errno in FULL:
                raise no_room(folder, error) from error
            raise PublishError(
                f"{name} cannot be saved in {folder}: {error.strerror or error}.",
                "Check the disk's free space and permissions.",
                code="not_kept",
            ) from error
        yield staging / name
    finally:
        shutil.rmtree(staging, ignore_errors=True)
