"""Replaces a file so that every reader sees either the old bytes or the new ones, never a part."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from photometa.errors import MetadataError

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def replace_file(path: Path, data: bytes, *, exclusive: bool = False) -> None:
    """Write bytes to a temporary file beside the target, then rename it over the target.

    The temporary file begins with a dot and does not end in .xmp, so that no scanner takes it for a
    sidecar. Mode and extended attributes of an existing file are kept. The bytes are synced before
    the rename; the folder is synced only for a new name. A power cut just after a replacement may
    bring back the old file, complete: the same as a power cut just before it.

    Args:
        path: the file to make or replace; not a link.
        data: its whole content.
        exclusive: the file must not exist yet.

    Raises:
        FileExistsError: exclusive, and it does.
        OSError: the folder is not writable, the disk is full ... The target is as it was.
    """
    target = os.fspath(path)
    folder = os.path.dirname(target)  # noqa: PTH120 - strings: a Path costs as much as a system call
    temporary = os.path.join(folder, f".photometa-{secrets.token_hex(6)}.part")  # noqa: PTH118
    descriptor = os.open(temporary, _FLAGS, 0o666)
    try:
        try:
            _write(descriptor, data)
            if not exclusive:
                _keep_attributes(target, temporary, descriptor)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if exclusive:
            _move_to_free_name(temporary, target)
        else:
            os.replace(temporary, target)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)  # noqa: PTH108
        raise
    if exclusive:
        _sync_folder(folder or os.curdir)


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _move_to_free_name(temporary: str, target: str) -> None:
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # no hard links here: FAT, some network shares
        if os.path.exists(target):  # noqa: PTH110
            raise FileExistsError(target) from None
        os.replace(temporary, target)  # noqa: PTH105
    else:
        os.unlink(temporary)  # noqa: PTH108


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
