"""Files that are replaced as a whole, and files that are made once and kept in a cache."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write to another file that replaces ``path`` when the block ends: readers see the old bytes or the new ones.

    A link stays a link: the file that it leads to is replaced. Permissions and owner of an existing file are kept.

    Yields:
        A hidden file in the same folder, with the same suffix. It exists, empty, where the file does. It is removed
        when the block fails, and the file is as it was.
    Raises:
        OSError: the folder cannot be written, the disk is full ...
    """
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    with _part_beside(target) as part:
        if target.exists():
            part.touch(0o600)
            shutil.copymode(target, part)
            _keep_owner(target, part)
        yield part
        part.replace(target)


def _keep_owner(target: Path, part: Path) -> None:
    """Give a new file the owner and group of the old one, as far as we may: root replaces a user's own file, say."""
    old, new = target.stat(), part.stat()
    if os.name == "nt" or (old.st_uid, old.st_gid) == (new.st_uid, new.st_gid):
        return
    with contextlib.suppress(PermissionError):
        os.chown(part, old.st_uid, old.st_gid)
        part.chmod(stat.S_IMODE(old.st_mode))  # a new owner takes set-user-ID away


def write_file(path: Path, data: bytes, *, private: bool = False) -> None:
    """Make a file, or replace it as :func:`replacing` does. Its bytes are on the disk before it has its name.

    Args:
        private: only the user can read it, whatever its permissions were.
    Raises:
        OSError: the folder cannot be written, the disk is full ... The file is as it was.
    """
    with replacing(path) as part:
        if private:
            part.touch(0o600)
            part.chmod(0o600)
        write_synced(part, data)


@contextlib.contextmanager
def _part_beside(target: Path) -> Iterator[Path]:
    """A hidden name: what has it is never taken for a photo. Nothing is left there after the block."""
    part = target.with_name(f".{secrets.token_hex(8)}.part{target.suffix}")
    try:
        yield part
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def write_synced(path: Path, data: bytes) -> None:
    """Write a file, and wait until its bytes are on the disk.

    Raises:
        OSError: the folder cannot be written, the disk is full ...
    """
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_file(path: Path) -> None:
    """Wait until a file's bytes are on the disk.

    Raises:
        OSError: it cannot be opened for writing, or the disk failed.
    """
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the file system can.

    Raises:
        OSError: it cannot be opened.
    """
    if os.name == "nt":
        return  # NTFS journals its names; a folder cannot be opened there
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some shares cannot
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


class FileCache:
    """Files that are made once and kept, for as long as they are among the newest.

    Their names are hidden: they are never taken for photos, should the cache lie in a watched folder.

    Args:
        folder: made together with its first file, for the user alone.
        keep: how many of its files stay; None: all.
    """

    def __init__(self, folder: Path, *, keep: int | None = None) -> None:
        self._folder = folder
        self._keep = keep

    def path(self, name: str) -> Path:
        """Where a file is if it was made, and was not dropped since."""
        return self._folder / f".{name}"

    def get(
        self, name: str, make: Callable[[Path], object], turn: AbstractContextManager[object] | None = None
    ) -> Path:
        """A file; made if it is not there.

        Args:
            name: with its suffix. It names the content: a file is never made anew.
            make: writes the file to a path with the same suffix.
            turn: held while it is made.
        Raises:
            OSError: the folder cannot be written, the disk is full ...
            Whatever ``make`` raises: then nothing is kept.
        """
        target = self.path(name)
        if target.is_file():
            return target
        with turn or nullcontext():
            if not target.is_file():
                self._make(target, make)
        return target

    def _make(self, target: Path, make: Callable[[Path], object]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _part_beside(target) as part:
            make(part)
            if not target.is_file():  # made by somebody else meanwhile, and perhaps being sent
                part.replace(target)
        if self._keep is not None:
            prune(self._folder, self._keep)


def prune(folder: Path, keep: int) -> None:
    """Leave the newest files of a folder: ``keep`` of them, once there are a tenth more."""
    files = list(folder.iterdir())
    if len(files) <= keep + keep // 10:
        return
    for file in sorted(files, key=_modified_at)[: len(files) - keep]:
        file.unlink(missing_ok=True)


def _modified_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
