"""What a path may look like before anything is looked up, and where it leads."""

from __future__ import annotations

import ntpath
import os
from collections.abc import Iterable
from pathlib import Path

from afterframe.errors import NotAllowed, UsageError, shortened

DEVICES = frozenset(
    {
        "con",
        "prn",
        "aux",
        "nul",
        "conin$",
        "conout$",
        *(f"{kind}{n}" for kind in ("com", "lpt") for n in "123456789¹²³"),
    }
)
"""Names that Windows takes for devices, whatever their suffix."""
SHOWN = 300
"""Characters of a path that a message repeats: all of a sensible one."""


def check_absolute(given: str) -> None:
    """Refuse what is not an absolute path.

    Raises:
        UsageError: empty, relative, or with characters that cannot be kept.
    """
    if "\0" in given:
        raise UsageError("A path cannot hold a NUL character.", code="bad_path")
    check_unicode(given)
    if not Path(given).is_absolute():
        raise UsageError(
            f"“{shortened(given, SHOWN)}” is not an absolute path.", "Give the whole path.", code="relative_path"
        )


def check_unicode(path: str) -> None:
    """Refuse a name that is not valid Unicode: no database and no JSON can hold it.

    Raises:
        UsageError: it is not.
    """
    try:
        path.encode()
    except UnicodeEncodeError as error:
        shown = path.encode("utf-8", "replace").decode()
        raise UsageError(
            f"{shortened(shown, SHOWN)}: the name is not valid Unicode.", "Rename it.", code="bad_name"
        ) from error


def real_path(given: str) -> str:
    """The path with every link and ".." resolved, as far as it exists.

    Raises:
        NotAllowed: the file system cannot resolve it.
    """
    try:
        return os.path.realpath(given)
    except (OSError, ValueError) as error:
        raise NotAllowed(f"{shortened(given, SHOWN)} cannot be followed to a file.", code="bad_path") from error


def windows_oddity(given: str, roots: Iterable[str]) -> str | None:
    """What about a Windows path must not even be looked up, in words; None when nothing is.

    A share is only asked when one of the folders lies on it: asking a stranger's server would
    hand it the user's password hash.
    """
    drive, rest = ntpath.splitdrive(given)
    plain = drive.replace("/", "\\").casefold()
    if plain.startswith(("\\\\?\\", "\\\\.\\")):
        return "a device path"
    if plain.startswith("\\\\") and plain not in {ntpath.splitdrive(r)[0].replace("/", "\\").casefold() for r in roots}:
        return "on a share that holds none of Afterframe's folders"
    parts = rest.replace("/", "\\").split("\\")
    if ":" in rest:
        return "a second stream of a file"
    if any(part not in (".", "..") and part != part.rstrip(". ") for part in parts):
        return "a name that Windows would change"
    if any(part.partition(".")[0].rstrip().casefold() in DEVICES for part in parts):
        return "the name of a device"
    return None


def is_inside(real: str, root: str) -> bool:
    """Whether a real path is a folder or lies under it."""
    top = os.path.normcase(os.path.realpath(root))
    try:
        return os.path.commonpath([os.path.normcase(real), top]) == top
    except ValueError:
        return False  # another drive
