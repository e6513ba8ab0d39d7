"""Locks that the operating system releases when their process ends, however it ends."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from afterframe.errors import AlreadyRunning

NEW_LOCK_S = 60.0
"""A younger lock file may belong to a process that is about to take its lock, seconds."""
DAEMON_LOCK = "daemon.lock"


class DaemonLock:
    """Makes sure that only one daemon runs per AFTERFRAME_HOME."""

    def __init__(self, home: Path) -> None:
        self._lock = FileLock(home / DAEMON_LOCK)

    def acquire(self) -> None:
        """Take the lock, without waiting.

        Raises:
            AlreadyRunning: another daemon holds it.
        """
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise AlreadyRunning(
                "Afterframe is already running.", "Open its page, or stop it before you start another."
            ) from error

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()

    def __enter__(self) -> DaemonLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Owner:
    """A process that holds leases on jobs. Its lock file tells others whether it is still alive.

    A process id does not: after a crash another program may get the same one.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self.id = f"{kind}-{os.getpid()}-{secrets.token_hex(4)}"
        self._path = folder / f"{self.id}.lock"
        self._lock = FileLock(self._path)

    def __enter__(self) -> Owner:
        self._lock.acquire(timeout=0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
        self._path.unlink(missing_ok=True)


def is_alive(folder: Path, owner_id: str) -> bool:
    """Whether the process behind an owner id still holds its lock."""
    path = folder / f"{owner_id}.lock"
    if not path.exists():
        return False
    if is_held(path):
        return True
    path.unlink(missing_ok=True)
    return False


def sweep_owners(folder: Path, now: float) -> None:
    """Remove the lock files of processes that ended without doing so.

    Args:
        now: Unix time, seconds.
    """
    for path in folder.glob("*.lock"):
        with contextlib.suppress(OSError):
            if now - path.stat().st_mtime > NEW_LOCK_S and not is_held(path):
                path.unlink(missing_ok=True)


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock of this file."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False
