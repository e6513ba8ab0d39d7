from __future__ import annotations

import subprocess
import sys
import threading

from afterframe.render.worker_handle import WorkerProcess
from factories import Clock

CHILD = """
import sys
from afterframe.render.worker_handle import ALIVE, STALLED, sign_channel
sign = sign_channel()
print("a library prints!", flush=True)
if sys.stdin.readline():
    sign({what})
sys.stdin.readline()
"""


def child(what: str, clock: Clock) -> WorkerProcess:
    command = [sys.executable, "-c", CHILD.format(what=what)]
    return WorkerProcess(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE), clock)


def hear_all(process: WorkerProcess) -> None:
    """End it, and wait until all that it said was heard."""
    process.end(20)
    for thread in threading.enumerate():
        if thread.name == "worker-signs":
            thread.join(20)


def test_signs_of_life_are_heard_and_nothing_else_is(clock: Clock) -> None:
    began = clock()
    quiet, lively = child("b''", clock), child("ALIVE", clock)
    clock.forward(10)
    for process in (quiet, lively):
        process.stop()  # any line
        process.stop()
        hear_all(process)
    assert (quiet.heard_at, quiet.stalled) == (began, False)
    assert (lively.heard_at, lively.stalled) == (began + 10, False)


def test_a_worker_can_say_that_it_stands_still(clock: Clock) -> None:
    process = child("STALLED", clock)
    process.stop()
    process.stop()
    hear_all(process)
    assert process.stalled
    assert process.poll() == 0


def test_a_worker_that_does_not_stop_is_killed(clock: Clock) -> None:
    process = child("ALIVE", clock)
    process.end()
    assert process.poll() != 0
    hear_all(process)
