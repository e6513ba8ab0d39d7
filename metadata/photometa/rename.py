"""Renames that never hide what somebody else wrote: to a free name, and two files exchanged in one step."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import sys
import time
from functools import cache
from typing import Any

_NOREPLACE, _EXCHANGE = 1, 2
"""renameat2(2), <linux/fs.h>."""
_DARWIN_FLAGS = {_NOREPLACE: 4, _EXCHANGE: 2}
"""RENAME_EXCL and RENAME_SWAP of renamex_np(2), <sys/stdio.h>."""
_AT_FDCWD = -100
_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM})
"""What kernels and file systems say that have no such rename; EPERM comes from sandboxes that forbid the call."""

_HELD = frozenset({errno.EACCES, errno.EBUSY, errno.ETXTBSY})
"""What is said of a file that is open: a scanner or an indexer looks into it for an instant."""
_TRIES, _PAUSE_S = 10, 0.05


def move_to_free_name(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Rename a file, and fail where the target exists.

    Where the file system has neither an exclusive rename nor hard links (some network shares), the name is taken by an
    empty file of our own first.

    Raises:
        FileExistsError: the target exists; nothing has changed.
        OSError: it cannot be renamed.
    """
    if os.name == "nt":
        os.rename(source, target)  # noqa: PTH104 - Windows itself refuses an existing target
    elif not (_rename(source, target, _NOREPLACE) or _link(source, target)):
        _rename_over_placeholder(source, target)


def replace(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Rename a file over another one. Shares and Windows refuse that while it is open: half a second is waited.

    Raises:
        OSError: it cannot be renamed.
    """
    for _ in range(_TRIES):
        try:
            os.replace(source, target)  # noqa: PTH105
        except OSError as error:
            if error.errno not in _HELD:
                raise
            time.sleep(_PAUSE_S)
        else:
            return
    os.replace(source, target)  # noqa: PTH105


def exchange(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Exchange two files in one step; both exist.

    Returns:
        False: this system or file system cannot; nothing has changed.
    Raises:
        OSError: one of them is gone, say.
    """
    return _rename(one, other, _EXCHANGE)


def _rename(source: str | os.PathLike[str], target: str | os.PathLike[str], flag: int) -> bool:
    """Whether the system could try it."""
    call = _system_call()
    if call is None:
        return False
    ctypes.set_errno(0)
    if call(os.fsencode(source), os.fsencode(target), flag) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), os.fspath(source), None, os.fspath(target))


@cache
def _system_call() -> Any:
    """A function of two paths and a flag; None where there is none."""
    if os.name == "nt":
        return None
    library = ctypes.CDLL(None, use_errno=True)
    with contextlib.suppress(AttributeError):
        if sys.platform == "darwin":
            renamex_np = library.renamex_np
            return lambda source, target, flag: renamex_np(source, target, _DARWIN_FLAGS[flag])
        renameat2 = library.renameat2
        return lambda source, target, flag: renameat2(_AT_FDCWD, source, _AT_FDCWD, target, flag)
    return None


def _link(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> bool:
    """Whether the file could be renamed by a second name."""
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(target)) from None
        return False
    os.unlink(source)  # noqa: PTH108
    return True


def _rename_over_placeholder(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    ours = os.fstat(descriptor)
    os.close(descriptor)
    try:
        standing = os.lstat(target)
        if (standing.st_dev, standing.st_ino, standing.st_size) != (ours.st_dev, ours.st_ino, 0):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(target))
        os.replace(source, target)  # noqa: PTH105
    except FileExistsError:
        raise
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(target)  # noqa: PTH108
        raise
