"""Photos that a person has labelled, measured with and without the detectors: what the fit and its benches learn from.

A folder holds photos and a labels.csv: ``file`` and ``type`` (acceptable kinds, the best first, between bars); ``sky``,
``people`` and other claims with yes, no or ? where one may argue. ``seen_labels.csv`` beside this file adds claims to
photos of the same names.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

import photometa
from afterframe.imaging.decode import decode
from afterframe.intake.photo_reader import ANALYSIS_SIDE
from afterframe.vision import Detectors, load_detectors, map_scene
from afterframe.vision.measures import measure
from environment import SHARED

OWN_LABELS = Path(__file__).with_name("seen_labels.csv")

Measures = Mapping[str, float]


@dataclass(frozen=True)
class LabelledPhoto:
    """One photo, what a person says of it, and what was measured."""

    path: Path
    labels: Mapping[str, str]
    facts: photometa.Facts
    seen: Mapping[bool, Measures]
    """By whether the detectors looked."""

    @property
    def types(self) -> tuple[str, ...]:
        """The acceptable kinds, the best first."""
        return tuple(kind for kind in self.labels.get("type", "").split("|") if kind)


Fold = tuple[list[LabelledPhoto], list[LabelledPhoto]]
"""Photos that are asked about, and those that are learned from."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that every command over labelled photos takes."""
    default = [SHARED / "photos", SHARED / "photos" / "more"]
    parser.add_argument("folders", nargs="*", type=Path, default=default, help="of photos, each with a labels.csv")
    parser.add_argument("--detectors", type=Path, default=SHARED / "models", help="folder of the two nets")
    parser.add_argument("--kept", type=Path, help="file that keeps the measures for the next run")


def read_photos(options: argparse.Namespace) -> list[LabelledPhoto]:
    """Every labelled photo of the folders; measured, unless ``options.kept`` holds its measures."""
    kept = json.loads(options.kept.read_text("utf-8")) if options.kept and options.kept.is_file() else {}
    rows = [(folder / row["file"], row) for folder in options.folders for row in _labels(folder)]
    new = [path for path, _ in rows if str(path) not in kept]
    with ProcessPoolExecutor(2) as pool:
        measured = pool.map(partial(_measured, detectors=options.detectors), new)
        kept |= dict(zip(map(str, new), measured, strict=True))
    if options.kept:
        options.kept.write_text(json.dumps(kept), "utf-8")
    seen = {path: {True: kept[str(path)][0], False: kept[str(path)][1]} for path, _ in rows}
    return [LabelledPhoto(path, row, photometa.read(path), seen[path]) for path, row in rows]


def add_fold_arguments(parser: argparse.ArgumentParser, repeats: int) -> None:
    """The arguments of a bench that fits on some photos and asks about the others."""
    add_arguments(parser)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--missed", action="store_true", help="name the photos that are told wrong")


def folds(photos: Sequence[LabelledPhoto], options: argparse.Namespace) -> Iterator[list[Fold]]:
    """The folds of each repeat, in which every photo is asked about once."""
    for seed in range(options.repeats):
        order = np.random.default_rng(seed).permutation(len(photos)).tolist()
        yield [_fold(photos, order, number, options.folds) for number in range(options.folds)]


def _fold(photos: Sequence[LabelledPhoto], order: Sequence[int], number: int, count: int) -> Fold:
    asked = set(order[number::count])
    return [photos[index] for index in order if index in asked], [
        photos[index] for index in order if index not in asked
    ]


def _labels(folder: Path) -> Sequence[dict[str, str]]:
    with OWN_LABELS.open(encoding="utf-8") as file:
        ours = {row["file"]: row for row in csv.DictReader(file)}
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        theirs = list(csv.DictReader(file))
    # "people" in a table without "sky" is another question: whether a face is clearly visible.
    return [
        ours.get(row["file"], {}) | (row if "sky" in row else {"file": row["file"], "type": row["type"]})
        for row in theirs
    ]


def _measured(path: Path, detectors: Path) -> tuple[Measures, Measures]:
    cv2.setNumThreads(1)
    pixels, _ = decode(path, at_least=(ANALYSIS_SIDE, ANALYSIS_SIDE))
    by_nets = map_scene(pixels, nets=load_detectors(detectors))
    oriented = photometa.read(path).orientation is not None
    return measure(by_nets), measure(map_scene(pixels, nets=Detectors(), oriented=oriented))
