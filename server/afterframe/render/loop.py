"""The loop of a worker: claims jobs, renders them, and records how they ended.

Each of these steps waits for the end of an outage of the state file.
"""

from __future__ import annotations

import contextlib
import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path

from afterframe.domain import Job
from afterframe.errors import (
    AfterframeError,
    Cancelled,
    EncodeError,
    FolderUnavailable,
    GenerateError,
    NotFound,
    OutOfMemory,
    PublishError,
    Unavailable,
)
from afterframe.publish.folder_check import passing_fault, room_for, widest_fault
from afterframe.render.heartbeat import BEAT_S, Heartbeat, WorkerContext
from afterframe.render.renderer import Renderer
from afterframe.render.slots import GpuStagger, WorkerSpec
from afterframe.render.state_outage import OutageLog, retry_through_outage
from afterframe.state.queue import LeaseLost, Queue

IDLE_S = 0.2
"""How often an idle worker looks for a job, seconds."""
UNAVAILABLE_S = 5.0
"""Until the next job is tried on a server or cluster that was not there, seconds."""
PASSING_FAULTS = 5
"""How often a folder's fault that is over at once is not held against the photo: a part of the disk may be bad."""
LATER_S = {"moved": 0.0, "reserved": 1.0}
"""The same where only this photo has to wait, by the error's code."""

log = logging.getLogger(__name__)

Result = AfterframeError | None
"""What went wrong with a job, if anything did."""


class WorkerLoop:
    """Renders one job after the other.

    Where a generator makes its clips ahead, one is finished (graded, encoded, published) while the next is made.

    Args:
        spec: which jobs it takes, and on which GPUs.
        keep_warm_s: the process, and what its generators have loaded, stays this long after the last job, seconds.
    """

    def __init__(
        self, renderer: Renderer, queue: Queue, worker: WorkerContext, spec: WorkerSpec, keep_warm_s: float
    ) -> None:
        self._renderer = renderer
        self._queue = queue
        self._worker = worker
        self._spec = spec
        self._keep_warm_s = keep_warm_s
        self._outages = OutageLog(worker.owner)
        self._stagger = GpuStagger(spec.devices)
        self._worked_at = time.monotonic()
        self._finishing: Future[Result] | None = None

    def run(self) -> None:
        """Claim and render until told to stop.

        Returns also when memory ran out, so that a fresh process goes on, and when there has been nothing to do for
        long, so that no process is kept for nothing.
        """
        stopping = self._worker.stopping
        with ThreadPoolExecutor(2, thread_name_prefix="render") as threads:
            while not stopping.is_set():
                job = self._claim()
                if job is None:
                    if self._has_idled():
                        break
                    stopping.wait(IDLE_S)
                    continue
                error = self._start(job, threads)
                if isinstance(error, OutOfMemory):
                    return
                if isinstance(error, Unavailable):
                    stopping.wait(LATER_S.get(error.error_code, UNAVAILABLE_S))
                self._worked_at = time.monotonic()
            if self._finishing is not None:
                self._finishing.result()

    def _claim(self) -> Job | None:
        with contextlib.suppress(Cancelled):
            return retry_through_outage(self._next_job, self._worker.stopping, self._outages)
        return None

    def _next_job(self) -> Job | None:
        if self._spec.devices and self._queue.has_queued(self._spec.lane):
            self._worker.stopping.wait(self._stagger.wait_s())
        return self._queue.claim(self._worker.owner, reserved_only=self._spec.reserved, lane=self._spec.lane)

    def _has_idled(self) -> bool:
        return not self._spec.reserved and time.monotonic() - self._worked_at > self._keep_warm_s

    def _start(self, job: Job, threads: ThreadPoolExecutor) -> Result:
        """Begin a job, and wait until the device is free for the next; what went wrong, if it has ended by then."""
        beat = Heartbeat(self._queue, job, self._worker)
        making = threads.submit(self._work, job, beat, self._finishing)
        making.add_done_callback(lambda _: beat.release_device())
        while not beat.wait_device_free(BEAT_S):
            pass  # in pieces: on Windows a signal is heard between them only
        if self._finishing is not None:
            self._finishing.result()
        self._finishing = making
        return making.result() if making.done() else None

    def _work(self, job: Job, beat: Heartbeat, before: Future[Result] | None) -> Result:
        """One job from its claim to its end."""
        with beat:
            if job.exclusive and before is not None:
                wait([before])
            error = attempt(self._renderer, job, beat)
            beat.stop()
            if error is not None:
                with contextlib.suppress(Cancelled):  # the supervisor gives back what this process holds at its end
                    beat.retry_through_outage(partial(self._give_back, job, error))
        return error

    def _give_back(self, job: Job, error: AfterframeError) -> None:
        owner = self._worker.owner
        error = self._of_its_folder(job, error)
        if self._worker.stopping.is_set() and isinstance(error, Cancelled | EncodeError):
            self._queue.release(owner)  # a signal to the whole group ends ffmpeg too
        elif isinstance(error, Unavailable) and (not self._spec.reserved or error.error_code in LATER_S):
            log.warning("%s", error)
            self._queue.postpone(job.id, owner, error)
        elif isinstance(error, FolderUnavailable) and not self._spec.reserved:
            log.warning("%s", error)
            self._queue.hold_folder(job.id, owner, error)
        else:
            name = Path(job.photo_path).name
            if name not in error.message:
                error.message = f"{name}: {error.message}"
            log.warning("%s: %s", job.photo_path, error)
            with contextlib.suppress(LeaseLost):
                self._queue.fail(job.id, owner, error)

    def _of_its_folder(self, job: Job, error: AfterframeError) -> AfterframeError:
        """The fault of the photo's folder, or of where the photo is, if that is what made the render fail."""
        if isinstance(error, Cancelled | OutOfMemory | Unavailable):
            return error
        with contextlib.suppress(NotFound):
            path = Path(self._queue.get(job.id).photo_path)
            if path != Path(job.photo_path):
                return Unavailable(f"{path.name} was renamed.", "It is rendered under its new name.", code="moved")
        photo = Path(job.photo_path)
        if fault := widest_fault(photo, self._renderer.folders(), room_for(job.recipe)):
            return fault
        fault = error if isinstance(error, FolderUnavailable) else passing_fault(error, photo)
        if fault is None:
            return error
        if self._renderer.held.tries(fault.folder) < PASSING_FAULTS:
            return fault
        return PublishError(error.message, error.hint, code=error.error_code, transient=True)


def attempt(renderer: Renderer, job: Job, beat: Heartbeat) -> Result:
    """Render a job. One bad photo or generator must not stop the batch: nothing is raised.

    Returns:
        What went wrong, naming the photo; None also when the job was given to another worker.
    """
    name = Path(job.photo_path).name
    try:
        renderer.render(job, beat)
    except LeaseLost:
        return None
    except AfterframeError as error:
        if name not in error.message:
            error.message = f"{name}: {error.message}"
        return error
    except MemoryError:
        return OutOfMemory(f"{name}: memory ran out.", "Choose a smaller size, or close other programs.")
    except Exception as error:
        log.exception("%s", job.photo_path)
        made = GenerateError(
            f"{name}: {type(error).__name__}: {error}",
            "The log has the details.",
            code="unexpected",
            transient=True,
        )
        made.__cause__ = error
        return made
    return None
