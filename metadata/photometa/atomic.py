"""Replaces a file so that every reader sees either the old bytes or the new ones, never a part."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from photometa.errors import MetadataError
from photometa.rename import exchange, move_to_free_name, replace

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


PART = re.compile(r"\.photometa-[0-9a-f]{12}\.part")


def is_part(name: str) -> bool:
    """Whether a name is that of a temporary file of this module; a crash may leave one."""
    return PART.fullmatch(name) is not None


def replace_file(path: Path, data: bytes, *, exclusive: bool = False) -> None:
    """Write bytes to a temporary file beside the target, then rename it over the target.

    Mode and extended attributes of an existing file are kept. The bytes are synced before the rename; the folder is
    synced only for a new name. A power cut just after a replacement may bring back the old file, complete: the same as
    a power cut just before it.

    Args:
        path: the file to make or replace; not a link.
        data: its whole content.
        exclusive: the file must not exist yet.

    Raises:
        FileExistsError: exclusive, and it does.
        OSError: the folder is not writable, the disk is full ... The target is as it was.
    """
    target = os.fspath(path)
    with _written(target, data, keep_attributes=not exclusive) as temporary:
        if exclusive:
            move_to_free_name(temporary, target)
        else:
            replace(temporary, target)
    if exclusive:
        _sync_folder(os.path.dirname(target) or os.curdir)  # noqa: PTH120


def replace_exactly(path: Path, expected: bytes, data: bytes) -> bool:
    """Replace a file as :func:`replace_file` does, if it holds what its reader saw.

    Where the system can exchange two files, a writer that comes in the last instant is found out and loses nothing.
    Elsewhere the file is compared right before the rename.

    Args:
        expected: the bytes that are to be replaced.
    Returns:
        False: somebody else wrote the file meanwhile. It holds what they wrote.
    Raises:
        OSError: as :func:`replace_file`.
    """
    target = os.fspath(path)
    with _written(target, data, keep_attributes=True) as temporary:
        if path.read_bytes() != expected:
            return False
        if not exchange(temporary, target):
            replace(temporary, target)
            return True
        if Path(temporary).read_bytes() == expected:
            return True
        exchange(temporary, target)
        if Path(temporary).read_bytes() != data:  # and once more since: the newest of theirs stays
            exchange(temporary, target)
        return False


@contextlib.contextmanager
def _written(target: str, data: bytes, *, keep_attributes: bool) -> Iterator[str]:
    """Bytes on the disk, in a temporary file beside the target that is gone after the block.

    Its name begins with a dot and does not end in .xmp, so that no scanner takes it for a sidecar.
    """
    folder = os.path.dirname(target)  # noqa: PTH120 - strings: a Path costs as much as a system call
    temporary = os.path.join(folder, f".photometa-{secrets.token_hex(6)}.part")  # noqa: PTH118
    descriptor = os.open(temporary, _FLAGS, 0o666)
    try:
        try:
            _write(descriptor, data)
            if keep_attributes:
                _keep_attributes(target, temporary, descriptor)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        yield temporary
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)  # noqa: PTH108


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _keep_attributes(source: str, target: str, descriptor: int) -> None:
    mode, made = os.stat(source).st_mode, os.fstat(descriptor).st_mode  # noqa: PTH116
    if stat.S_IMODE(mode) != stat.S_IMODE(made):
        os.chmod(target, stat.S_IMODE(mode))  # noqa: PTH101
    if hasattr(os, "listxattr"):
        with contextlib.suppress(OSError):
            for name in os.listxattr(source):
                with contextlib.suppress(OSError):
                    os.setxattr(descriptor, name, os.getxattr(source, name))


def _sync_folder(folder: str) -> None:
    """Make a new name durable, where folders can be opened (POSIX)."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def refused(path: Path, error: OSError) -> MetadataError:
    """An operating system's error as a MetadataError."""
    reason = error.strerror or str(error)
    return MetadataError(
        f"{path} cannot be written: {reason}.",
        "Check the folder's permissions and the free space.",
        "unwritable",
    )
