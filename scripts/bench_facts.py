"""Facts: files a second against exifread and exiftool, and agreement with exiftool, value by value.

    ours        photometa.read in the processes that commands and daemon use (isolated)
    exifread    exifread alone, details=False, in this process: no lens, no XMP, no light, no isolation
    exiftool    one process for all files

`main(argv)` gives the numbers; `--photos DIR` names photographs (default: ../shared/photos).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import exifread

import photometa
from afterframe.config import LimitsConfig
from afterframe.intake.photo_reader import PhotoReader
from environment import SHARED
from photometa.facts.facts import Facts

RUNS = 5
COMPARED = {
    "captured_at": "DateTimeOriginal",
    "exposure_s": "ExposureTime",
    "f_number": "FNumber",
    "iso": "ISO",
    "focal_mm": "FocalLength",
    "lens": "LensModel",
    "latitude": "GPSLatitude",
    "longitude": "GPSLongitude",
    "orientation": "Orientation",
}


def main(argv: list[str]) -> dict[str, Any]:
    """Measure; see the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photos", type=Path, default=SHARED / "photos")
    parser.add_argument("--files", type=int, default=504)
    options = parser.parse_args(argv)
    originals = sorted(path for path in options.photos.iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))
    with tempfile.TemporaryDirectory(prefix="afterframe-bench-") as folder:
        files = copies(originals, Path(folder), options.files)
        return {**speeds(files), "disagreements_with_exiftool": disagreements(originals)}


def copies(originals: list[Path], folder: Path, count: int) -> list[Path]:
    """``count`` files with names of their own."""
    files = []
    for number, original in zip(range(count), itertools.cycle(originals), strict=False):
        files.append(folder / f"{number:05}-{original.name}")
        shutil.copyfile(original, files[-1])
    return files


def speeds(files: list[Path]) -> dict[str, Any]:
    """Files a second, medians of runs in turn; the first round, which warms caches and processes, is left out."""
    count = os.cpu_count() or 1
    reader = PhotoReader(LimitsConfig(), count)

    def ours() -> None:
        with ThreadPoolExecutor(count) as threads:
            list(threads.map(reader.facts, files))

    contenders: dict[str, Callable[[], object]] = {
        "ours": ours,
        "exifread": lambda: run_exifread(files),
        "exiftool": lambda: run_exiftool(files),
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    try:
        for turn in range(RUNS + 1):
            for name, run in contenders.items():
                began = time.perf_counter()
                run()
                if turn:
                    rates[name].append(len(files) / (time.perf_counter() - began))
    finally:
        reader.close()
    medians = {name: statistics.median(values) for name, values in rates.items()}
    return {
        "files": len(files),
        "files_per_s": {name: round(value) for name, value in medians.items()},
        "ours_to_exiftool": round(median_ratio(rates["ours"], rates["exiftool"]), 1),
        "ours_to_exifread": round(median_ratio(rates["ours"], rates["exifread"]), 2),
    }


def median_ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the ratios, turn by turn: a slow moment of the machine hits both."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def run_exifread(files: list[Path]) -> None:
    for path in files:
        with path.open("rb") as file:
            exifread.process_file(file, details=False)


def run_exiftool(files: list[Path], *options: str) -> str:
    command = ["exiftool", "-j", "-q", *options, *map(str, files)]
    return subprocess.run(command, capture_output=True, check=False, text=True).stdout


def disagreements(files: list[Path]) -> list[str]:
    """Where our value and exiftool's differ, each as one line with the reason."""
    theirs = json.loads(run_exiftool(files, "-n", *(f"-{tag}" for tag in COMPARED.values())))
    in_exif = json.loads(run_exiftool(files, "-n", *(f"-EXIF:{tag}" for tag in COMPARED.values())))
    lines = []
    for path, said, exif in zip(files, theirs, in_exif, strict=True):
        facts = photometa.read(path)
        for field, tag in COMPARED.items():
            ours, other = in_exiftools_form(facts, field), said.get(tag)
            if not same(ours, other):
                why = reason(facts, field, ours, other, exif.get(tag))
                lines.append(f"{path.name}: {field}: ours {ours!r}, exiftool {other!r}: {why}")
    return lines


def reason(facts: Facts, field: str, ours: Any, theirs: Any, in_exif: Any) -> str:
    """Why both may be right; UNEXPLAINED where that is not known."""
    source = facts.sources.get(field, "")
    if field == "lens" and theirs is None and ours is not None:
        return f"from {source}; exiftool has no LensModel"
    if field == "lens" and ours is None and "?" in str(theirs):
        return "bytes that are no text"
    if theirs != in_exif and same(ours, in_exif):
        return f"{source}, as exiftool's EXIF group has it; exiftool shows the maker note's first"
    if in_exif is None and source.startswith("EXIF"):
        return f"from {source}; exiftool shows the maker note's"
    if str(theirs).split()[-1:] == [str(ours)]:
        return f"{source}: of the maker's pair the second is the sensitivity"
    return "UNEXPLAINED"


def in_exiftools_form(facts: Facts, field: str) -> Any:
    if field == "captured_at" and facts.captured_at:
        return facts.captured_at.strftime("%Y:%m:%d %H:%M:%S")
    return getattr(facts, field)


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, int | float) and isinstance(theirs, int | float):
        return abs(ours - theirs) <= 1e-4 * max(1.0, abs(theirs))
    return (ours or "") == (str(theirs).strip() if theirs is not None else "")
