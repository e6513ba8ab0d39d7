"""Sidecars that other programs write while verdicts are given."""

from __future__ import annotations

import json
import shutil
import threading
import time
from functools import partial
from pathlib import Path

import photometa
from afterframe.naming import sidecar_of
from faults_rig import Rig, ask


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
