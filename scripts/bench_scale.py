"""Slots: clips per hour with 1, 2 and 4 of them, and what a job costs beside its render; here, remote, and on Ray.

The generator only waits, so that everything else is what is measured: claiming, heartbeats, encoding of a tiny clip,
publishing with fsync, the database, and for the others the way to their server or cluster and back.

A real daemon renders from a real queue. The clock runs from the first clip that is done to the last one, so that
starting workers is left out. The efficiency is clips per hour against as many times those of one slot.

    --wait S      what a render waits, seconds (default 8)
    --rounds N    clips per slot (default 4)
    --only NAME   local, remote or ray; may be repeated
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environment import ROOT

WAITING = ROOT / "scripts" / "waiting"
SERVER = ROOT / "tests" / "afterframe" / "video_servers.py"
NODES = ROOT / "tests" / "faults" / "ray_nodes.py"
SLOTS = (1, 2, 4)
PATIENCE_S = 120.0
SIZE = (96, 64)


@dataclass(frozen=True)
class Setting:
    """What is measured once: where, with how many slots."""

    where: str
    slots: int
    wait_s: float
    clips: int


def main(argv: list[str]) -> dict[str, Any]:
    """Measure; the numbers by name."""
    parser = argparse.ArgumentParser(prog="bench.py scale", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--wait", type=float, default=8.0, metavar="S")
    parser.add_argument("--rounds", type=int, default=4, metavar="N")
    parser.add_argument("--only", action="append", choices=["local", "remote", "ray"])
    options = parser.parse_args(argv)
    numbers: dict[str, Any] = {"render_waits_s": options.wait, "clips_per_slot": options.rounds}
    for where in options.only or ["local", "remote", "ray"]:
        paces = {count: measure(Setting(where, count, options.wait, options.rounds * count)) for count in SLOTS}
        numbers[where] = {
            **{f"{count} slots, clips per hour": 3600 / pace for count, pace in paces.items()},
            **{f"{count} slots, of linear": paces[1] / pace / count for count, pace in paces.items() if count > 1},
            "overhead per job, ms": (paces[1] - options.wait) * 1000,
        }
    return numbers


def measure(setting: Setting) -> float:
    """Seconds from one clip to the next, over all slots."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scale-", ignore_cleanup_errors=True)))
        environ = {
            **os.environ,
            "AFTERFRAME_HOME": str(folder / "home"),
            "AFTERFRAME_WAIT_S": str(setting.wait_s),
            "PYTHONPATH": str(WAITING),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        config = stack.enter_context(WHERE[setting.where](setting, environ))
        (folder / "home").mkdir()
        (folder / "home" / "config.toml").write_text(config + COMMON, "utf-8")
        photos = folder / "photos"
        photos.mkdir()
        # A first clip for each slot warms it up; it is not counted.
        write_photos(photos, setting.clips + setting.slots)
        stack.enter_context(daemon(photos, environ))
        times = finished(folder / "home" / "state.db", setting.clips + setting.slots)
    first, *rest = times[setting.slots - 1 :]
    return (rest[-1] - first) / len(rest)


COMMON = f"""
[watch]
settle_s = 0.1
[recipe]
size = [{SIZE[0]}, {SIZE[1]}]
duration_s = 0.5
fps = 8
"""


@contextmanager
def local(setting: Setting, _environ: dict[str, str]) -> Iterator[str]:
    """Workers on this machine."""
    yield f'[render]\ngenerator = "waiting"\npreset = "ultrafast"\nslots = {setting.slots}\n'


@contextmanager
def remote(setting: Setting, environ: dict[str, str]) -> Iterator[str]:
    """A server of the OpenAI Videos protocol that takes as long for a clip."""
    with running([sys.executable, str(SERVER), "sglang", str(setting.wait_s)], environ) as url:
        yield (
            '[render]\ngenerator = "remote"\npreset = "ultrafast"\n'
            f'[[remote.endpoints]]\nurl = "{url}"\ndialect = "sglang"\nslots = {setting.slots}\n'
        )


@contextmanager
def ray(setting: Setting, environ: dict[str, str]) -> Iterator[str]:
    """A Ray cluster of two nodes."""
    # Ray's sockets have no room for long paths.
    with (
        tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as sessions,
        running([sys.executable, str(NODES), str(max(SLOTS) // 2)], {**environ, "RAY_TMPDIR": sessions}) as address,
    ):
        yield (
            '[render]\ngenerator = "ray"\npreset = "ultrafast"\n'
            f'[cluster]\naddress = "{address}"\nslots = {setting.slots}\ngenerator = "waiting"\n'
        )


WHERE = {"local": local, "remote": remote, "ray": ray}


@contextmanager
def running(command: list[str], environ: dict[str, str]) -> Iterator[str]:
    """A process that prints one line when it is ready, and ends with its input."""
    process = subprocess.Popen(
        command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().decode().strip()
    finally:
        process.stdin.close()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@contextmanager
def daemon(photos: Path, environ: dict[str, str]) -> Iterator[None]:
    """`afterframe serve` on a folder."""
    process = subprocess.Popen(
        [sys.executable, "-m", "afterframe", "serve", "--port", "0", "--no-open", "--folder", str(photos)],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def write_photos(folder: Path, count: int) -> None:
    """Small photos, each another one."""
    import numpy as np
    from PIL import Image

    y, x = np.mgrid[0:128, 0:192]
    for number in range(count):
        pixels = np.stack([x, y, (x + number * 7) % 200], -1).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"DSC_{number:04}.jpg", quality=95)


def finished(database: Path, count: int) -> list[float]:
    """When each clip was done, in order, Unix time, seconds; each once."""
    import sqlite3

    ends = time.monotonic() + PATIENCE_S
    known = 0
    while True:
        rows = []
        if database.exists():
            connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
            try:
                rows = connection.execute(
                    "SELECT updated_at, error FROM jobs WHERE state IN ('done', 'failed')"
                ).fetchall()
            except sqlite3.OperationalError:
                rows = []
            finally:
                connection.close()
        if wrong := [error for _, error in rows if error]:
            raise SystemExit(f"a render failed: {json.loads(wrong[0])['message']}")
        if len(rows) == count:
            return sorted(at for at, _ in rows)
        if len(rows) > known:
            known, ends = len(rows), time.monotonic() + PATIENCE_S
        if time.monotonic() > ends:
            raise SystemExit(f"no clip was done for {PATIENCE_S:g} s")
        time.sleep(0.2)
