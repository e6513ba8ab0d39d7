"""What a path may look like before anything is looked up, and where it leads."""

from __future__ import annotations

import ntpath
import os
import unicodedata
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


def as_spelled(path: str, below: str | None = None) -> str:
    """A path as its folders spell it: a system that folds case finds a file under any spelling of its name.

    What does not exist, or stands in a folder that cannot be listed, stays as it was given.

    Args:
        path: absolute.
        below: a folder that it lies in, which stays as it is spelled.
    """
    if os.name == "nt":
        return path  # os.path.realpath has asked the system already
    folder = Path(below or Path(path).anchor)
    for name in Path(path).relative_to(folder).parts:
        folder /= _spelled_in(folder, name)
    return str(folder)


def spelled_inside(real: str, roots: Iterable[str]) -> str | None:
    """A real path inside one of our folders as they spell it; the folder itself stays as we know it.

    Returns:
        None: it is in none of them.
    """
    known = list(roots)
    for root in known:
        if is_inside(real, root):
            return as_spelled(real, os.path.realpath(root))
    spelled = Path(as_spelled(real))
    for root in known:
        top = os.path.realpath(root)
        as_known = as_spelled(top)
        if spelled.is_relative_to(as_known):
            return str(top / spelled.relative_to(as_known))
    return None


def stands_as_spelled(path: Path, roots: Iterable[Path]) -> bool:
    """Whether something stands at a path under this very spelling, not only where the system folds case.

    Args:
        roots: folders whose own spelling does not matter.
    """
    return os.path.lexists(path) and spelled_below(path, roots) == path


def spelled_below(path: Path, roots: Iterable[Path]) -> Path:
    """A path as its folders spell it: below one of our folders, or from the top.

    Args:
        roots: folders whose own spelling stays.
    """
    root = next((str(root) for root in roots if path.is_relative_to(root)), None)
    return Path(as_spelled(str(path), root))


def are_one(one: Path, other: Path) -> bool:
    """Whether two spellings are one file's name, to a system that folds case."""
    if one == other or folded(str(one)) != folded(str(other)):
        return False
    return as_spelled(str(one)) == as_spelled(str(other))


def _spelled_in(folder: Path, name: str) -> str:
    other = "".join(letter.swapcase() if len(letter.swapcase()) == 1 else letter for letter in name)
    try:
        if other == name or not os.path.samestat((folder / name).lstat(), (folder / other).lstat()):
            return name
        names = os.listdir(folder)  # noqa: PTH208 - names alone
    except OSError:
        return name  # where case counts, the other spelling is not there
    return name if name in names else next((entry for entry in names if folded(entry) == folded(name)), name)


def folded(name: str) -> str:
    """A name as systems that fold case, or compose letters, tell it from others."""
    return unicodedata.normalize("NFC", name).casefold()


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
