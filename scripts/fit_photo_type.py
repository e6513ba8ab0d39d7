#!/usr/bin/env python3
"""Fit what tells the kinds of photo apart, and what may be claimed: `python3 scripts/fit_photo_type.py [FOLDER ...]`.

Multinomial logistic regression over the clues of recipe/rules.toml, and one logistic regression for each claim over
those of vision/claims.toml; each once with and once without the detectors. Writes recipe/photo_type_fit.toml and
vision/claims_fit.toml. Action is too rare to be fitted: its clues stand in rules.toml.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from environment import ROOT, use_venv

use_venv()  # everything from here on is installed there

import numpy as np
import numpy.typing as npt

from afterframe.clues import Clue, Weights
from afterframe.recipe import rules
from afterframe.scene import CLAIMS
from afterframe.vision.claims import claim_clues
from labelled_photos import LabelledPhoto, add_arguments, read_photos

Numbers = npt.NDArray[np.float64]

FITTED = ("portrait", "environmental", "still_life")
TYPE_PENALTY = 1.0
"""Of the squared weights; chosen by cross-validation (scripts/bench.py types)."""
CLAIM_FITS = {"sky": (0.5, 1.0), "water": (0.1, 8.0), "leaves": (0.2, 4.0), "indoors": (2.0, 6.0), "people": (0.2, 2.0)}
"""For each claim the same, and what a photo that shows it counts at most against one that does not (most do not);
chosen by scripts/bench.py claims: at most 2 % of the photos that do not show a thing are said to."""
BLIND_FITS = CLAIM_FITS | {"indoors": (4.0, 4.0)}
"""The same without the detectors."""
FREE = 0.01
"""The same of what is added before any clue."""
ROUNDS, STEPS = 3, 12
BEST_SHARE = 0.7
"""What the best of several acceptable kinds counts at first."""
SOURCE = ROOT / "server" / "afterframe"


def main(args: Sequence[str] | None = None) -> int:
    """Fit and write both files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_arguments(parser)
    photos = read_photos(parser.parse_args(args))
    print(write(SOURCE / "recipe" / "photo_type_fit.toml", photos, fit_types))
    print(write(SOURCE / "vision" / "claims_fit.toml", photos, fit_claims))
    return 0


def fit_types(photos: Sequence[LabelledPhoto], *, by_nets: bool) -> Weights:
    """The weights of each clue for portraits, environments and still lifes; their mean is 0."""
    known = [photo for photo in photos if set(photo.types) & set(FITTED)]
    clues = rules().clues
    accepted = np.array([[float(kind in photo.types) for kind in FITTED] for photo in known])
    best = [next(FITTED.index(kind) for kind in photo.types if kind in FITTED) for photo in known]
    weights = multinomial(strengths(known, clues, by_nets=by_nets), accepted, best)
    return _named(weights - weights.mean(axis=1, keepdims=True), clues, FITTED)


def fit_claims(photos: Sequence[LabelledPhoto], *, by_nets: bool) -> Weights:
    """The weights of each clue for and against each claim."""
    fits = CLAIM_FITS if by_nets else BLIND_FITS
    start, named = {}, {clue.name: dict[str, float]() for clue, _ in claim_clues()}
    for claim in CLAIMS:
        known = [photo for photo in photos if photo.labels.get(claim) in ("yes", "no")]
        clues = [clue for clue, about in claim_clues() if claim in about]
        answers = np.array([float(photo.labels[claim] == "yes") for photo in known])
        weights = binary(strengths(known, clues, by_nets=by_nets), answers, *fits[claim])
        start[claim] = float(weights[-1])
        for clue, weight in zip(clues, weights, strict=False):
            named[clue.name][claim] = float(weight)
    return Weights(start, named)


def strengths(photos: Sequence[LabelledPhoto], clues: Sequence[Clue], *, by_nets: bool) -> Numbers:
    """(photos, clues + 1): how strong each clue is, and a 1."""
    rows = [[*(clue.strength(photo.seen[by_nets], photo.facts) for clue in clues), 1.0] for photo in photos]
    return np.array(rows, np.float64)


