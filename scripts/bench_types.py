"""The kinds of photo against a person's labels: cross-validated, with and without the detectors."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from afterframe.clues import Weights
from afterframe.recipe import classify, rules
from afterframe.scene import Scene
from fit_photo_type import fit_types
from labelled_photos import LabelledPhoto, add_fold_arguments, folds, read_photos

KINDS = ("portrait", "action", "environmental", "still_life")


def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    """Fit on four fifths, ask about the last, over and over."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_fold_arguments(parser, repeats=20)
    options = parser.parse_args(argv)
    photos = read_photos(options)
    return {
        "photos": len(photos),
        "with_detectors": cross_validated(photos, options, by_nets=True),
        "without_detectors": cross_validated(photos, options, by_nets=False),
    }


def cross_validated(photos: Sequence[LabelledPhoto], options: argparse.Namespace, *, by_nets: bool) -> dict[str, Any]:
    """Shares that are acceptable to a person, of all and of each kind; the table of what was told for what."""
    runs = []
    told: list[tuple[LabelledPhoto, str]] = []
    for repeat in folds(photos, options):
        answers: list[tuple[LabelledPhoto, str]] = []
        for asked, learned in repeat:
            answers += _answers(asked, fit_types(learned, by_nets=by_nets), by_nets=by_nets)
        runs.append(_accepted(answers))
        told += answers
    if options.missed:
        _print_missed(told, options.repeats)
    return {
        "acceptable": f"{np.mean(runs):.1%}, spread {np.std(runs):.1%}",
        "recall": {
            kind: f"{_accepted(_of(told, kind)):.0%} of {len(_of(told, kind)) // options.repeats}" for kind in KINDS
        },
        "confusion": {
            f"{kind} told as": {other: round(_count(told, kind, other) / options.repeats, 1) for other in KINDS}
            for kind in KINDS
        },
    }


def _answers(asked: Sequence[LabelledPhoto], weights: Weights, *, by_nets: bool) -> list[tuple[LabelledPhoto, str]]:
    book = replace(rules(), fitted={by_nets: weights})
    return [
        (
            photo,
            str(classify(photo.facts, Scene(measures=photo.seen[by_nets], by_nets=by_nets), book).photo_type),
        )
        for photo in asked
    ]


def _accepted(told: Sequence[tuple[LabelledPhoto, str]]) -> float:
    return sum(answer in photo.types for photo, answer in told) / max(1, len(told))


def _of(told: Sequence[tuple[LabelledPhoto, str]], kind: str) -> list[tuple[LabelledPhoto, str]]:
    """Those that a person names first as of this kind."""
    return [(photo, answer) for photo, answer in told if photo.types[0] == kind]


def _count(told: Sequence[tuple[LabelledPhoto, str]], kind: str, answer: str) -> int:
    return sum(other == answer for _, other in _of(told, kind))


def _print_missed(told: Sequence[tuple[LabelledPhoto, str]], repeats: int) -> None:
    missed: dict[str, list[str]] = {}
    for photo, answer in told:
        if answer not in photo.types:
            missed.setdefault(f"{photo.path.name} ({'|'.join(photo.types)})", []).append(answer)
    for name, answers in sorted(missed.items(), key=lambda item: -len(item[1])):
        print(f"{len(answers) / repeats:4.0%}  {name}: {', '.join(sorted(set(answers)))}")
