"""The name of a photo's next clip: never one that is taken or reserved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from afterframe.naming import bases_for, clip_path, sidecar_of
from afterframe.publish.folder_check import explained


def choose_name(photo: Path, ours: set[str], reserved: Callable[[Path], bool]) -> tuple[Path, int]:
    """Choose a free name for a photo's next clip.

    Args:
        ours: paths of the clips that this photo already has.
        reserved: whether a path is reserved for a clip that is being published.
    Returns:
        The clip's path and its variant number.
    Raises:
        PublishError: the name would be too long for the file system.
    """
    base = _base(photo, ours, reserved)
    variant = 1
    while not _free(clip_path(photo, base, variant), reserved) or str(clip_path(photo, base, variant)) in ours:
        variant += 1
    return clip_path(photo, base, variant), variant


def _base(photo: Path, ours: set[str], reserved: Callable[[Path], bool]) -> str:
    """The beginning of the name that the photo's clips already have, or else the shortest free one."""
    plain, long = bases_for(photo)
    if str(clip_path(photo, long, 1)) in ours:
        return long
    first = clip_path(photo, plain, 1)
    return plain if str(first) in ours or _free(first, reserved) else long


def _free(path: Path, reserved: Callable[[Path], bool]) -> bool:
    try:
        return not (_exists(sidecar_of(path)) or _exists(path) or reserved(path))
    except OSError as error:
        raise explained(error, path) from error


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True  # any other error, such as a name that is too long, goes up