def multinomial(clues: Numbers, accepted: Numbers, best: Sequence[int]) -> Numbers:
    """Weights (clues, kinds) that make an accepted kind likely, by Newton's method.

    Args:
        clues: (photos, clues), the last a 1.
        accepted: (photos, kinds), 1 where a person accepts the kind.
        best: the kind that the person names first. Of several, the model may choose: what each counts is halfway from
            the person's order to what the model holds likely, and is found anew in each round.
    """
    wanted = accepted * (1 - BEST_SHARE) / np.maximum(accepted.sum(axis=1, keepdims=True) - 1, 1)
    wanted[np.arange(len(best)), best] = np.where(accepted.sum(axis=1) > 1, BEST_SHARE, 1.0)
    weights = np.zeros((clues.shape[1], accepted.shape[1]))
    for again in range(ROUNDS):
        if again:
            likely = softmax(clues @ weights) * accepted
            wanted = 0.5 * wanted + 0.5 * likely / likely.sum(axis=1, keepdims=True)
        for _ in range(STEPS):
            weights -= _newton(clues, softmax(clues @ weights), wanted, weights)
    return weights


def _newton(clues: Numbers, likely: Numbers, wanted: Numbers, weights: Numbers) -> Numbers:
    """One step of Newton's method on the penalised cross-entropy."""
    count, kinds = weights.shape
    penalty = np.full(count, TYPE_PENALTY)
    penalty[-1] = FREE
    slope = clues.T @ (likely - wanted) + penalty[:, None] * weights
    curve = np.zeros((kinds, count, kinds, count))
    for one in range(kinds):
        for other in range(kinds):
            spread = likely[:, one] * ((one == other) - likely[:, other])
            curve[one, :, other] = (clues * spread[:, None]).T @ clues
    flat = curve.reshape(kinds * count, kinds * count)
    flat[np.diag_indices(kinds * count)] += np.tile(penalty, kinds)
    return np.asarray(np.linalg.solve(flat, slope.T.ravel()).reshape(kinds, count).T, np.float64)


def softmax(sums: Numbers) -> Numbers:
    """Shares per row."""
    raised = np.exp(sums - sums.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float64)


def binary(clues: Numbers, answers: Numbers, penalty: float, most: float) -> Numbers:
    """Weights (clues) of a logistic regression, by Newton's method.

    Args:
        clues: (photos, clues), the last a 1.
        answers: 0 or 1.
        penalty: of the squared weights.
        most: what a photo with the answer 1 counts at most, so that rare ones count as much as the others together.
    """
    weights, penalties = np.zeros(clues.shape[1]), np.full(clues.shape[1], penalty)
    penalties[-1] = FREE
    counts = np.where(answers > 0, min(most, (len(answers) - answers.sum()) / max(1.0, answers.sum())), 1.0)
    for _ in range(STEPS):
        likely = 1.0 / (1.0 + np.exp(-clues @ weights))
        slope = clues.T @ (counts * (likely - answers)) + penalties * weights
        curve = (clues * (counts * likely * (1 - likely))[:, None]).T @ clues + np.diag(penalties)
        weights -= np.linalg.solve(curve, slope)
    return weights


def _named(weights: Numbers, clues: Sequence[Clue], kinds: Sequence[str]) -> Weights:
    *rows, start = ({kind: float(value) for kind, value in zip(kinds, row, strict=True)} for row in weights)
    return Weights(start, {clue.name: row for clue, row in zip(clues, rows, strict=True)})


def write(path: Path, photos: Sequence[LabelledPhoto], fit: Callable[..., Weights]) -> Path:
    """Write the two fits into one file; where it is."""
    lines = [
        f"# Fitted by scripts/fit_photo_type.py on {len(photos)} labelled photos: change the clues, not this file."
    ]
    for title, by_nets in (("with_detectors", True), ("without_detectors", False)):
        fitted = fit(photos, by_nets=by_nets)
        lines += ["", f"[{title}]", f"start = {_table(fitted.start)}"]
        lines += [f'"{name}" = {_table(weights)}' for name, weights in fitted.clues.items()]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def _table(weights: Mapping[str, float]) -> str:
    return "{ " + ", ".join(f"{name} = {value:.3f}" for name, value in weights.items()) + " }"


if __name__ == "__main__":
    sys.exit(main())
