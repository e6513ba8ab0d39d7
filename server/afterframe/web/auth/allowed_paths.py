"""Which paths a request may name: those inside the watched folders and allowed roots, by real path."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from afterframe.errors import NotAllowed, NotFound, PhotoError, UsageError, shortened
from afterframe.imaging.decode import is_photo, unsupported_kind
from afterframe.intake.folder_rules import not_a_folder
from afterframe.system.paths import SHOWN, check_absolute, check_unicode, real_path, spelled_inside, windows_oddity

OUTSIDE_HINT = "Add its folder to the watched folders or the allowed ones first (POST /api/folders)."


class AllowedPaths:
    """Turns a path from a request into a real path that may be read.

    Args:
        roots: the folders, asked anew each time.
        windows: the file system has drives, shares and device names.
    """

    def __init__(self, roots: Callable[[], Iterable[Path]], *, windows: bool = os.name == "nt") -> None:
        self._roots = roots
        self._windows = windows

    def path(self, given: str) -> Path:
        """The real path, which lies inside one of the folders; whether anything is there is not asked.

        Raises:
            UsageError: it is no absolute path at all, or longer than the file system can hold.
            NotAllowed: it leads outside, by itself, by "..", or through a link.
        """
        check_absolute(given)
        roots = [str(root) for root in self._roots()]
        if self._windows and (oddity := windows_oddity(given, roots)):
            raise NotAllowed(f"{shortened(given, SHOWN)} is {oddity}.", OUTSIDE_HINT)
        real = real_path(given)
        check_unicode(real)
        spelled = spelled_inside(real, roots)
        if spelled is None:
            raise NotAllowed(f"{shortened(given, SHOWN)} is outside Afterframe's folders.", OUTSIDE_HINT)
        _check_length(spelled, given)
        return Path(spelled)

    def folder(self, given: str) -> Path:
        """The real path of a folder that is one of the folders or inside one.

        Raises:
            UsageError, NotAllowed: as :meth:`path`; or it is no folder.
        """
        path = self.path(given)
        if not os.path.isdir(path):  # noqa: PTH112 - False, not an error, for one that may not be looked at
            raise not_a_folder(given)
        return path

    def photo(self, given: str) -> Path:
        """The real path of a photo inside one of the folders.

        Raises:
            UsageError, NotAllowed: as :meth:`path`.
            PhotoError: a folder, missing, or of a kind that cannot be animated.
        """
        path = self.path(given)
        try:
            mode = path.stat().st_mode
        except OSError as error:
            raise _explain(path, error) from error
        if stat.S_ISDIR(mode):
            raise PhotoError(
                f"{path.name} is a folder.", "Name its photos one by one, or watch the folder.", code="folder"
            )
        if not stat.S_ISREG(mode) or not is_photo(path):
            raise unsupported_kind(path.name)
        return path


def _check_length(real: str, given: str) -> None:
    try:
        os.lstat(real)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UsageError(
                f"{shortened(given, SHOWN)} is too long for this file system.",
                "Shorten the names of the file and its folders.",
                code="name_too_long",
            ) from error


def open_regular(path: Path) -> BinaryIO:
    """Open one of our own files to send it: a regular file, never what a link leads to.

    Raises:
        NotFound: it is gone, or something else stands in its place.
    """
    try:
        before = os.lstat(path)
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags) if stat.S_ISREG(before.st_mode) else -1
    except OSError as error:
        raise _gone(path) from error
    if descriptor < 0:
        raise _gone(path)
    if not os.path.samestat(before, os.fstat(descriptor)):
        os.close(descriptor)
        raise _gone(path)
    return os.fdopen(descriptor, "rb")


def _gone(path: Path) -> NotFound:
    return NotFound(f"{path.name} is not there any more.", "It was moved, renamed or deleted.", code="file_gone")


def _explain(path: Path, error: OSError) -> PhotoError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return PhotoError(f"{path.name} is not there.", "It may have been moved or renamed.", code="missing")
    return PhotoError(
        f"{path.name} cannot be read: {error.strerror or error}.",
        "Check the disk and its permissions.",
        code="unreadable",
    )
