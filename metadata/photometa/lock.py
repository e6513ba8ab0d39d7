"""One writer at a time per sidecar, among threads and among processes, within microseconds.

All sidecars share one lock file in the temporary folder, never by the photos: each locks one byte of
it, found by its path. The system releases such a lock with its process; nothing is left to clean up.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator

SLOTS = 1 << 16
"""Two sidecars that share a slot merely wait for each other."""
_PAUSE_S = 0.01

_threads: dict[int, threading.Lock] = {}
"""By slot: to the system, all threads of a process are one owner."""
_opening = threading.Lock()
_files: dict[str, int] = {}
"""Open lock files. Closing one would drop every lock that this process holds in it."""


class LockedError(OSError):
    """Another writer held it the whole time."""


@contextlib.contextmanager
def locked(path: str, timeout_s: float) -> Iterator[None]:
    """Hold a sidecar's lock.

    Args:
        path: the sidecar.
        timeout_s: how long to wait for another writer, seconds.

    Raises:
        LockedError: it was not released in time.
        OSError: the temporary folder cannot be used.
    """
    slot = zlib.crc32(os.fsencode(os.path.normcase(os.path.abspath(path)))) % SLOTS  # noqa: PTH100 - for speed
    deadline = time.monotonic() + timeout_s
    among_threads = _threads.setdefault(slot, threading.Lock())
    if not among_threads.acquire(timeout=timeout_s):
        raise LockedError(path)
    try:
        descriptor = _open()
        while not _take(descriptor, slot):
            if time.monotonic() >= deadline:
                raise LockedError(path)
            time.sleep(_PAUSE_S)
        try:
            yield
        finally:
            _release(descriptor, slot)
    finally:
        among_threads.release()


def _open() -> int:
    user = os.getuid() if hasattr(os, "getuid") else ""
    folder = os.path.join(tempfile.gettempdir(), f"photometa-locks-{user}")  # noqa: PTH118
    path = os.path.join(folder, "sidecars.lock")  # noqa: PTH118
    with _opening:
        descriptor = _files.get(path)
        if descriptor is None or not _still_there(path, descriptor):
            with contextlib.suppress(FileExistsError):
                os.mkdir(folder, 0o700)  # noqa: PTH102
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
            descriptor = _files[path] = os.open(path, flags, 0o600)
    return descriptor


def _still_there(path: str, descriptor: int) -> bool:
    """Whether the lock file is still in the temporary folder; if it was cleaned, others would lock another file."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))  # noqa: PTH116
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int, slot: int) -> bool:
        return _at(descriptor, slot, msvcrt.LK_NBLCK)

    def _release(descriptor: int, slot: int) -> None:
        _at(descriptor, slot, msvcrt.LK_UNLCK)

    def _at(descriptor: int, slot: int, mode: int) -> bool:
        with _opening:  # a descriptor has only one position
            os.lseek(descriptor, slot, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, mode, 1)
            except OSError:
                return False
        return True

else:

    def _take(descriptor: int, slot: int) -> bool:
        try:
            import fcntl
        except ImportError:  # some systems have no file locks: then among threads only
            return True
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
        except (BlockingIOError, PermissionError):  # POSIX allows both
            return False
        return True

    def _release(descriptor: int, slot: int) -> None:
        with contextlib.suppress(ImportError):
            import fcntl

            fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, slot)


def _forget() -> None:
    """In a forked child: its threads hold nothing."""
    global _opening  # noqa: PLW0603 - a lock cannot be reset in place
    _threads.clear()
    _opening = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
