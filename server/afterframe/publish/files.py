"""A clip and its sidecar land together beside the photo, atomically, over nothing that is not ours.

The order is: commit the intent, rename the clip, write the sidecar, commit. Each step can be done
again, so a crash in between is rolled forward from the intent.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from afterframe.errors import PublishError
from afterframe.naming import POSTER_MARK, bases_for, clip_path, poster_of, sidecar_of, temporary_for, with_sound_for
from afterframe.system.files import move_without_overwriting, sync_file, sync_folder, write_synced
from afterframe.system.hashing import sha256_of
from photometa.containers.mp4 import append_xmp

FREE_BYTES = 64 << 20
"""Less free space than this is too little to begin a clip."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What is about to stand beside a photo; the intent that is committed first."""

    temporary: str
    """The finished clip under its hidden name; the finished sidecar stands beside it, see :func:`write_packet`."""
    clip: str
    clip_sha256: str
    sidecar: str
    packet: str
    """The XMP packet, as text."""
    replaces_sha256: str | None
    """The hash of our own earlier clip that may be replaced under this name."""
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


def choose_name(photo: Path, ours: set[str], taken: Callable[[Path], bool]) -> tuple[Path, int]:
    """Find a free name for a photo's next clip.

    Args:
        ours: paths of the clips that this photo has already.
        taken: whether a path is promised to a clip that is being published.
    Returns:
        The clip's path and its variant number.
    Raises:
        PublishError: the name would be too long for the file system.
    """
    plain, long = bases_for(photo)
    ours_by_base = {base: any(path == str(clip_path(photo, base, 1)) for path in ours) for base in (plain, long)}
    base = (
        long if ours_by_base[long] or not (ours_by_base[plain] or _free(clip_path(photo, plain, 1), taken)) else plain
    )
    variant = 1
    while not _free(clip_path(photo, base, variant), taken) or str(clip_path(photo, base, variant)) in ours:
        variant += 1
    return clip_path(photo, base, variant), variant


def _free(path: Path, taken: Callable[[Path], bool]) -> bool:
    try:
        return not (_exists(sidecar_of(path)) or _exists(path) or taken(path))
    except OSError as error:
        raise _explain(error, path) from error


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True  # any other error, such as a name that is too long, goes up


def check_folder(folder: Path) -> None:
    """See that a clip can be written there, before any work is done.

    Raises:
        PublishError: the folder is gone, read-only, or the disk is full.
    """
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise _explain(error, folder) from error
    if not os.access(folder, os.W_OK):
        raise _explain(PermissionError(errno.EACCES, "read-only"), folder)
    if free < FREE_BYTES:
        raise _explain(OSError(errno.ENOSPC, "full"), folder)


def place(publication: Publication) -> None:
    """Put clip, sidecar and poster under their final names. Doing it again is harmless.

    Raises:
        PublishError: ``name_taken``: somebody else's file stands there by now; ``lost``: the
            temporary file is gone; or the folder cannot be written.
    """
    clip, temporary = Path(publication.clip), Path(publication.temporary)
    try:
        _place_clip(temporary, clip, publication)
        _place_sidecar(clip, Path(publication.sidecar), publication)
    except OSError as error:
        _take_back(clip, publication)
        raise _explain(error, clip) from error
    # Clip and sidecar stand; what fails from here on must not undo that.
    with contextlib.suppress(OSError):
        if publication.poster and publication.poster_temporary:
            _place_poster(Path(publication.poster_temporary), Path(publication.poster))
    discard(temporary)
    with contextlib.suppress(OSError):
        sync_folder(clip.parent)


def _take_back(clip: Path, publication: Publication) -> None:
    """A clip without its sidecar must not stay; the clip that it replaced comes back."""
    earlier = _kept(Path(publication.temporary))
    with contextlib.suppress(OSError):
        if earlier.exists():
            earlier.replace(clip)
        elif not os.path.lexists(publication.sidecar) and sha256_of(clip) == publication.clip_sha256:
            clip.unlink()


def _kept(temporary: Path) -> Path:
    """Where the clip that is being replaced stays until the new one has its sidecar."""
    return temporary.with_suffix(".old.mp4")


def _place_clip(temporary: Path, clip: Path, publication: Publication) -> None:
    if not temporary.exists():
        if clip.exists() and sha256_of(clip) == publication.clip_sha256:
            return
        raise PublishError(f"{clip.name} was lost before it was published.", "It is made again.", code="lost")
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
            clip.unlink()  # made by us a moment ago: its hash was checked
            raise _taken(sidecar)
    part = _part(Path(publication.temporary))
    if not (part.is_file() and part.read_bytes() == packet):
        write_packet(Path(publication.temporary), packet)
    part.replace(sidecar)


def _names_clip(standing: bytes, publication: Publication) -> bool:
    """Whether a sidecar was placed before a crash; the photographer may have judged the clip since."""
    clip_id = publication.record.get("id")
    return standing == publication.packet.encode() or bool(clip_id and f"xmp.did:{clip_id}".encode() in standing)


def write_packet(temporary: Path, packet: bytes) -> Path:
    """Write a sidecar's bytes under a hidden name beside a temporary clip, so that publishing needs no disk space."""
    part = _part(temporary)
    write_synced(part, packet)
    return part


def _part(temporary: Path) -> Path:
    return temporary.with_suffix(".xmp-part")


def _place_poster(temporary: Path, target: Path) -> None:
    if not temporary.exists():
        return
    if target.is_file() and POSTER_MARK in target.read_bytes()[:4096]:
        if not temporary.samefile(target):  # else a crash came between link and unlink
            temporary.replace(target)
    elif os.path.lexists(target):
        temporary.unlink()
    else:
        move_without_overwriting(temporary, target)


def put_poster(made: Path, clip: Path) -> Path:
    """Put a copy of a clip's poster beside the clip.

    Returns:
        Where it stands.
    Raises:
        PublishError: ``name_taken``: somebody else's picture has the name; or the folder cannot be written.
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
            f"{target.name} exists and is not Afterframe's.", "Rename it, and ask again.", code="name_taken"
        ) from None
    except OSError as error:
        raise _explain(error, target) from error
    finally:
        temporary.unlink(missing_ok=True)
    return target


def embed_packet(temporary: Path, packet: bytes) -> str:
    """Put the packet into the finished clip and beside it, all of it on disk.

    Returns:
        The clip's SHA-256.
    Raises:
        PublishError: the disk is full, say.
    """
    try:
        with temporary.open("r+b") as file:
            append_xmp(file, packet)
        sync_file(temporary)
        write_packet(temporary, packet)
        return sha256_of(temporary)
    except OSError as error:
        raise _explain(error, temporary) from error


def discard(temporary: Path) -> None:
    """Remove a temporary clip and what stands beside it, as far as that can be done."""
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
        f"{path.name} exists by now and is not ours.", "It is left alone; another name is used.", code="name_taken"
    )


def _explain(error: OSError, path: Path) -> PublishError:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return PublishError(
            f"The folder {path if path.is_dir() else path.parent} cannot be written to.",
            "Give yourself the right to write there, then retry.",
            code="read_only",
        )
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return PublishError(f"The disk that holds {path} is full.", "Free some space, then retry.", code="disk_full")
    if error.errno == errno.ENAMETOOLONG:
        return PublishError(
            f"The name {path.name} is too long.", "Give the photo a shorter name.", code="name_too_long"
        )
    return PublishError(f"{path} cannot be written: {error.strerror or error}.", "Check the disk, then retry.")
