"""Opens regular files and nothing else: a pipe waits for its writer, a device may do anything when it is opened."""

from __future__ import annotations

import errno
import os
import stat

_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


class NotRegular(OSError):
    """What has the name is a folder, a pipe, a socket or a device."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(errno.EINVAL, "it is not a regular file", os.fspath(path))

    def __reduce__(self) -> tuple[type[NotRegular], tuple[str]]:
        return type(self), (self.filename,)


def open_regular(path: str | os.PathLike[str], flags: int = os.O_RDONLY) -> int:
    """A descriptor of a regular file, or of the one that a link leads to. The caller closes it.

    Raises:
        NotRegular: it is something else.
        OSError: it is not there, may not be opened ...
    """
    name = os.fspath(path)
    if not stat.S_ISREG(os.stat(name).st_mode):  # noqa: PTH116 - for speed
        raise NotRegular(name)
    # Should something else have the name by now: it is not waited for, and closed again.
    descriptor = os.open(name, flags | _FLAGS)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise NotRegular(name)
