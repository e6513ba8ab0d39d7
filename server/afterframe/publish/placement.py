"""Puts a clip and its sidecar beside the photo, both or neither, over nothing that is not ours.

The order is: commit the intent, rename the clip, rename the sidecar, commit. Each step can be repeated, so a crash in
between is rolled forward from the intent.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from afterframe.errors import PublishError
from afterframe.naming import POSTER_MARK, poster_of, temporary_for, with_sound_for
from afterframe.system.files import move_without_overwriting, sync_file, sync_folder, write_synced
from afterframe.system.hashing import sha256_of
from photometa.containers.mp4 import append_xmp

FREE_BYTES = 64 << 20
"""With less free space no clip is begun."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What is about to be put beside a photo: the intent that is committed first."""

    temporary: str
    """The finished clip under its hidden name; the finished sidecar is beside it, see :func:`write_hidden_sidecar`."""
    clip: str
    clip_sha256: str
    sidecar: str
    packet: str
    """The XMP packet, as text."""
    replaces_sha256: str | None
    """The hash of our own earlier clip of this name, which may be replaced; None: nothing may."""
    poster_temporary: str | None
    poster: str | None
    record: dict[str, Any]
    """The catalogue's row for the clip."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The reverse of :meth:`to_dict`."""
        return cls(**data)


def check_folder(folder: Path) -> None:
    """Check that a clip can be written to a folder, before any work is done.

    Raises:
        PublishError: the folder is gone, read-only, or the disk is full.
    """
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise explained(error, folder) from error
    if not os.access(folder, os.W_OK):
        raise explained(PermissionError(errno.EACCES, "read-only"), folder)
    if free < FREE_BYTES:
        raise explained(OSError(errno.ENOSPC, "full"), folder)


def place(publication: Publication) -> None:
    """Give clip, sidecar and poster their final names. It can be repeated.

    Raises:
        PublishError: ``name_taken``: a file that is not ours has the name by now; ``lost``: the temporary file is gone;
            or the folder cannot be written to.
    """
    clip, temporary = Path(publication.clip), Path(publication.temporary)
    try:
        _place_clip(temporary, clip, publication)
        _place_sidecar(clip, Path(publication.sidecar), publication)
    except OSError as error:
        _undo(clip, publication)
        raise explained(error, clip) from error
    # Clip and sidecar are in place; what fails from here on must not undo that.
    with contextlib.suppress(OSError):
        if publication.poster and publication.poster_temporary:
            _place_poster(Path(publication.poster_temporary), Path(publication.poster))
    discard(temporary)
    with contextlib.suppress(OSError):
        sync_folder(clip.parent)


def _undo(clip: Path, publication: Publication) -> None:
    """Remove a clip that did not get its sidecar; the clip that it replaced comes back."""
    earlier = _kept(Path(publication.temporary))
    with contextlib.suppress(OSError):
        if earlier.exists():
            earlier.replace(clip)
        elif not os.path.lexists(publication.sidecar) and sha256_of(clip) == publication.clip_sha256:
            clip.unlink()


def _kept(temporary: Path) -> Path:
    """Where the replaced clip is kept until the new one has its sidecar."""
    return temporary.with_suffix(".old.mp4")


def _place_clip(temporary: Path, clip: Path, publication: Publication) -> None:
    if not temporary.exists():
        if clip.exists() and sha256_of(clip) == publication.clip_sha256:
            return
        raise PublishError(f"{clip.name} was lost before it was published.", "It will be rendered again.", code="lost")
    if not os.path.lexists(clip):
        with contextlib.suppress(FileExistsError):
            move_without_overwriting(temporary, clip)
            return
    standing = sha256_of(clip) if clip.is_file() else None
    if standing == publication.clip_sha256:
        temporary.unlink()
    elif standing is not None and standing == publication.replaces_sha256:
        with contextlib.suppress(OSError):  # exFAT and some shares have no hard links
            os.link(clip, _kept(temporary))
        temporary.replace(clip)
    else:
        raise _taken(clip)


