"""What kind of photo it is, how sure that is, and why."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from afterframe.domain import PhotoType
from afterframe.recipe.rules import Rules
from afterframe.scene import Scene
from photometa.facts.facts import Facts

_CAMERA_WROTE_IT = re.compile(
    r"digital (still )?camera|^(caption|null|none|untitled|dsc|image|img|kodak action cam)$"
    r"|\b(dsc|dcim)\b|samsung|kenox|kodak|^\W*$",
    re.IGNORECASE,
)
"""Captions that cameras and phones write into every file."""
_WORTH_SAYING = 0.15
"""Weight from which a clue is named among the reasons."""

Evidence = tuple[float, PhotoType, str]
"""Weight, what it speaks for, and in a photographer's words."""


@dataclass(frozen=True, slots=True)
class Classification:
    """The likeliest type, the next, and the evidence."""

    photo_type: PhotoType
    runner_up: PhotoType
    confidence: float
    """0-1, the type's share of the softmax over the evidence."""
    reasons: tuple[str, ...]


def own_words(facts: Facts) -> tuple[str, ...]:
    """Title, caption and keywords as the photographer wrote them; what cameras write is left out.

    So are keywords that are the name of a person shown: programs write names as keywords too.
    """
    names = {name.casefold() for name in facts.persons}
    keywords = (word for word in facts.keywords if word.strip().casefold() not in names)
    texts = (facts.title, facts.caption, *keywords)
    stripped = (text.strip() for text in texts if text)
    return tuple(dict.fromkeys(text for text in stripped if text and not _CAMERA_WROTE_IT.search(text)))


def classify(facts: Facts, scene: Scene, rules: Rules) -> Classification:
    """Weigh the clues of ``rules`` and the photographer's words; the strongest sum wins.

    Multinomial logistic regression: portrait, environmental and still life are fitted
    (``photo_type_fit.toml``, with or without the detectors), action is set by hand.
    """
    fitted = rules.fitted[scene.by_nets]
    scores = {PhotoType.ACTION: rules.action_start} | {PhotoType(kind): start for kind, start in fitted.start.items()}
    evidence = [*_seen(facts, scene, rules), *_written(facts, rules)]
    for weight, kind, _ in evidence:
        scores[kind] += weight
    order = sorted(scores, key=lambda kind: -scores[kind])
    confidence = 1.0 / sum(math.exp(scores[kind] - scores[order[0]]) for kind in order)
    best = order[0]
    strongest = sorted(evidence, key=lambda item: -item[0])
    said = [say for weight, kind, say in strongest if say and kind is best and weight >= _WORTH_SAYING]
    return Classification(best, order[1], confidence, _reasons(rules, best, order[1], confidence, said))


def _reasons(rules: Rules, best: PhotoType, other: PhotoType, confidence: float, said: list[str]) -> tuple[str, ...]:
    name, second = rules.types[best].name, rules.types[other].name
    why = tuple(dict.fromkeys(said))[:4] or ("nothing speaks for another kind",)
    if confidence < rules.unsure_below:
        return (*why, f"unsure: {name} {confidence:.0%}, could be {second}; the gentler motion is used")
    return (*why, f"{name}, {confidence:.0%} sure")


def _seen(facts: Facts, scene: Scene, rules: Rules) -> Iterable[Evidence]:
    weights = rules.fitted[scene.by_nets].clues
    for clue in rules.clues:
        if strength := clue.strength(scene.measures, facts):
            for kind, weight in weights.get(clue.name, {}).items():
                yield weight * strength, PhotoType(kind), clue.say if clue.may_be_said(scene) else ""
    for clue, weight in rules.action_clues:
        if strength := clue.strength(scene.measures, facts):
            yield weight * strength, PhotoType.ACTION, clue.say if clue.may_be_said(scene) else ""


def _written(facts: Facts, rules: Rules) -> Iterable[Evidence]:
    text = " ".join(own_words(facts)).lower()
    for kind, words in rules.words.items():
        for word in words:
            if re.search(rf"\b{re.escape(word)}\b", text):
                yield rules.word_weight, kind, f"you wrote “{word}”"
                break
