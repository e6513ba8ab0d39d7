"""Memory of all processes together: idle, with a long queue, with many clients, and over an hour of renders.

The generator is `parallax` with tiny clips, so that everything else is what is measured. Shared memory is counted once
(PSS, of Linux alone). Each number is the highest of samples taken twice a second, in MB, unless it says otherwise.

    --queued N    photos that wait (default 5,000)
    --clients N   clients that poll and listen at once (default 50)
    --minutes M   how long is rendered (default 60)
    --only NAME   idle, queued, clients or renders; may be repeated
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from environment import ROOT

sys.path[:0] = [str(ROOT / name) for name in ("server", "metadata", "tests", "tests/faults")]

from faults_processes import Afterframe, Daemon, until  # noqa: E402 - the tests' helpers are found by the path above

from afterframe.state.database import Database  # noqa: E402
from afterframe.state.queue import Queue  # noqa: E402
from factories import make_photo_file  # noqa: E402

WAIT_S = 3600.0
"""Until a queue that does not fill or empty counts as stuck."""
CLIENTS_S = 25.0
ASKED = ("/api/health", "/api/status", "/api/clips", "/api/queue")


def main(argv: list[str]) -> dict[str, Any]:
    """Measure; the numbers by name."""
    parser = argparse.ArgumentParser(prog="bench.py memory", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--queued", type=int, default=5000, metavar="N")
    parser.add_argument("--clients", type=int, default=50, metavar="N")
    parser.add_argument("--minutes", type=float, default=60.0, metavar="M")
    parser.add_argument("--only", action="append", choices=list(WHAT))
    options = parser.parse_args(argv)
    return {name: WHAT[name](options) for name in options.only or WHAT}


class Place:
    """A home, a folder of photos that is fed, and the daemon that watches it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "photos"
        self.folder.mkdir()
        self.afterframe = Afterframe(folder / "home")
        self._photo = make_photo_file(folder / "one.jpg", seed=1).read_bytes()
        self._photos = 0

    def start(self) -> Daemon:
        """The daemon, once it answers."""
        return self.afterframe.serve(self.folder)

    def export(self, count: int = 1) -> None:
        """So many more photos, none like another: what follows a JPEG's end is not looked at."""
        for _ in range(count):
            self._photos += 1
            data = self._photo + str(self._photos).encode()
            (self.folder / f"DSC_{self._photos:05}.jpg").write_bytes(data)

    def jobs(self, *states: str) -> int:
        """How many renders are in one of these states; of all if none is named."""
        found = self.afterframe.states()
        return sum(found.get(state, 0) for state in states or found)

    def rendered(self) -> bool:
        """Every photo that was exported has its clip."""
        return self.jobs("done") == self._photos

    def queued(self) -> bool:
        """Every photo that was exported is in the queue."""
        return self.jobs() == self._photos


@contextmanager
def place(**sections: dict[str, Any]) -> Iterator[Place]:
    """A place whose daemon is ended."""
    with tempfile.TemporaryDirectory(prefix="memory-", ignore_cleanup_errors=True) as folder:
        made = Place(Path(folder))
        made.afterframe.settings(**sections)
        try:
            yield made
        finally:
            for daemon in made.afterframe.daemons:
                daemon.end()


def memory_mb(daemon: Daemon) -> float:
    """PSS of the daemon and all that it started, megabytes."""
    total = 0
    for process in daemon.members():
        try:
            total += process.memory_full_info().pss
        except psutil.Error:  # it has just ended
            continue
    return total / 1e6


def highest_mb(daemon: Daemon, ended: Callable[[], object], seconds: float = WAIT_S) -> float:
    """The highest memory until something has come about."""
    return max(samples_mb(daemon, ended, seconds), default=0.0)


def samples_mb(daemon: Daemon, ended: Callable[[], object], seconds: float) -> list[float]:
    """The memory twice a second until something has come about."""
    ends, samples = time.monotonic() + seconds, []
    while not ended() and time.monotonic() < ends:
        samples.append(memory_mb(daemon))
        time.sleep(0.5)
    return samples


def never() -> bool:
    """Nothing comes about: only time ends it."""
    return False


