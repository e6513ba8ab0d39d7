"""What is said to be in a photo against a person's labels: sky, water, leaves, rooms, people; cross-validated."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from afterframe.clues import Weights, read_weights
from afterframe.scene import CLAIMS, SURE
from afterframe.vision.claims import claim_clues
from fit_photo_type import fit_claims
from labelled_photos import LabelledPhoto, add_fold_arguments, folds, read_photos


def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    """Ask what ships; then fit on four fifths and ask about the last."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_fold_arguments(parser, repeats=5)
    options = parser.parse_args(argv)
    photos = read_photos(options)
    found: dict[str, Any] = {"photos": len(photos)}
    shipped = read_weights("afterframe.vision", "claims_fit.toml")
    for title, by_nets in (("with_detectors", True), ("without_detectors", False)):
        found[title] = {
            "as shipped": _rates([_odds(photos, shipped[by_nets], by_nets=by_nets)], photos, missed=options.missed),
            "cross-validated": _rates(_cross_validated(photos, options, by_nets=by_nets), photos, missed=False),
        }
    return found


Odds = dict[tuple[str, str], float]
"""(file, claim) -> how sure."""


def _odds(asked: Sequence[LabelledPhoto], weights: Weights, *, by_nets: bool) -> Odds:
    found = {}
    for photo in asked:
        strengths = {clue.name: clue.strength(photo.seen[by_nets], photo.facts) for clue, _ in claim_clues()}
        for claim, value in weights.sums(strengths).items():
            found[str(photo.path), claim] = 1.0 / (1.0 + np.exp(-value))
    return found


def _cross_validated(photos: Sequence[LabelledPhoto], options: argparse.Namespace, *, by_nets: bool) -> list[Odds]:
    runs = []
    for repeat in folds(photos, options):
        run: Odds = {}
        for asked, learned in repeat:
            run |= _odds(asked, fit_claims(learned, by_nets=by_nets), by_nets=by_nets)
        runs.append(run)
    return runs


def _rates(runs: Sequence[Odds], photos: Sequence[LabelledPhoto], *, missed: bool) -> dict[str, str]:
    """For each claim the share that is said of photos that show it, and of photos that do not."""
    found = {}
    for claim in CLAIMS:
        shares = []
        for answer in ("yes", "no"):
            asked = [str(photo.path) for photo in photos if photo.labels.get(claim) == answer]
            said = [path for run in runs for path in asked if run[path, claim] >= SURE]
            shares.append(f"{len(said) / max(1, len(asked) * len(runs)):.1%} of {len(asked)}")
            if missed:
                wrong = set(said) if answer == "no" else set(asked) - set(said)
                print(f"{claim}, {answer}:", *sorted(path.rpartition("/")[2] for path in wrong))
        found[claim] = f"said of {shares[0]} that show it, of {shares[1]} that do not"
    return found
