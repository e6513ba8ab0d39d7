"""A polite kill ends everything soon, whatever is being read."""

from __future__ import annotations

import json
import os
import signal
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from faults_processes import Afterframe, until

from factories import make_photo_file

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ENDS_S = 15.0
"""Five seconds on a machine that has nothing else to do."""


def ask(afterframe: Afterframe, photos: list[Path], asked: threading.Barrier) -> None:
    """``POST /api/animate``; it may be cut off."""
    daemon = json.loads((afterframe.home / "daemon.json").read_text())
    request = urllib.request.Request(
        f"{daemon['url']}/api/animate",
        json.dumps({"photos": [str(photo) for photo in photos]}).encode(),
        {
            "Authorization": f"Bearer {(afterframe.home / 'token').read_text().strip()}",
            "Content-Type": "application/json",
        },
    )
    asked.wait()
    with suppress(OSError):
        urllib.request.urlopen(request, timeout=60).read()


@pytest.mark.parametrize("clients", [8, 26])
def test_a_polite_kill_ends_it_while_many_clients_have_photos_read(
    afterframe: Afterframe, folder: Path, clients: int
) -> None:
    elsewhere = folder.parent / "asked"
    elsewhere.mkdir()
    photos = [make_photo_file(elsewhere / f"{number}.png", (1600, 1200), seed=number) for number in range(20)]
    afterframe.settings(watch={"allowed": [str(elsewhere)], "settle_s": 0.2})
    daemon = afterframe.serve(folder)
    asked = threading.Barrier(clients + 1)
    with ThreadPoolExecutor(clients) as threads:
        for _ in range(clients):
            threads.submit(ask, afterframe, photos, asked)
        asked.wait()
        until(lambda: len(afterframe.states()) > 0, "the first photos to be read")
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(ENDS_S) == 0
        until(lambda: not daemon.members(), "its readers and workers to be gone", 2)
    assert afterframe.problems() == {}


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no process can be stopped here")
def test_a_polite_kill_ends_readers_and_workers_that_no_longer_run(afterframe: Afterframe, folder: Path) -> None:
    make_photo_file(folder / "DSC_1.jpg")
    daemon = afterframe.serve(folder)
    until(lambda: afterframe.states() == {"done": 1})
    for process in daemon.members():
        if any(name in " ".join(process.cmdline()) for name in ("spawn_main", "render.worker")):
            os.kill(process.pid, signal.SIGSTOP)
    make_photo_file(folder / "DSC_2.jpg", seed=2)  # the watch waits for its reader
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(ENDS_S) == 0
    until(lambda: not daemon.members(), "its readers and workers to be gone", 2)
    assert afterframe.problems() == {}
