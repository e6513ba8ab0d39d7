#!/usr/bin/env python3
"""Faults in long form, on a real daemon: `python3 scripts/faults.py [KIND ...] [--times N] [--results FILE] [--docs]`.

Each kind of fault is tried many times; then everything is counted: photos without a clip, with two, half a clip, an
original that changed, a clip that is not listed or a hidden file left behind, a render that did not end. Each run adds
a line to the results file; --docs sums them up in docs/reliability.md. What cannot be tried here is said.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from environment import ROOT, use_venv

use_venv()
sys.path[:0] = [str(ROOT / name) for name in ("server", "metadata", "tests", "tests/faults")]

from afterframe.system.hashing import sha256_of  # noqa: E402
from factories import make_photo_file  # noqa: E402
from faults_edits import edits, storm  # noqa: E402 - the tests' helpers are found by the path above
from faults_rig import FAST, NotHere, Rig, Tally, preload, send  # noqa: E402
from faults_shares import shares  # noqa: E402

RESULTS = ROOT / "scripts" / "faults_results.jsonl"
"""Kept, so that the table fills over many runs."""
TABLE = ("<!-- faults: begin, written by scripts/faults.py -->\n", "<!-- faults: end -->\n")
ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS)


def kills(rig: Rig, times: int) -> None:
    """Kill everything at a random moment, and start it again."""
    for _ in range(times):
        rig.photo()
        early = rig.random.random() < 0.5  # while it starts, which is when it mends what the kill before left
        daemon = rig.afterframe.begin_to_serve(rig.folder) if early else rig.serve()
        time.sleep(rig.random.uniform(0.0, 1.5))
        daemon.kill()
        rig.tally.times += 1
    rig.serve()
    rig.count()


def starts(rig: Rig, times: int) -> None:
    """Kill it in mid-render and start it again with nothing else running: what a start takes."""
    for _ in range(times):
        rig.photo()
        daemon = rig.serve()
        rig.until(lambda: rig.afterframe.states().get("running"), 20)
        daemon.kill()
        rig.tally.times += 1
    rig.serve()
    taken = sorted(rig.starts_s)
    rig.tally.note = f"median {statistics.median(taken):.2f} s, slowest {taken[-1]:.2f} s until it answers"
    rig.count()


def calls(rig: Rig, times: int) -> None:
    """Let system calls on the photos' folder fail."""
    library, log = preload("shim.c", rig.place), rig.place / "faults.log"
    log.touch()
    while log.stat().st_size < times:
        number = ERRORS[len(rig.afterframe.daemons) % len(ERRORS)]
        rig.afterframe.environment = {
            "LD_PRELOAD": str(library),
            "FAULT_FOLDER": str(rig.folder),
            "FAULT_ERRNO": str(number),
            "FAULT_EVERY": str(rig.random.randint(5, 60)),
            "FAULT_LOG": str(log),
        }
        daemon = rig.serve()
        for _ in range(5):
            rig.photo()
        rig.until(partial(enough, rig, log, log.stat().st_size + 60), 20)
        daemon.stop()
    rig.tally.times = log.stat().st_size
    rig.afterframe.environment = {}
    rig.serve()
    rig.count()


def enough(rig: Rig, log: Path, calls: int) -> bool:
    """Whether so many calls have failed, or all has ended."""
    return rig.settled() or log.stat().st_size > calls


def sleeps(rig: Rig, times: int) -> None:
    """Stop every process for longer than a lease lasts, as a laptop's sleep does, while it renders."""
    rig.afterframe.settings(watch=FAST, recipe={"duration_s": 4.0, "fps": 24, "size": [640, 426]})
    daemon = rig.serve()
    for _ in range(times):
        rig.photo()
        rig.until(lambda: rig.afterframe.states().get("running"), 60)
        daemon.signal(signal.SIGSTOP)
        time.sleep(33)
        daemon.signal(signal.SIGCONT)
        rig.tally.times += 1
    rig.count()


def clocks(rig: Rig, times: int) -> None:
    """Set the clock back and forth, by seconds to a year, while photos are noticed and rendered."""
    clock = rig.place / "clock"
    clock.write_bytes(struct.pack("=q", 0))
    rig.afterframe.environment = {"LD_PRELOAD": str(preload("shim.c", rig.place)), "FAULT_CLOCK": str(clock)}
    rig.serve()
    with clock.open("r+b", buffering=0) as file:
        for number in range(times):
            rig.photo()
            time.sleep(rig.random.uniform(0.0, 1.5))
            file.seek(0)
            file.write(struct.pack("=q", round(rig.random.choice((-1, 1)) * 10 ** rig.random.uniform(0.5, 7.5))))
            rig.until(partial(rig.done, number), 60)
            rig.tally.times += 1
    rig.count()


