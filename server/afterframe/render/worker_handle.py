"""A worker process as its supervisor has it, and the pipes between the two.

One line to the worker's standard input means: stop. Its standard output carries signs of life, one byte each. They do
not need the state file: a worker is known to be alive even while nothing can be written there.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from afterframe.render.slots import WorkerSpec
from afterframe.system.gpus import VISIBLE
from afterframe.system.signals import interrupts_blocked

ALIVE = b"."
"""A render is under way and making progress."""
STALLED = b"!"
"""A render no longer makes progress: the process has to be ended."""


class WorkerProcess:
    """A worker process that was started with pipes for standard input and output.

    Args:
        clock: seconds, steady.
    """

    def __init__(self, process: subprocess.Popen[bytes], clock: Callable[[], float] = time.monotonic) -> None:
        self._process = process
        self._clock = clock
        self.heard_at = clock()
        """When it last gave a sign of life, or was started; by the clock."""
        self.stalled = False
        """It said that one of its renders makes no progress."""
        threading.Thread(target=self._listen, name="worker-signs", daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as signs:
            while said := os.read(signs.fileno(), 4096):
                self.heard_at = self._clock()
                self.stalled = self.stalled or STALLED in said

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Tell it to stop."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(b"stop\n")
                self._process.stdin.flush()

    def end(self, wait_s: float = 0.0) -> None:
        """Wait this long for it to end, seconds; then kill it."""
        try:
            self._process.wait(wait_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()


def start_worker(owner: str, spec: WorkerSpec, clock: Callable[[], float]) -> WorkerProcess:
    """Start a worker process in our own process group; it ends when its standard input closes."""
    with interrupts_blocked():
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "afterframe.render.worker", owner),
                *("reserved" if spec.reserved else "any", spec.lane, *spec.devices),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, VISIBLE: spec.devices[0]} if spec.devices else None,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    return WorkerProcess(process, clock)


def sign_channel() -> Callable[[bytes], None]:
    """In the worker: a function that sends signs to the supervisor. Standard output is discarded from then on.

    Libraries print there (Ray's client prints the cluster's messages), which would be taken for signs of life.
    """
    signs = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)

    def give(sign: bytes) -> None:
        with contextlib.suppress(OSError):  # the supervisor is gone; our standard input closes too
            os.write(signs, sign)

    return give
