"""Whether a folder can be used: that it is there, can be written to, and has room.

Such faults are the folder's, never the photo's: the renders wait until it can be used again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from afterframe.domain import Recipe
from afterframe.errors import FolderUnavailable, PublishError
from afterframe.naming import PROBE_PREFIX, TEMPORARY_PREFIX
from afterframe.system.files import write_synced

FREE_BYTES = 64 << 20
"""With less free space no clip is begun."""
CLIP_BITS = 0.6
"""Of disk for each pixel of each frame: noisy clips take half of it, and for a moment there are two."""
PROBE_BYTES = 1 << 20
"""Written to find out whether a folder can be written to."""

FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
GONE = frozenset({errno.ENOENT, errno.ENOTDIR})
FAILING = frozenset(
    getattr(errno, name)
    for name in ("EIO", "ENXIO", "ENODEV", "ESTALE", "ENOTCONN", "EHOSTDOWN", "EHOSTUNREACH", "ETIMEDOUT", "EREMOTEIO")
    if hasattr(errno, name)
)
"""A disk that fails, a drive that was pulled, a server that is gone."""
CLOSED = "no_permission"
"""The code of a folder that may not be read."""


def is_there(folder: Path, roots: Iterable[Path] = ()) -> bool:
    """Whether a folder is really there, so that what is not found in it has been deleted or moved.

    Nothing can be said of a folder that cannot be listed, and of an empty one: it may be where a drive was mounted. One
    that is gone was deleted or renamed if the folder around it is there, up to one of ours.

    Args:
        roots: the folders that Afterframe knows.
    """
    root = next((root for root in roots if folder.is_relative_to(root)), folder)
    for level in (folder, *folder.parents):
        try:
            return _holds_something(level) or _seen_on.get(str(level)) == level.stat().st_dev
        except (FileNotFoundError, NotADirectoryError):
            if level == root:
                return False
        except OSError:
            return False
    return False


_seen_on: dict[str, int] = {}
"""A folder that held something -> its device: if it is empty on the same device, no drive was pulled."""


def note_in_use(folder: Path) -> None:
    """Note that a folder holds something, so that it can be told from where a drive was mounted."""
    with contextlib.suppress(OSError):
        _seen_on[str(folder)] = folder.stat().st_dev


def _holds_something(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return any(not entry.name.startswith(TEMPORARY_PREFIX) for entry in entries)


def room_for(recipe: Recipe) -> int:
    """Bytes of disk that a clip may need while it is made."""
    width, height = recipe.size
    return max(FREE_BYTES, int(width * height * recipe.frame_count * CLIP_BITS / 8))


def check_folder(folder: Path, needed: int = FREE_BYTES) -> None:
    """Check that a clip can be written to a folder, before any work is done.

    Args:
        needed: bytes of disk.
    Raises:
        FolderUnavailable: the folder is gone, read-only, or the disk is full.
        PublishError: the disk is too small.
    """
    try:
        disk = shutil.disk_usage(folder)
    except OSError as error:
        raise explained(error, folder) from error
    if not os.access(folder, os.W_OK):
        raise explained(PermissionError(errno.EACCES, "read-only"), folder)
    if disk.total < needed:
        raise PublishError(
            f"The disk that holds {folder} has {disk.total >> 20} MB in all; a clip may need {needed >> 20}.",
            "Move the photo to a larger disk.",
            code="disk_too_small",
        )
    if disk.free < needed:
        room = f"it has {disk.free >> 20} MB left, and a clip may need {needed >> 20}"
        raise FolderUnavailable(
            folder, f"The disk that holds {folder} is full: {room}.", "Free some space.", code="disk_full"
        )


def check_is_there(photo: Path, roots: Iterable[Path] = ()) -> None:
    """Check that a photo's folder is there: an empty one may be where a drive was mounted.

    Args:
        roots: the folders that Afterframe knows.
    Raises:
        FolderUnavailable: neither the photo nor anything else is in it.
        PublishError: the photo was deleted with its folder.
    """
    if os.path.lexists(photo):
        return
    if not is_there(photo.parent, roots):
        raise _away(photo.parent)
    if not photo.parent.is_dir():
        raise PublishError(f"{photo.name} was deleted with its folder.", "Restore it, then retry.", code="missing")


def probe(folder: Path, needed: int = FREE_BYTES) -> None:
    """Check a folder as :func:`check_folder` does, and by writing to it.

    Args:
        needed: bytes of disk.
    Raises:
        FolderUnavailable: it cannot be used.
    """
    if not is_there(folder):
        raise _away(folder)
    check_folder(folder, needed)
    test = folder / f"{PROBE_PREFIX}{secrets.token_hex(16)}"
    try:
        write_synced(test, bytes(PROBE_BYTES))
    except OSError as error:
        raise explained(error, folder) from error
    finally:
        with contextlib.suppress(OSError):
            test.unlink()


def unlisted(folder: Path, error: OSError) -> FolderUnavailable:
    """The system's refusal to list a folder, in a photographer's words."""
    if error.errno in FORBIDDEN:
        return FolderUnavailable(
            folder, f"The folder {folder} cannot be read.", "Give yourself permission to read it.", code=CLOSED
        )
    fault = explained(error, folder / "any")
    return fault if isinstance(fault, FolderUnavailable) else _away(folder)


def check_listed(folder: Path) -> None:
    """Check that a folder can be listed; one that was deleted since has nothing to list.

    Raises:
        FolderUnavailable: it cannot.
    """
    try:
        os.scandir(folder).close()
    except OSError as error:
        if error.errno not in GONE:
            raise unlisted(folder, error) from error


def widest_fault(photo: Path, roots: Sequence[Path], needed: int = FREE_BYTES) -> FolderUnavailable | None:
    """What is wrong with a photo's folder, told of the widest of our folders that has the same fault.

    Args:
        roots: the folders that Afterframe knows.
        needed: bytes of disk.
    Returns:
        None: nothing is.
    """
    try:
        check_is_there(photo, roots)
        probe(photo.parent, needed)
    except FolderUnavailable as fault:
        around = [level for level in photo.parents if any(level.is_relative_to(root) for root in roots)]
        for level in reversed(around[1:]):
            try:
                probe(level, needed)
            except FolderUnavailable as wider:
                if wider.error_code == fault.error_code:
                    return wider
        return fault
    except PublishError:
        return None
    return None


def passing_fault(error: BaseException, photo: Path) -> FolderUnavailable | None:
    """The fault of a photo's folder that an error came from, though the folder can be used again by now."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and _is_of_folder(cause, photo):
            fault = explained(cause, photo)
            return fault if isinstance(fault, FolderUnavailable) else None
        cause = cause.__cause__ or cause.__context__
    return None


