"""The worker process: ``python -m afterframe.render.worker OWNER reserved|any LANE GPU...``, its own GPU first."""

from __future__ import annotations

import os
import signal
import sys
import threading

from afterframe.config import Home, Settings
from afterframe.render.heartbeat import WorkerContext
from afterframe.render.loop import WorkerLoop
from afterframe.render.renderer import Renderer, leave_cores_to_the_encoder
from afterframe.render.slots import WorkerSpec
from afterframe.state.database import Database
from afterframe.state.queue import Queue
from afterframe.system import logs
from afterframe.system.signals import hear_interrupts


def main() -> None:
    """Render until the supervisor says to stop, or is gone."""
    owner, which, lane, *devices = sys.argv[1:]
    home = Home.find()
    logs.to_file(home.logs / "worker.log")
    stopping = _told_to_stop()
    settings = Settings(home)
    render = settings.config.render
    leave_cores_to_the_encoder()
    database = Database(home.database)
    renderer = Renderer(database, settings, owner)
    worker = WorkerContext(owner, stopping, render.stall_s)
    spec = WorkerSpec(lane, tuple(devices), reserved=which == "reserved")
    try:
        WorkerLoop(renderer, Queue(database), worker, spec, render.keep_warm_s).run()
    finally:
        renderer.close()
        database.close()


def _told_to_stop() -> threading.Event:
    """Set by a signal, or by a line from the supervisor."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C and service managers reach the whole group
        signal.signal(number, lambda *_: stopping.set())
    hear_interrupts()
    threading.Thread(target=_listen, args=(stopping,), daemon=True).start()
    return stopping


def _listen(stopping: threading.Event) -> None:
    """The supervisor's pipe: a line means stop; its end means that the supervisor is gone."""
    line = sys.stdin.readline()
    if not line:
        os._exit(1)
    stopping.set()


if __name__ == "__main__":
    main()
