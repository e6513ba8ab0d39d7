"""Is a photo worth animating? Six scores, each 0-1 with its reason, and one to sort by. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from afterframe.recipe.sighting import animals
from afterframe.scene import Scene
from photometa.facts.facts import Facts

VERSION = 4
"""Goes up when the scoring changes, so that stored scores are computed again."""
WEIGHTS = {
    "subject_isolation": 0.25,
    "lighting_direction": 0.15,
    "implied_movement": 0.3,
    "environmental_context": 0.15,
    "temporal_cues": 0.15,
}
"""Shares of the score; the quality of the source then scales it, since no subject saves a bad file."""
SCORES = (*WEIGHTS, "source_quality")
"""What a photo is scored by."""
FAINT = 0.05
"""Clues up to here are not worth mentioning."""
QUALITY_FLOOR = 0.35
"""What is left of the score when the source is as bad as can be."""


@dataclass(frozen=True, slots=True)
class Score:
    """One answer."""

    score: float
    """0-1."""
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"score": round(self.score, 3), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Readiness:
    """How well a photo lends itself to animation."""

    scores: Mapping[str, Score]
    """By the names in SCORES."""

    @property
    def score(self) -> float:
        """0-1, to sort by."""
        worth = sum(weight * self.scores[name].score for name, weight in WEIGHTS.items())
        return worth * (QUALITY_FLOOR + (1 - QUALITY_FLOOR) * self.scores["source_quality"].score)

    def to_dict(self) -> dict[str, Any]:
        """As JSON: name -> {score, reason}."""
        return {name: score.to_dict() for name, score in self.scores.items()}


def assess(facts: Facts, scene: Scene, size: tuple[int, int]) -> Readiness:
    """Score one photo.

    Args:
        size: upright (width, height), pixels.
    """
    return Readiness(
        {
            "subject_isolation": _isolation(facts, scene),
            "lighting_direction": _lighting(facts, scene),
            "implied_movement": _movement(facts, scene),
            "environmental_context": _environment(facts, scene),
            "temporal_cues": _time(facts, scene),
            "source_quality": _quality(facts, scene, size),
        }
    )


def _ramp(value: float, none: float, full: float) -> float:
    """0 at ``none``, 1 at ``full``, linear between."""
    return min(1.0, max(0.0, (value - none) / (full - none)))


def _best(*clues: tuple[float, str], otherwise: str) -> Score:
    """The strongest clue decides, and the others add a little."""
    ranked = sorted((clue for clue in clues if clue[0] > FAINT), reverse=True)
    if not ranked:
        return Score(0.1, otherwise)
    score = min(1.0, ranked[0][0] + 0.1 * sum(clue[0] for clue in ranked[1:]))
    return Score(score, "; ".join(reason for _, reason in ranked[:2]))


def _of(scene: Scene) -> Callable[[str], float]:
    return lambda name: scene.measures.get(name, 0.0)


def _before_things(scene: Scene) -> float:
    """0 before an empty sky or water, which are always soft; 1 before anything else."""
    return _ramp(scene.share_of("sky") + scene.share_of("water"), 0.3, 0.05)


def _backdrop(scene: Scene) -> str:
    return "water" if scene.share_of("water") > scene.share_of("sky") else "sky"


def _soft_background(scene: Scene) -> float:
    return 0.9 * _ramp(scene.measures.get("isolation", 0.0), 0.0, 0.6) * _before_things(scene)


def _isolation(facts: Facts, scene: Scene) -> Score:
    seen = _of(scene)
    before_things = _before_things(scene)
    shallow = {"very shallow": 0.8, "shallow": 0.6}.get(facts.depth_of_field or "", 0.0)
    return _best(
        (_ramp(seen("face_share"), 0.0, 0.04) * scene.shows("people"), "a clear face"),
        (_soft_background(scene), "the subject stands sharp before a soft background"),
        (
            0.5 * _ramp(seen("isolation"), 0.0, 0.6) * (1 - before_things),
            f"it stands out against the {_backdrop(scene)}",
        ),
        (shallow * _ramp(seen("focus_contrast"), 0.0, 0.3), f"{facts.depth_of_field} depth of field"),
        (0.5 * _ramp(seen("subject_share"), 0.6, 0.15) * (scene.subject is not None), "one thing draws the eye"),
        otherwise="nothing stands apart from its surroundings",
    )


def _lighting(facts: Facts, scene: Scene) -> Score:
    seen = _of(scene)
    low_sun = facts.sun_elevation_deg is not None and 0 < facts.sun_elevation_deg < 15
    named = {
        "hard sun": 0.7,
        "backlit": 0.7,
        "tungsten": 0.5,
        "night": 0.6,
        "low light": 0.5,
        "soft": 0.4,
        "shade": 0.3,
    }
    flat = {"overcast": "overcast, so the light has no direction", "flash": "the flash lights it from the front"}
    contrast = _ramp(seen("contrast"), 0.2, 0.65)
    score = _best(
        (0.9 if low_sun else 0.0, f"the sun stands {facts.sun_elevation_deg or 0:.0f}° high and lights from the side"),
        (named.get(facts.light or "", 0.0), f"light: {facts.light}"),
        (0.8 * contrast, "strong light and shadow" if contrast > 0.6 else "some light and shadow"),
        otherwise="flat light",
    )
    if facts.light in flat:
        return Score(min(score.score, 0.35), flat[facts.light])
    return score


def _movement(facts: Facts, scene: Scene) -> Score:
    seen = _of(scene)
    slow = facts.exposure_s is not None and facts.exposure_s >= 1 / 15
    slower = facts.exposure_s is None or facts.exposure_s >= 1 / 500
    not_sky = _ramp(scene.share_of("sky"), 0.3, 0.1)
    program = facts.exposure_program in ("action", "sports")
    return _best(
        (_ramp(scene.share_of("water"), 0.02, 0.25), "water"),
        (
            0.75 * _ramp(scene.share_of("sky"), 0.1, 0.5) * _ramp(seen("brightness"), 0.1, 0.3) * scene.has_clouds(),
            "clouds that can drift",
        ),
        (0.6 * _ramp(scene.share_of("leaves"), 0.05, 0.35), "leaves or grass for the wind"),
        # Horizons and clouds look like blur too, and a short exposure leaves none.
        (0.8 * _ramp(seen("blur_coherence"), 0.35, 0.7) * not_sky * slower, "blur in one direction"),
        (0.5 if slow else 0.0, f"exposed for {_seconds(facts.exposure_s)}"),
        (0.8 if program else 0.0, "taken with the sports programme"),
        (0.5 * _living(scene, "person", _ramp(seen("face_share"), 0.004, 0.03)), "a person who breathes"),
        (0.5 * _living(scene, "animal"), "an animal that breathes"),
        otherwise="nothing in it would move by itself",
    )


def _living(scene: Scene, kind: str, by_face: float = 0.0) -> float:
    """How large a person or an animal is seen, 0-1; 0 where it is not sure."""
    sure = scene.shows("people") if kind == "person" else bool(animals(scene))
    return max(by_face, _ramp(_of(scene)(f"{kind}_share"), 0.02, 0.15)) if sure else 0.0


def _seconds(exposure_s: float | None) -> str:
    if not exposure_s:
        return "an unknown time"
    return f"{exposure_s:g} s" if exposure_s >= 0.3 else f"1/{1 / exposure_s:.0f} s"


def _environment(facts: Facts, scene: Scene) -> Score:
    seen = _of(scene)
    place = facts.sublocation or facts.city or facts.country
    all_sharp = _soft_background(scene) <= FAINT  # else the first score says the contrary
    shares = {"sky": scene.share_of("sky"), "water": scene.share_of("water"), "green": scene.share_of("leaves")}
    around = [name for name, share in shares.items() if share >= 0.02]
    return _best(
        (0.9 * _ramp(sum(shares.values()), 0.05, 0.6), f"{' and '.join(around)} around it"),
        (0.5 * _ramp(seen("focus_share"), 0.2, 0.6) * all_sharp, "the surroundings are sharp too"),
        (0.5 * _ramp(facts.field_of_view_deg or 0.0, 45, 75) * all_sharp, "a wide lens takes the place in"),
        (0.3 if place else 0.0, f"taken in {place}"),
        otherwise="no surroundings to speak of",
    )


def _time(facts: Facts, scene: Scene) -> Score:
    sure = facts.time_of_day_source == "sun"
    dark_hour = facts.time_of_day in ("night", "blue hour")
    too_bright = dark_hour and ((facts.ev100 or 0.0) >= 9.0 or scene.measures.get("brightness", 0.0) > 0.6)
    hour = facts.time_of_day if sure or not (facts.contradictions or too_bright) else None
    telling = {"golden hour": 1.0, "blue hour": 1.0, "night": 0.7, "evening": 0.5, "morning": 0.5}
    by_time = telling.get(hour or "", 0.3 if hour else 0.0) * (1.0 if sure else 0.7)
    how = "by the sun's height" if sure else "by the camera's clock"
    warm_sky = _ramp(scene.measures.get("warmth", 0.0), 12, 30) * _ramp(scene.share_of("sky"), 0.1, 0.3)
    long_exposure = facts.exposure_s is not None and facts.exposure_s >= 0.5
    return _best(
        (by_time, f"{hour}, {how}"),
        (0.8 * warm_sky, "a warm sky"),
        (0.6 if long_exposure else 0.0, f"time shows: {_seconds(facts.exposure_s)} of exposure"),
        otherwise="no sign of the hour",
    )


def _quality(facts: Facts, scene: Scene, size: tuple[int, int]) -> Score:
    """At least 1024 px on the short side, 2K recommended; noise, clipping and focus take away."""
    seen = _of(scene)
    short = min(size)
    pixels = 0.5 * _ramp(short, 300, 1024) + 0.5 * _ramp(short, 1024, 1440)
    faults = [
        (1 - pixels, f"only {short} pixels on the short side" if short < 1024 else f"{short} pixels, 2K is better")
    ]
    if facts.iso:
        faults.append((0.5 * _ramp(facts.iso, 1600, 12800), f"noise at ISO {facts.iso}"))
    faults.append((0.5 * _ramp(seen("dark_share"), 0.5, 0.95), "large parts without any detail"))
    faults.append((0.6 * _ramp(seen("sharpness"), 0.25, 0.08), "hardly anything is sharp"))
    score = 1.0
    for loss, _ in faults:
        score *= 1 - loss
    worst = max(faults)
    return Score(score, worst[1] if worst[0] > 0.1 else f"{size[0]} x {size[1]} pixels, sharp and clean")
