#!/usr/bin/env python3
"""Faults in long form, on a real daemon: `python3 scripts/faults.py [KIND ...] [--times N] [--results FILE] [--docs]`.

Each kind of fault is tried many times; then everything is counted: photos without a clip, with two, half a clip, an
original that changed, a clip that is not listed or a hidden file left behind, a render that did not end. Each run adds
a line to the results file; --docs sums them up in docs/reliability.md. What cannot be tried here is said.
"""

from __future__ import annotations

import argparse
import errno
import http.client
import json
import os
import random
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from environment import ROOT, use_venv

use_venv()
sys.path[:0] = [str(ROOT / name) for name in ("server", "metadata", "tests", "tests/faults")]

from faults_processes import Afterframe, Daemon, hidden_in  # noqa: E402

import photometa  # noqa: E402 - the tests' helpers are found by the path above
from afterframe.naming import sidecar_of  # noqa: E402
from afterframe.system.hashing import sha256_of  # noqa: E402
from factories import make_photo_file  # noqa: E402

RESULTS = ROOT / "scripts" / "faults_results.jsonl"
"""Kept, so that the table fills over many runs."""
SHIM = ROOT / "scripts" / "faults_shim" / "shim.c"
TABLE = ("<!-- faults: begin, written by scripts/faults.py -->\n", "<!-- faults: end -->\n")
PATIENCE_S = 600.0
"""Until renders that have not ended count as stuck."""
ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS)
FAST = {"settle_s": 0.2, "broken_s": 1.0, "rescan_s": 2, "poll_s": 1}


class NotHere(Exception):
    """This machine cannot try it."""


@dataclass
class Tally:
    """What a run of one kind found."""

    kind: str
    times: int = 0
    photos: int = 0
    lost: int = 0
    doubled: int = 0
    partial: int = 0
    changed: int = 0
    hidden: int = 0
    stuck: int = 0
    strikes: int = 0
    restart_s: float = 0.0
    """The longest restart, seconds."""
    restart_median_s: float = 0.0
    note: str = ""


@dataclass
class Rig:
    """A home, a folder of photos, and what their bytes were."""

    place: Path
    tally: Tally
    originals: dict[Path, str] = field(default_factory=dict)
    restarts: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(20261130)
        self.folder = self.place / "photos"
        self.folder.mkdir()
        self.afterframe = Afterframe(self.place / "home")
        self.afterframe.settings(watch=FAST)

    def photo(self, folder: Path | None = None) -> Path:
        """Export one more photo."""
        number = len(self.originals)
        made = make_photo_file(self.place / "new.jpg", seed=number)
        path = (folder or self.folder) / f"DSC_{number:05}.jpg"
        self.originals[path] = sha256_of(made)
        shutil.move(made, path)
        return path

    def serve(self, *folders: Path) -> Daemon:
        """Start the daemon; its start is timed."""
        began = time.monotonic()
        daemon = self.afterframe.serve(*(folders or (self.folder,)))
        self.restarts.append(time.monotonic() - began)
        self.tally.restart_s = round(max(self.restarts), 2)
        self.tally.restart_median_s = round(statistics.median(self.restarts), 2)
        return daemon

    def until(self, condition: Callable[[], object], seconds: float = PATIENCE_S) -> bool:
        """Wait for a condition, at most this long; whether it came."""
        ends = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > ends:
                return False
            time.sleep(0.05)
        return True

    def done(self, number: int) -> bool:
        """At least so many renders are done."""
        return bool(self.afterframe.states().get("done", 0) >= number)

    def settled(self) -> bool:
        """Every photo's render has ended, and as many are done as there are photos."""
        return self.done(len(self.originals)) and self.afterframe.idle()

    def count(self) -> None:
        """Wait until everything has ended, and count what is wrong."""
        tally = self.tally
        if not self.until(self.settled):
            tally.stuck += len(self.originals) - self.afterframe.states().get("done", 0)
        rows = self.afterframe.rows("SELECT path, sha256 FROM clips WHERE present")
        listed = {row["path"]: row["sha256"] for row in rows}
        for photo, sha256 in self.originals.items():
            clips = list(photo.parent.glob(f"{photo.stem}*_motion*.mp4"))
            tally.lost += not clips
            tally.doubled += len(clips) > 1
            tally.partial += sum(is_partial(clip, listed.get(str(clip))) for clip in clips)
            tally.hidden += sum(str(clip) not in listed for clip in clips)
            tally.changed += not photo.exists() or sha256_of(photo) != sha256
        self.until(lambda: not hidden_in(self.folder), 90)  # what a crash left is swept within a minute
        tally.hidden += len(hidden_in(self.folder))
        tally.photos = len(self.originals)
        tally.strikes += sum(row["strikes"] for row in self.afterframe.rows("SELECT strikes FROM jobs"))


def is_partial(clip: Path, sha256: str | None) -> bool:
    """Whether a clip has no sidecar, or is not what the catalogue knows."""
    return not sidecar_of(clip).exists() or sha256 not in (None, sha256_of(clip))


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


def shim(rig: Rig) -> Path:
    """The library that lies to a process about its system calls, compiled.

    Raises:
        NotHere: it takes gcc and Linux.
    """
    library = rig.place / "shim.so"
    if shutil.which("gcc") is None or sys.platform != "linux":
        raise NotHere("it takes gcc on Linux")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, SHIM, "-ldl"], check=True)
    return library