def idle(_: argparse.Namespace) -> dict[str, float]:
    """After the last render, and what the next photo then waits."""
    keep_warm_s = 3.0
    with place(render={"preset": "ultrafast", "keep_warm_s": keep_warm_s}) as here:
        daemon = here.start()
        here.export(5)
        busy = highest_mb(daemon, here.rendered)
        warm = seconds_to_clip(here)
        until(lambda: len(daemon.members()) <= 2, "worker and readers to have ended")  # Python's resource tracker stays
        ended = highest_mb(daemon, never, 5.0)
        return {"rendering": busy, "idle": ended, "next photo, s": seconds_to_clip(here), "when warm, s": warm}


def seconds_to_clip(here: Place) -> float:
    """From a photo's last byte to its clip."""
    began = time.monotonic()
    here.export()
    until(here.rendered, "its clip")
    return time.monotonic() - began


def queued(options: argparse.Namespace) -> dict[str, float]:
    """So many photos that wait, beside one."""
    with place() as here:
        here.afterframe.home.mkdir(exist_ok=True)
        database = Database(here.afterframe.home / "state.db")
        Queue(database).pause(paused=True)
        database.close()
        daemon = here.start()
        here.export()
        until(here.queued, "the first photo to be queued")
        one = highest_mb(daemon, never, 5.0)
        here.export(options.queued - 1)
        highest = highest_mb(daemon, here.queued)
        after = highest_mb(daemon, never, 5.0)
        return {"one": one, "while they come": highest - one, f"{options.queued:,} that wait": after - one}


def clients(options: argparse.Namespace) -> dict[str, float]:
    """So many clients, of whom every fourth listens and the others ask without a pause."""
    with place() as here:
        daemon = here.start()
        here.export(20)
        until(here.rendered, "the clips", seconds=WAIT_S)
        before = highest_mb(daemon, never, 5.0)
        ended, answers = threading.Event(), [0] * options.clients
        threads = [
            threading.Thread(target=ask if number % 4 else listen, args=(here, ended, answers, number))
            for number in range(options.clients)
        ]
        for thread in threads:
            thread.start()
        highest = highest_mb(daemon, never, CLIENTS_S)
        ended.set()
        for thread in threads:
            thread.join()
        after = highest_mb(daemon, never, 5.0)
        return {"before": before, f"{options.clients} at once": highest, "after": after, "answers": float(sum(answers))}


def connect(here: Place) -> tuple[http.client.HTTPConnection, dict[str, str]]:
    """A connection to the daemon, and the header that lets in."""
    home = here.afterframe.home
    address = json.loads((home / "daemon.json").read_text())["url"]
    token = (home / "token").read_text().strip()
    return http.client.HTTPConnection(urlsplit(address).netloc, timeout=60), {"Authorization": f"Bearer {token}"}


def ask(here: Place, ended: threading.Event, answers: list[int], number: int) -> None:
    """One request after the other."""
    connection, headers = connect(here)
    while not ended.is_set():
        connection.request("GET", ASKED[answers[number] % len(ASKED)], headers=headers)
        connection.getresponse().read()
        answers[number] += 1
    connection.close()


def listen(here: Place, ended: threading.Event, answers: list[int], number: int) -> None:
    """Hear events, and come again when the line is ended."""
    while not ended.wait(0.1):
        connection, headers = connect(here)
        connection.request("GET", "/api/events", headers=headers)
        answer = connection.getresponse()
        while answer.status == 200 and not ended.is_set() and answer.readline():
            answers[number] += 1
        connection.close()


def renders(options: argparse.Namespace) -> dict[str, float]:
    """One clip after the other. The median tells whether it grows; the highest has ffmpeg's processes in it."""
    quarter_s = options.minutes * 60 / 4
    with place() as here:
        daemon = here.start()
        ended = threading.Event()
        feeding = threading.Thread(target=feed, args=(here, ended))
        feeding.start()
        quarters = {}
        for number in range(1, 5):
            samples = samples_mb(daemon, never, quarter_s)
            quarters[f"quarter {number}, median"] = statistics.median(samples)
            quarters[f"quarter {number}, highest"] = max(samples)
        ended.set()
        feeding.join()
        return {**quarters, "clips": float(here.jobs("done"))}


def feed(here: Place, ended: threading.Event) -> None:
    """A photo whenever fewer than three wait."""
    while not ended.wait(0.1):
        if here.jobs("queued") < 3 and here.queued():
            here.export()


WHAT: dict[str, Callable[[argparse.Namespace], dict[str, float]]] = {
    "idle": idle,
    "queued": queued,
    "clients": clients,
    "renders": renders,
}