def _is_of_folder(error: OSError, photo: Path) -> bool:
    """Whether the system refused something in a photo's folder, for another reason than the photo's own rights."""
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    beside = bool(name) and Path(name).is_relative_to(photo.parent)
    if error.errno in FORBIDDEN:
        return beside and name != str(photo)
    return error.errno in FULL | FAILING and (beside or not name)


def explained(error: OSError, path: Path) -> PublishError:
    """The system's refusal of a path, in a photographer's words."""
    if error.errno == errno.ENAMETOOLONG:
        return PublishError(
            f"The name {path.name} is too long.", "Give the photo a shorter name.", code="name_too_long"
        )
    folder = path if path.is_dir() else path.parent
    if error.errno in FORBIDDEN:
        return FolderUnavailable(
            folder,
            f"The folder {folder} cannot be written to.",
            "Give yourself write permission for it; a disk that is mounted read-only must be mounted writable.",
            code="read_only",
        )
    if error.errno in FULL:
        return FolderUnavailable(folder, f"The disk that holds {folder} is full.", "Free some space.", code="disk_full")
    if error.errno in GONE and not folder.is_dir():
        return _away(folder)
    if error.errno in FAILING:
        reason = error.strerror or str(error)
        return FolderUnavailable(
            folder, f"The disk that holds {folder} fails: {reason}.", "Check the drive.", code="disk_failing"
        )
    return PublishError(f"{path} cannot be written: {error.strerror or error}.", "Check the disk, then retry.")


def _away(folder: Path) -> FolderUnavailable:
    return FolderUnavailable(
        folder, f"The folder {folder} is not there.", "Connect its drive, or bring it back.", code="folder_missing"
    )