def calls(rig: Rig, times: int) -> None:
    """Let system calls on the photos' folder fail."""
    library, log = shim(rig), rig.place / "faults.log"
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
    rig.afterframe.environment = {"LD_PRELOAD": str(shim(rig)), "FAULT_CLOCK": str(clock)}
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


def send(rig: Rig, name: str, data: bytes) -> None:
    """Upload one photo."""
    mark = "part-of-a-form"
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + data + f"\r\n--{mark}--\r\n".encode()
    answer = ask(rig, "POST", "/api/uploads", body, f"multipart/form-data; boundary={mark}")
    assert answer in (200, 201), answer


def ask(rig: Rig, method: str, path: str, body: bytes, kind: str) -> int:
    """A request with the token; the status of its answer."""
    home = rig.afterframe.home
    daemon = json.loads((home / "daemon.json").read_text())
    connection = http.client.HTTPConnection(urlsplit(daemon["url"]).netloc, timeout=120)
    try:
        token = (home / "token").read_text().strip()
        connection.request(method, path, body, {"Authorization": f"Bearer {token}", "Content-Type": kind})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def edits(rig: Rig, times: int) -> None:
    """Let another program write a clip's sidecar twice a second while verdicts are given."""
    rig.tally.lost += edit(rig, times, pause_s=0.5)


def storm(rig: Rig, times: int) -> None:
    """Let another program write a clip's sidecar without a pause while verdicts are given; lost: not even kept."""
    undone = edit(rig, times, pause_s=0.0)
    rig.tally.note = f"{undone} of {times} writes undone"


def edit(rig: Rig, times: int, pause_s: float) -> int:
    """Write a clip's sidecar so often while verdicts are given as quickly.

    Returns:
        How many of the writes were undone. One that is not in backups either, and a torn file, are counted.
    """
    photo = rig.photo()
    rig.serve()
    rig.until(rig.settled)
    sidecar = sidecar_of(photo.with_name(f"{photo.stem}_motion.mp4"))
    (row,) = rig.afterframe.rows("SELECT id FROM clips")
    ended = threading.Event()
    judging = threading.Thread(target=judge, args=(rig, row["id"], ended, pause_s))
    judging.start()
    undone = []
    try:
        for number in range(times):
            write_label(rig, sidecar, str(number))
            time.sleep(pause_s)
            rig.tally.times += 1
            if not rig.until(partial(bears, rig, sidecar, str(number)), 1.0):  # a merge that lost puts theirs back
                undone.append(str(number))
    finally:
        ended.set()
        judging.join()
    kept = {label_of(rig, path) for path in (rig.afterframe.home / "backups").rglob("*.xmp")}
    rig.tally.lost += len(set(undone) - kept)
    rig.count()
    return len(undone)


def label_of(rig: Rig, sidecar: Path) -> object:
    """The label that a sidecar bears now; a torn one is counted."""
    try:
        return photometa.read_sidecar(sidecar).get("xmp:Label")
    except photometa.MetadataError:
        rig.tally.partial += 1
        return None


def bears(rig: Rig, sidecar: Path, label: str) -> bool:
    """Whether a sidecar bears this label now."""
    return label_of(rig, sidecar) == label


def write_label(rig: Rig, sidecar: Path, label: str) -> None:
    """As another program writes: read, change, a temporary file, a rename; no lock of ours."""
    changed = rig.place / "theirs.xmp"
    shutil.copyfile(sidecar, changed)
    photometa.write_sidecar(changed, {"xmp:Label": label})
    changed.replace(sidecar)


def judge(rig: Rig, clip_id: str, ended: threading.Event, pause_s: float) -> None:
    """Give verdicts until it is ended."""
    for number in range(10**9):
        if ended.wait(pause_s * rig.random.uniform(0.8, 1.2)):
            return
        body = json.dumps({"verdict": ("approved", "rejected")[number % 2], "rating": number % 6}).encode()
        ask(rig, "POST", f"/api/clips/{clip_id}/verdict", body, "application/json")


KINDS: dict[str, tuple[Callable[[Rig, int], None], int]] = {
    "kills": (kills, 1000),
    "calls": (calls, 500),
    "sleeps": (sleeps, 60),
    "clocks": (clocks, 30),
    "mounts": (mounts, 40),
    "burst": (burst, 5000),
    "uploads": (uploads, 1000),
    "edits": (edits, 1000),
    "storm": (storm, 1000),
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
        "| fault | tried | " + " | ".join(COUNTED) + " | start: median, slowest |",
        "| --- |" + " --- |" * (len(COUNTED) + 2),
    ]
    for kind, (attempt, wanted) in KINDS.items():
        runs = [result for result in results if result.kind == kind]
        if runs:
            sums = [str(sum(getattr(one, name) for one in runs)) for name in COUNTED]
            tried = f"{sum(one.times for one in runs)} of {wanted}"
            median = statistics.median(one.restart_median_s for one in runs)
            starts = f"{median:g} s, {max(one.restart_s for one in runs):g} s"
            what = (attempt.__doc__ or "").partition(".")[0]
            lines.append(f"| {what} | {tried} | {' | '.join(sums)} | {starts} |")
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
