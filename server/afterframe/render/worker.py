"""The worker process: ``python -m afterframe.render.worker OWNER reserved|any LANE GPU...``, its own GPU first."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from functools import partial

from afterframe.config import Home, Settings
from afterframe.errors import Cancelled
from afterframe.render.heartbeat import WorkerContext
from afterframe.render.loop import WorkerLoop
from afterframe.render.renderer import Renderer, leave_cores_to_the_encoder
from afterframe.render.slots import WorkerSpec
from afterframe.render.state_outage import OutageLog, retry_through_outage
from afterframe.render.worker_handle import sign_channel
from afterframe.state.database import Database
from afterframe.state.queue import Queue
from afterframe.system import logs
from afterframe.system.signals import allow_interrupts


def main() -> None:
    """Render until the supervisor says to stop, or is gone."""
    owner, which, lane, *devices = sys.argv[1:]
    sign = sign_channel()
    home = Home.find()
    logs.to_file(home.logs / "worker.log")
    stopping = _told_to_stop()
    settings = Settings(home)
    leave_cores_to_the_encoder()
    worker = WorkerContext(owner, stopping, settings.config.render.stall_s, sign)
    spec = WorkerSpec(lane, tuple(devices), reserved=which == "reserved")
    with contextlib.suppress(Cancelled):
        database = retry_through_outage(partial(Database, home.database), stopping, OutageLog(owner))
        with contextlib.closing(database):
            _work(database, settings, worker, spec)


def _work(database: Database, settings: Settings, worker: WorkerContext, spec: WorkerSpec) -> None:
    with contextlib.closing(Renderer(database, settings, worker.owner)) as renderer:
        WorkerLoop(renderer, Queue(database), worker, spec, settings.config.render.keep_warm_s).run()


def _told_to_stop() -> threading.Event:
    """Set by a signal, or by a line from the supervisor."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C and service managers reach the whole group
        signal.signal(number, lambda *_: stopping.set())
    allow_interrupts()
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
