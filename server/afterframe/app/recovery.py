"""After a crash: what was begun is finished or begun again, and what was left behind is removed."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from afterframe.config import Home
from afterframe.errors import NotFound
from afterframe.naming import RESERVATION_SUFFIX, UPLOAD_PREFIX, is_passing, job_of_temporary
from afterframe.publish.placement import discard
from afterframe.publish.publisher import Publisher
from afterframe.publish.reservation import machine_id, read_reservation
from afterframe.state.queue import Queue
from afterframe.system.locks import is_alive

FOREIGN_UPLOAD_S = 60.0
"""So long before our start another Afterframe may have begun an upload that still goes on, seconds."""
PASSING_S = 60.0
"""A hidden file that stands for moments only and is older than this was left by a crash, seconds."""
FOREIGN_S = 86_400.0
"""A part of a clip that we know nothing of, and that nobody has written for so long, is nobody's, seconds."""
UPLOAD_S = 900.0
"""No upload takes longer once its bytes are here, seconds."""


def recover(publisher: Publisher, queue: Queue, home: Home) -> None:
    """After a crash: finish what was being published, and queue again what was being rendered."""

    def gone(owner: str) -> bool:
        return not is_alive(home.owners, owner.partition("/")[0])

    publisher.roll_forward(gone)
    queue.release_dead(lambda process: not gone(process))


class Leftovers:
    """Removes what crashes left in the folders: temporary files of renders that have ended, hidden folders of uploads.

    Args:
        started_at: when this daemon began; Unix time, seconds.
        clock: Unix time, seconds.
    """

    def __init__(self, queue: Queue, home: Home, started_at: float, clock: Callable[[], float] = time.time) -> None:
        self._queue = queue
        self._machine = machine_id(home.root)
        self._started_at = started_at
        self._clock = clock

    def clear(self, path: Path) -> None:
        """Remove one, if it is nobody's any more; what another Afterframe may be at is left."""
        if path.name.startswith(UPLOAD_PREFIX):
            self._clear_upload(path)
            return
        with contextlib.suppress(NotFound, OSError):
            if is_passing(path):
                if self._is_old(path):
                    path.unlink()
            elif path.suffix == RESERVATION_SUFFIX:
                self._clear_reservation(path)
            elif (job_id := job_of_temporary(path)) and self._is_nobodys(path, job_id):
                discard(path.with_suffix(".mp4"))

    def _is_nobodys(self, path: Path, job_id: str) -> bool:
        try:
            state = self._queue.get(job_id).state
        except NotFound:  # another Afterframe's on a shared folder, or the state file was lost
            return self._is_old(path, FOREIGN_S)
        return state.ended or (not state.held and self._is_old(path))

    def _is_old(self, path: Path, seconds: float = PASSING_S) -> bool:
        return self._clock() - path.lstat().st_mtime > seconds

    def _clear_reservation(self, path: Path) -> None:
        machine, job_id = read_reservation(path)
        if machine == self._machine and not self._queue.get(job_id).state.held:
            path.unlink()

    def clear_beside(self, photo: Path) -> None:
        """All that lie hidden in a photo's folder."""
        with contextlib.suppress(OSError):
            for path in list(photo.parent.glob(".*")):
                self.clear(path)

    def clear_unwatched(self, folder: Path) -> None:
        """The same for a folder that no scan looks into."""
        with contextlib.suppress(OSError):
            for staging in list(folder.glob(f"{UPLOAD_PREFIX}*")):
                self._clear_upload(staging)

    def _clear_upload(self, staging: Path) -> None:
        with contextlib.suppress(OSError):
            touched_at = staging.lstat().st_mtime
            # Before we began it was no upload of ours: another Afterframe's, on a shared folder, takes seconds.
            if touched_at < self._started_at - FOREIGN_UPLOAD_S or self._clock() - touched_at > UPLOAD_S:
                shutil.rmtree(staging, ignore_errors=True)
