"""Puts a clip and its sidecar beside the photo, both or neither, over nothing that is not ours.

The order is: commit the intent, rename the clip, rename the sidecar, commit. Each step can be repeated, so a crash in
between is rolled forward from the intent.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from afterframe.errors import PublishError
from afterframe.naming import is_our_poster, poster_of, temporary_for, with_sound_for
from afterframe.publish.folder_check import explained
from afterframe.system.files import sync_file, sync_folder, write_synced
from afterframe.system.hashing import sha256_of
from photometa.containers.mp4 import append_xmp
from photometa.rename import exchange, move_to_free_name, replace


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
    replaces_sidecar_sha256: str | None = None
    """The hash of the earlier clip's sidecar as we wrote it; what anybody has changed since is not replaced."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The reverse of :meth:`to_dict`."""
        return cls(**data)


def place(publication: Publication) -> None:
    """Give clip, sidecar and poster their final names. It can be repeated.

    Raises:
        PublishError: ``name_taken``: a file that is not ours has the name by now; ``lost``: the temporary file is gone;
            or the folder cannot be written to.
    """
    clip, temporary = Path(publication.clip), Path(publication.temporary)
    try:
        _place_clip(temporary, clip, publication)
        _place_sidecar(Path(publication.sidecar), publication)
    except PublishError:
        _undo(clip, publication)
        raise
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
    with contextlib.suppress(OSError):
        if _has_sidecar(publication):
            return
        ours = os.path.lexists(clip) and sha256_of(clip) == publication.clip_sha256
        earlier = _earlier(publication)
        if earlier and ours:
            earlier.replace(clip)
        elif earlier:
            move_to_free_name(earlier, clip)
        elif ours:
            clip.unlink()


def _earlier(publication: Publication) -> Path | None:
    """The replaced clip, where there is one: it waits under a hidden name until the new one has its sidecar."""
    temporary = Path(publication.temporary)
    if publication.replaces_sha256 is None:
        return None
    kept = (path for path in (_kept(temporary), temporary) if path.is_file())
    return next((path for path in kept if sha256_of(path) != publication.clip_sha256), None)


def _kept(temporary: Path) -> Path:
    """Where the replaced clip waits if the two could not be exchanged: else it has the new one's hidden name."""
    return temporary.with_suffix(".old.mp4")


def _place_clip(temporary: Path, clip: Path, publication: Publication) -> None:
    if not temporary.exists():
        if clip.exists() and sha256_of(clip) == publication.clip_sha256:
            return
        raise PublishError(f"{clip.name} was lost before it was published.", "It will be rendered again.", code="lost")
    if not os.path.lexists(clip):
        with contextlib.suppress(FileExistsError):
            move_to_free_name(temporary, clip)
            return
    standing = sha256_of(clip) if clip.is_file() else None
    if standing == publication.clip_sha256:
        return  # a crash came after it; what has the hidden name is the earlier clip, or a second name of this one
    if standing is None or standing != publication.replaces_sha256 or not _may_replace_sidecar(publication):
        raise _taken(clip)
    if not exchange(temporary, clip):
        clip.rename(_kept(temporary))
        move_to_free_name(temporary, clip)
    earlier = _earlier(publication)
    if earlier is None or sha256_of(earlier) != publication.replaces_sha256:
        raise _taken(clip)  # somebody wrote it in the last instant


def _place_sidecar(sidecar: Path, publication: Publication) -> None:
    packet = publication.packet.encode()
    if _has_sidecar(publication):
        return
    part = _part(Path(publication.temporary))
    if not (part.is_file() and part.read_bytes() == packet):
        if not os.path.lexists(publication.clip):  # the drive was pulled a moment ago: nothing is written in its place
            raise PublishError(
                f"{publication.clip} went away while it was published.", "It is rendered again.", code="lost"
            )
        write_hidden_sidecar(Path(publication.temporary), packet)
    if not os.path.lexists(sidecar):
        with contextlib.suppress(FileExistsError):
            move_to_free_name(part, sidecar)
            return
    if not _may_replace_sidecar(publication):
        raise _taken(sidecar)
    if not exchange(part, sidecar):
        replace(part, sidecar)
    elif sha256_of(part) != publication.replaces_sidecar_sha256:
        exchange(part, sidecar)  # somebody wrote it in the last instant
        raise _taken(sidecar)


def _has_sidecar(publication: Publication) -> bool:
    """Whether the sidecar was placed before a crash; the photographer may have rated the clip since."""
    sidecar = Path(publication.sidecar)
    return sidecar.is_file() and _names_clip(sidecar.read_bytes(), publication)


def _may_replace_sidecar(publication: Publication) -> bool:
    """Whether the earlier clip's sidecar stands as we wrote it: otherwise somebody judged or edited it."""
    sidecar, wrote = Path(publication.sidecar), publication.replaces_sidecar_sha256
    return wrote is not None and sidecar.is_file() and sha256_of(sidecar) == wrote


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
    if is_our_poster(target):
        if not temporary.samefile(target):  # otherwise a crash came between link and unlink
            temporary.replace(target)
    elif os.path.lexists(target):
        temporary.unlink()
    else:
        move_to_free_name(temporary, target)


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
        if not is_our_poster(target):
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