def mounts(rig: Rig, times: int) -> None:
    """Pull the drive with the photos while they are rendered, and bring it back."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise NotHere("only root on Linux can mount")
    drive = rig.place / "drive"
    drive.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", drive], check=True)
    try:
        subprocess.run(["mount", "--bind", drive, rig.folder], check=True)
        rig.serve()
        for _ in range(times):
            for _ in range(3):
                rig.photo()
            time.sleep(rig.random.uniform(0.0, 1.5))
            subprocess.run(["umount", "--lazy", rig.folder], check=True)
            time.sleep(rig.random.uniform(0.5, 3.0))
            subprocess.run(["mount", "--bind", drive, rig.folder], check=True)
            rig.tally.times += 1
        rig.count()
    finally:
        for at in (rig.folder, drive):
            subprocess.run(["umount", "--lazy", at], check=False)


def burst(rig: Rig, times: int) -> None:
    """Export so many photos at once."""
    rig.serve()
    for _ in range(times):
        rig.photo()
        rig.tally.times += 1
    rig.count()


def uploads(rig: Rig, times: int) -> None:
    """Send each photo twice at the same time."""
    rig.serve()
    for number in range(times):
        data = make_photo_file(rig.place / "sent.jpg", seed=number).read_bytes()
        name = f"DSC_{number:05}.jpg"
        both = [threading.Thread(target=send, args=(rig, name, data)) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join()
        kept = sorted(rig.folder.glob(f"DSC_{number:05}*.jpg"))
        rig.tally.doubled += len(kept) - 1
        rig.originals.update({path: sha256_of(path) for path in kept})
        rig.tally.times += 1
    rig.count()


KINDS: dict[str, tuple[Callable[[Rig, int], None], int]] = {
    "kills": (kills, 1000),
    "starts": (starts, 30),
    "calls": (calls, 500),
    "sleeps": (sleeps, 60),
    "clocks": (clocks, 30),
    "mounts": (mounts, 40),
    "burst": (burst, 5000),
    "uploads": (uploads, 1000),
    "edits": (edits, 1000),
    "storm": (storm, 1000),
    "shares": (shares, 20),
}
"""Kind -> how it is tried, and how often in its long form."""


def run(kind: str, times: int) -> Tally:
    """Try one kind in a place of its own."""
    attempt, _ = KINDS[kind]
    with tempfile.TemporaryDirectory(prefix="afterframe-faults-") as place:
        rig = Rig(Path(place), Tally(kind))
        try:
            attempt(rig, times)
        except NotHere as why:
            rig.tally.note = f"not tried here: {why}"
        finally:
            for daemon in rig.afterframe.daemons:
                daemon.end()
        return rig.tally


COUNTED = ("photos", "lost", "doubled", "partial", "changed", "hidden", "stuck", "strikes")


def table(results: list[Tally]) -> str:
    """The results of all runs, a row for each kind."""
    lines = [
        "| fault | tried | " + " | ".join(COUNTED) + " |",
        "| --- |" + " --- |" * (len(COUNTED) + 1),
    ]
    for kind, (attempt, wanted) in KINDS.items():
        runs = [result for result in results if result.kind == kind]
        if runs:
            sums = [str(sum(getattr(one, name) for one in runs)) for name in COUNTED]
            tried = f"{sum(one.times for one in runs)} of {wanted}"
            what = (attempt.__doc__ or "").partition(".")[0]
            lines.append(f"| {what} | {tried} | {' | '.join(sums)} |")
    lines += ["", *(f"{result.kind}: {result.note}." for result in results if result.note)]
    return "\n".join(lines).strip() + "\n"


def write_docs(results: list[Tally]) -> None:
    """Put the table into docs/reliability.md."""
    page = ROOT / "docs" / "reliability.md"
    before, _, rest = page.read_text("utf-8").partition(TABLE[0])
    page.write_text(f"{before}{TABLE[0]}\n{table(results)}\n{TABLE[1]}{rest.partition(TABLE[1])[2]}", "utf-8")


def main(argv: list[str]) -> int:
    """Try the kinds that were named; 1 if anything was lost, doubled or hurt."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    names = ", ".join(KINDS)
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], metavar="KIND", help=f"{names}; default: all")
    parser.add_argument("--times", type=int, help="how often each is tried; default: its long form")
    parser.add_argument("--results", type=Path, default=RESULTS, help="file that each run adds a line to")
    parser.add_argument("--docs", action="store_true", help="sum all results up in docs/reliability.md")
    options = parser.parse_args(argv)
    bad = 0
    for kind in options.kinds or KINDS:
        tally = run(kind, options.times or KINDS[kind][1])
        print(json.dumps(asdict(tally)), flush=True)
        if tally.times:
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(tally)) + "\n")
        bad += sum(getattr(tally, name) for name in COUNTED[1:])
    if options.docs:
        lines = options.results.read_text("utf-8").splitlines()
        write_docs([Tally(**json.loads(line)) for line in lines])
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
