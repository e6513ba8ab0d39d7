"""Sidecars: merging one property into real ones; what is lost, what is kept, files a second against exiftool.

    ours       photometa.write_sidecar, lock, merge, two parsers' check, fsync and rename included, in 3 threads of
               each of as many running processes as there are processors (how the daemon reads, too)
    exiftool   one process for all files, writing into copies

`main(argv)` gives the numbers; `--sidecars DIR` names XMP files (default: ../shared/sidecars).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import photometa
from environment import SHARED

RUNS = 5
THREADS = 3
"""While some wait for their fsync, one merges; more only fight for the interpreter. exiftool calls no fsync."""
OURS = {"afterframe:clip": "DSC_0042_motion.mp4"}
VOLATILE = {"SourceFile", "File", "System", "ExifTool"}


def main(argv: list[str]) -> dict[str, Any]:
    """Measure; see the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sidecars", type=Path, default=SHARED / "sidecars")
    options = parser.parse_args(argv)
    originals = sorted(options.sidecars.glob("*.xmp"))
    return {**losses(originals), **speeds(originals)}


def losses(originals: list[Path]) -> dict[str, Any]:
    """Merge into a copy of each and compare everything else, by exiftool and byte by byte."""
    with tempfile.TemporaryDirectory(prefix="afterframe-bench-") as folder:
        copies = copy_all(originals, Path(folder))
        before = everything(copies)
        refused, changed_bytes, again = [], [], []
        for original, path in zip(originals, copies, strict=True):
            try:
                photometa.write_sidecar(path, OURS)
            except photometa.MetadataError as error:
                refused.append(f"{path.name}: {error}")
                continue
            once = path.read_bytes()
            if not is_insertion(original.read_bytes(), once):
                changed_bytes.append(path.name)
            photometa.write_sidecar(path, OURS)
            if path.read_bytes() != once:
                again.append(path.name)
        after = everything(copies)
        removed = [path.name for original, path in zip(originals, copies, strict=True) if not restores(original, path)]
    changed = [name for name in before if before[name] != after[name]]
    return {
        "sidecars": len(originals),
        "refused": refused,
        "other_properties_changed": changed,
        "original_bytes_not_kept": changed_bytes,
        "merging_twice_differs": again,
        "removing_does_not_restore": removed,
    }


def copy_all(originals: list[Path], folder: Path) -> list[Path]:
    return [Path(shutil.copyfile(original, folder / original.name)) for original in originals]


def everything(files: list[Path]) -> dict[str, dict[str, Any]]:
    """Every property of every file as exiftool reads it, ours left out."""
    command = ["exiftool", "-j", "-q", "-a", "-G1", "-struct", "-n", *map(str, files)]
    read = json.loads(subprocess.run(command, capture_output=True, check=False, text=True).stdout)
    return {Path(entry["SourceFile"]).name: others(entry) for entry in read}


def others(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in entry.items()
        if name.partition(":")[0] not in VOLATILE and not name.startswith("XMP-afterframe")
    }


def is_insertion(before: bytes, after: bytes) -> bool:
    """Whether ``after`` is ``before`` with one run of bytes put in."""
    head = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(before))
    return len(after) > len(before) and after.endswith(before[head:])


def restores(original: Path, path: Path) -> bool:
    if path.read_bytes() == original.read_bytes():
        return True  # it was refused
    photometa.write_sidecar(path, dict.fromkeys(OURS))
    return path.read_bytes() == original.read_bytes()


def speeds(originals: list[Path]) -> dict[str, Any]:
    """Files a second, medians of runs in turn."""
    ours, theirs = [], []
    count = os.cpu_count() or 1
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as processes:
        for turn in range(RUNS + 1):
            mine_s, theirs_s = one_turn(originals, processes, count)
            if turn:
                ours.append(len(originals) / mine_s)
                theirs.append(len(originals) / theirs_s)
    return {
        "files_per_s": {"ours": round(statistics.median(ours)), "exiftool": round(statistics.median(theirs))},
        "ours_to_exiftool": round(statistics.median(a / b for a, b in zip(ours, theirs, strict=True)), 1),
    }


def one_turn(originals: list[Path], processes: ProcessPoolExecutor, count: int) -> tuple[float, float]:
    """Seconds that we took, and that exiftool took."""
    with tempfile.TemporaryDirectory(prefix="afterframe-bench-") as folder:
        mine = copy_all(originals, make(Path(folder) / "ours"))
        other = copy_all(originals, make(Path(folder) / "exiftool"))
        began = time.perf_counter()
        list(processes.map(merge_all, [mine[index::count] for index in range(count)]))
        middle = time.perf_counter()
        # exiftool does not know our namespace; a property of its own is the same work.
        command = ["exiftool", "-q", "-q", "-overwrite_original", "-XMP-dc:Source=DSC_0042.jpg", *map(str, other)]
        subprocess.run(command, capture_output=True, check=False)
        return middle - began, time.perf_counter() - middle


def merge_all(paths: list[Path]) -> None:
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(merge, paths))


def merge(path: Path) -> None:
    with contextlib.suppress(photometa.MetadataError):
        photometa.write_sidecar(path, OURS)


def make(folder: Path) -> Path:
    folder.mkdir()
    return folder
