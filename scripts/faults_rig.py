"""What the fault rigs share: a home, a folder of photos, and the counting of what is wrong afterwards."""

from __future__ import annotations

import http.client
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from faults_processes import Afterframe, Daemon, hidden_in

from afterframe.naming import sidecar_of
from afterframe.system.hashing import sha256_of
from environment import ROOT
from factories import make_photo_file

SHIMS = ROOT / "scripts" / "faults_shim"
PATIENCE_S = 600.0
"""Until renders count as stuck, from the last one that was done."""
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
    note: str = ""


@dataclass
class Rig:
    """A home, a folder of photos, and what their bytes were."""

    place: Path
    tally: Tally
    originals: dict[Path, str] = field(default_factory=dict)
    wanted: dict[Path, int] = field(default_factory=dict)
    """How many clips a photo is to have, where that is not one."""
    stems: dict[Path, str] = field(default_factory=dict)
    """The beginning of its clips' names, where the photo was renamed and they were not."""
    starts_s: list[float] = field(default_factory=list)
    """How long each start took."""

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
        self.starts_s.append(time.monotonic() - began)
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

    def settle(self) -> bool:
        """Wait for :meth:`settled` as long as renders are still done; whether it came."""
        done = -1
        while (now := self.afterframe.states().get("done", 0)) > done:
            done = now
            if self.until(self.settled):
                return True
        return False

    def settled(self) -> bool:
        """Every photo's render has ended, and as many are done as there are photos."""
        return self.done(len(self.originals)) and self.afterframe.idle()

    def count(self) -> None:
        """Wait until everything has ended, and count what is wrong."""
        tally = self.tally
        if not self.settle():
            tally.stuck += len(self.originals) - self.afterframe.states().get("done", 0)
        rows = self.afterframe.rows("SELECT path, sha256 FROM clips WHERE present")
        listed = {row["path"]: row["sha256"] for row in rows}
        for photo, sha256 in self.originals.items():
            clips = list(photo.parent.glob(f"{self.stems.get(photo, photo.stem)}*_motion*.mp4"))
            wanted = self.wanted.get(photo, 1)
            tally.lost += len(clips) < wanted
            tally.doubled += len(clips) > wanted
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


def preload(source: str, place: Path) -> Path:
    """A library that lies to a process about its system calls, compiled.

    Args:
        source: its name in scripts/faults_shim.
        place: the folder that it is written to.
    Raises:
        NotHere: it takes gcc and Linux.
    """
    library = place / f"{source}.so"
    if shutil.which("gcc") is None or sys.platform != "linux":
        raise NotHere("it takes gcc on Linux")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, SHIMS / source, "-ldl", "-lpthread"], check=True)
    return library


def send(rig: Rig, name: str, data: bytes, folder: Path | None = None) -> None:
    """Upload one photo."""
    mark = "part-of-a-form"
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    if folder:
        head = f'--{mark}\r\nContent-Disposition: form-data; name="folder"\r\n\r\n{folder}\r\n{head}'
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
