"""Replacing a file so that every reader sees the old bytes or the new ones, never a part."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from photometa.errors import MetadataError


def replace_file(path: Path, data: bytes, *, exclusive: bool = False) -> None:
    """Write bytes to a temporary file beside the target, then rename it over the target.

    The temporary file begins with a dot and does not end in .xmp, so that no scanner takes it for a
    sidecar. Mode and extended attributes of an existing file are kept.

    Args:
        path: the file to make or replace; not a link.
        data: its whole content.
        exclusive: the file must not exist yet.

    Raises:
        FileExistsError: exclusive, and it does.
        OSError: the folder is not writable, the disk is full ... The target is as it was.
    """
    temporary = path.with_name(f".photometa-{secrets.token_hex(6)}.part")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if exclusive:
            _move_to_free_name(temporary, path)
        else:
            _keep_attributes(path, temporary)
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _move_to_free_name(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # no hard links here: FAT, some network shares
        if path.exists():
            raise FileExistsError(str(path)) from None
        temporary.replace(path)


def _keep_attributes(source: Path, target: Path) -> None:
    target.chmod(source.stat().st_mode & 0o7777)
    if hasattr(os, "listxattr"):
        with contextlib.suppress(OSError):
            for name in os.listxattr(source):
                with contextlib.suppress(OSError):
                    os.setxattr(target, name, os.getxattr(source, name))


def _sync_folder(folder: Path) -> None:
    """Make the rename durable, where folders can be opened (POSIX)."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def refused(path: Path, error: OSError) -> MetadataError:
    """An operating system's refusal, in words."""
    reason = error.strerror or str(error)
    return MetadataError(
        f"{path} cannot be written: {reason}.",
        "Check the folder's permissions and the free space.",
        "unwritable",
    )