def _place_sidecar(clip: Path, sidecar: Path, publication: Publication) -> None:
    packet = publication.packet.encode()
    if os.path.lexists(sidecar):
        if sidecar.is_file() and _names_clip(sidecar.read_bytes(), publication):
            return
        if publication.replaces_sha256 is None:
            clip.unlink()  # ours: its hash was checked a moment ago
            raise _taken(sidecar)
    part = _part(Path(publication.temporary))
    if not (part.is_file() and part.read_bytes() == packet):
        write_hidden_sidecar(Path(publication.temporary), packet)
    part.replace(sidecar)


def _names_clip(standing: bytes, publication: Publication) -> bool:
    """Whether a sidecar was placed before a crash; the photographer may have rated the clip since."""
    clip_id = publication.record.get("id")
    return standing == publication.packet.encode() or bool(clip_id and f"xmp.did:{clip_id}".encode() in standing)


def write_hidden_sidecar(temporary: Path, packet: bytes) -> Path:
    """Write a sidecar's bytes beside a temporary clip, under a hidden name: placing it then needs no disk space."""
    part = _part(temporary)
    write_synced(part, packet)
    return part


def _part(temporary: Path) -> Path:
    return temporary.with_suffix(".xmp-part")


def _place_poster(temporary: Path, target: Path) -> None:
    if not temporary.exists():
        return
    if target.is_file() and POSTER_MARK in target.read_bytes()[:4096]:
        if not temporary.samefile(target):  # otherwise a crash came between link and unlink
            temporary.replace(target)
    elif os.path.lexists(target):
        temporary.unlink()
    else:
        move_without_overwriting(temporary, target)


def put_poster(made: Path, clip: Path) -> Path:
    """Put a copy of a clip's poster beside the clip.

    Returns:
        The poster's path.
    Raises:
        PublishError: ``name_taken``: a picture that is not ours has the name; or the folder cannot be written to.
    """
    target, temporary = poster_of(clip), temporary_for(clip.parent, uuid.uuid4().hex).with_suffix(".jpg")
    try:
        if not (target.is_file() and target.read_bytes() == made.read_bytes()):
            temporary.write_bytes(made.read_bytes())
            _place_poster(temporary, target)
        if POSTER_MARK not in target.read_bytes()[:4096]:
            raise FileExistsError
    except FileExistsError:
        raise PublishError(
            f"{target.name} exists and is not Afterframe's.", "Rename it, then try again.", code="name_taken"
        ) from None
    except OSError as error:
        raise explained(error, target) from error
    finally:
        temporary.unlink(missing_ok=True)
    return target


def embed_and_write_sidecar(temporary: Path, packet: bytes) -> str:
    """Put the XMP packet into the finished clip, and beside it as its sidecar; both are synced to disk.

    Returns:
        The clip's SHA-256.
    Raises:
        PublishError: the disk is full, say.
    """
    try:
        with temporary.open("r+b") as file:
            append_xmp(file, packet)
        sync_file(temporary)
        write_hidden_sidecar(temporary, packet)
        return sha256_of(temporary)
    except OSError as error:
        raise explained(error, temporary) from error


def discard(temporary: Path) -> None:
    """Remove a temporary clip and the files that belong to it, as far as possible."""
    for path in (
        temporary,
        with_sound_for(temporary),
        temporary.with_suffix(".jpg"),
        _part(temporary),
        _kept(temporary),
    ):
        with contextlib.suppress(OSError):
            path.unlink()


def _taken(path: Path) -> PublishError:
    return PublishError(
        f"{path.name} exists and is not Afterframe's.",
        "It is left alone; another name is used.",
        code="name_taken",
    )


def explained(error: OSError, path: Path) -> PublishError:
    """The system's refusal of a path, in a photographer's words."""
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return PublishError(
            f"The folder {path if path.is_dir() else path.parent} cannot be written to.",
            "Give yourself write permission for it, then retry.",
            code="read_only",
        )
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return PublishError(f"The disk that holds {path} is full.", "Free some space, then retry.", code="disk_full")
    if error.errno == errno.ENAMETOOLONG:
        return PublishError(
            f"The name {path.name} is too long.", "Give the photo a shorter name.", code="name_too_long"
        )
    return PublishError(f"{path} cannot be written: {error.strerror or error}.", "Check the disk, then retry.")
