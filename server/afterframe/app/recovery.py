"""After a crash: what was begun is finished or begun again, and what was left behind is removed."""

from __future__ import annotations

import contextlib
from pathlib import Path

from afterframe.config import Home
from afterframe.errors import NotFound
from afterframe.naming import RESERVATION_SUFFIX, job_of_temporary
from afterframe.publish.placement import discard
from afterframe.publish.publisher import Publisher
from afterframe.publish.reservation import machine_id, read_reservation
from afterframe.state.queue import Queue
from afterframe.system.locks import is_alive


def recover(publisher: Publisher, queue: Queue, home: Home) -> None:
    """After a crash: finish what was being published, and queue again what was being rendered."""

    def gone(owner: str) -> bool:
        return not is_alive(home.owners, owner.partition("/")[0])

    publisher.roll_forward(gone)
    queue.release_dead(lambda process: not gone(process))


def clear_stray(path: Path, queue: Queue, home: Home) -> None:
    """Remove a temporary file whose render has ended; others may belong to another Afterframe and are left."""
    with contextlib.suppress(NotFound, OSError):
        if path.suffix == RESERVATION_SUFFIX:
            machine, job_id = read_reservation(path)
            if machine == machine_id(home.root) and not queue.get(job_id).state.held:
                path.unlink()
        elif (job_id := job_of_temporary(path) or "") and queue.get(job_id).state.ended:
            discard(path.with_suffix(".mp4"))
