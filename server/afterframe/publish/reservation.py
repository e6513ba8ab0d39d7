"""A hidden file beside a photo says that a clip of it is being made: two machines may share the folder.

It is touched while its render lives. One that stands still was left by a crash, and is taken over.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from stat import S_ISREG

from afterframe.domain import Job
from afterframe.errors import Unavailable
from afterframe.naming import RESERVATION_SUFFIX, TEMPORARY_PREFIX
from afterframe.publish.folder_check import explained
from afterframe.system.awake_clock import AwakeClock
from photometa.rename import move_to_free_name

TOUCH_S = 5.0
"""How often a reservation is touched, seconds."""
ID_FILE = "machine"
"""In Afterframe's own folder: a number that tells it from every other."""
STALE_S = 60.0
"""A reservation that was not touched for this long was left by a crash, seconds."""
MAX_BYTES = 4096


def machine_id(home: Path) -> str:
    """What tells this Afterframe from every other that may share a folder.

    Two containers may have the same name, address and paths; two machines the same folder of the user's. So it is made
    of all these and of a number drawn once, which stands in Afterframe's own folder.

    Args:
        home: that folder.
    """
    parts = (socket.gethostname(), uuid.getnode(), home, _number_of(home / ID_FILE))
    return hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()[:32]


def _number_of(file: Path) -> str:
    """The number in a file, which is drawn where there is none yet; empty where none can be kept."""
    part = file.with_name(f".{file.name}-{secrets.token_hex(8)}")
    with contextlib.suppress(OSError):
        try:
            if not file.exists():
                part.write_text(secrets.token_hex(16), "ascii")
                with contextlib.suppress(FileExistsError):  # another process of ours was quicker
                    move_to_free_name(part, file)
        finally:
            part.unlink(missing_ok=True)
        return file.read_text("utf-8", "replace").strip()
    return ""


def reservation_of(job: Job) -> Path:
    """The name of a render's reservation: the same for all who would make the same clip."""
    photo = Path(job.photo_path)
    same = "watch" if job.origin == "watch" else f"{job.recipe.hash}\0{job.recipe.seed}\0{job.generator}"
    key = hashlib.sha256(f"{photo.name}\0{job.photo_sha256}\0{same}".encode()).hexdigest()[:32]
    return photo.with_name(f"{TEMPORARY_PREFIX}{key}{RESERVATION_SUFFIX}")


class Reservations:
    """The reservations of one process.

    Args:
        machine: see :func:`machine_id`.
        clock: seconds, steady.
    """

    def __init__(self, machine: str, clock: Callable[[], float] | None = None) -> None:
        self._machine = machine
        self._clock = clock or AwakeClock()
        self._seen: dict[Path, tuple[int, float]] = {}
        """A reservation of others -> when it was touched, and since when we have seen it so."""

    @contextlib.contextmanager
    def reserve(self, job: Job) -> Iterator[None]:
        """Reserve the clip of a job, for as long as the block runs.

        Raises:
            Unavailable: another Afterframe makes it just now.
            FolderUnavailable: the folder cannot be written to.
        """
        path = reservation_of(job)
        self._take(path, job)
        ended = threading.Event()
        touching = threading.Thread(target=_touch, args=(path, ended), name="reservation")
        touching.start()
        try:
            yield
        finally:
            ended.set()
            touching.join()
            give_up_reservation(job)

    def _take(self, path: Path, job: Job) -> None:
        text = json.dumps({"machine": self._machine, "job": job.id, "photo": Path(job.photo_path).name})
        try:
            while not _created(path, text):
                if self._stands(path, job):
                    raise Unavailable(
                        f"{Path(job.photo_path).name} is being animated by another Afterframe on this folder.",
                        "It is looked at again when that one has ended.",
                        code="reserved",
                    )
                path.unlink(missing_ok=True)
        except OSError as error:
            raise explained(error, path) from error

    def _stands(self, path: Path, job: Job) -> bool:
        """Whether a reservation belongs to another Afterframe that is still at work."""
        if read_reservation(path) == (self._machine, job.id):
            return False  # left by a crash of our own: the queue gives a job to one worker only
        try:
            touched = path.stat().st_mtime_ns
        except FileNotFoundError:
            return False
        now = self._clock()
        before, since = self._seen.get(path, (touched, now))
        if before != touched:
            since = now
        self._seen[path] = (touched, since)
        return now - since <= STALE_S


def give_up_reservation(job: Job) -> None:
    """Remove what a job's dead worker left, and nobody else's."""
    path = reservation_of(job)
    if read_reservation(path)[1] == job.id:
        with contextlib.suppress(OSError):
            path.unlink()


def read_reservation(path: Path) -> tuple[str, str]:
    """The machine and the job that a reservation names; empty where it does not say."""
    with contextlib.suppress(OSError, ValueError):
        if S_ISREG(path.lstat().st_mode):
            with path.open("rb") as file:
                said = json.loads(file.read(MAX_BYTES))
            if isinstance(said, dict):
                return str(said.get("machine", "")), str(said.get("job", ""))
    return "", ""


def _created(path: Path, text: str) -> bool:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def _touch(path: Path, ended: threading.Event) -> None:
    while not ended.wait(TOUCH_S):
        with contextlib.suppress(OSError):
            os.utime(path)
