"""Facts, what is seen, the rules and the user's words -> Recipe.

Pure: the same input gives the same recipe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from afterframe.domain import CameraMovement, Direction, PhotoType, Quality, Recipe
from afterframe.recipe.classify import Classification, classify, own_words
from afterframe.recipe.prompt import add_look, write_prompt
from afterframe.recipe.rules import Rules, TypeRules, rules
from afterframe.recipe.settings import Overrides, read_setting
from afterframe.recipe.sighting import animals, people_count
from afterframe.scene import Scene
from photometa.facts.facts import Facts

Because = dict[str, tuple[str, ...]]
_MOVEMENTS = (
    CameraMovement.PUSH_IN,
    CameraMovement.ORBIT_RIGHT,
    CameraMovement.ORBIT_LEFT,
    CameraMovement.PULL_OUT,
    CameraMovement.PAN_RIGHT,
    CameraMovement.PAN_LEFT,
)
"""What further variants choose from."""


@dataclass(frozen=True, slots=True)
class _Override:
    value: Any
    source: str


def compose(
    facts: Facts,
    scene: Scene,
    photo_size: tuple[int, int],
    *,
    photo_sha256: str,
    overrides: Overrides = (),
    look: bool = False,
) -> Recipe:
    """Decide everything about a clip, each value with its reason.

    Args:
        facts: what the photo's file says.
        scene: what is seen in it.
        photo_size: upright (width, height), pixels.
        photo_sha256: of the photo's bytes, hexadecimal; the default seed comes from it.
        overrides: (who said it, recipe fields), strongest first; ``long_side`` is one, too.
        look: add the look that the camera gave to an overriding prompt.

    Raises:
        RecipeError: an override is unknown, of the wrong type or out of range.
    """
    given = _strongest(overrides)
    book = rules()
    verdict, because = _photo_type(facts, scene, given, book)
    values = _by_rule(facts, scene, verdict, book, because)
    values["size"] = _size(photo_size, given, book, because)
    values["seed"] = int(photo_sha256[:8], 16) & 0x7FFFFFFF
    because["seed"] = ("from the photo itself, so that the same photo gives the same clip",)
    for name, override in given.items():
        if name in values and name != "size":
            values[name] = override.value
            because[name] = (override.source,)
    recipe = _worded(Recipe(photo_type=verdict.photo_type, **values, because=because), facts, scene, given, book)
    return _with_look(recipe, facts, scene) if look and "prompt" in given else recipe


def another_movement(recipe: Recipe, index: int) -> CameraMovement:
    """How the camera moves in a further variant (from 1) of a clip."""
    others = [movement for movement in _MOVEMENTS if movement is not recipe.camera_movement]
    return others[(index - 1) % len(others)]


def add_reason(recipe: Recipe, name: str, reason: str) -> Recipe:
    """The recipe with one more reason for a value."""
    return replace(recipe, because={**recipe.because, name: (*recipe.because.get(name, ()), reason)})


def with_values(recipe: Recipe, values: Mapping[str, object], reason: str) -> Recipe:
    """The recipe with some values changed, for this reason.

    Raises:
        RecipeError: a value is of the wrong type or out of range.
    """
    read = {name: read_setting(name, value, reason) for name, value in values.items()}
    return replace(recipe, **read, because={**recipe.because, **dict.fromkeys(values, (reason,))})


def _with_look(recipe: Recipe, facts: Facts, scene: Scene) -> Recipe:
    prompt, reasons = add_look(recipe.prompt, facts, scene)
    because = {**recipe.because, "prompt": (*recipe.because["prompt"], *reasons)}
    return replace(recipe, prompt=prompt, because=because)


def _strongest(overrides: Overrides) -> dict[str, _Override]:
    given: dict[str, _Override] = {}
    for source, values in overrides:
        for name, value in values.items():
            override = _Override(read_setting(name, value, source), source)
            given.setdefault(name, override)
    return given


def _photo_type(
    facts: Facts, scene: Scene, given: Mapping[str, _Override], book: Rules
) -> tuple[Classification, Because]:
    if override := given.get("photo_type"):
        verdict = Classification(override.value, override.value, 1.0, (override.source,))
    else:
        verdict = classify(facts, scene, book)
    return verdict, {"photo_type": verdict.reasons}


def _by_rule(facts: Facts, scene: Scene, verdict: Classification, book: Rules, because: Because) -> dict[str, Any]:
    chosen = book.types[verdict.photo_type]
    because["style_consistency"] = (chosen.style_because,)
    because["fps"] = (f"{book.fps} frames a second, as in film",)
    because["loop"] = ("a clip plays once unless you ask for a loop",)
    because["direction"] = ("the photo is the first moment",)
    because["quality"] = ("the usual balance of time and quality",)
    because["variants"] = ("one clip of each photo",)
    because["takes"] = ("one take is made and kept",)
    because["extends"] = ("it begins with its photo, not with a clip",)
    because["end_photo"] = ("the clip ends where its own movement ends",)
    because["exact_photo"] = ("the clip begins with your photo, not with a model's copy of it",)
    return {
        "prompt": "",
        "negative_prompt": _negative(scene, verdict, book, because),
        "motion_intensity": _intensity(facts, verdict, book, because),
        "style_consistency": chosen.style_consistency,
        "camera_movement": _movement(scene, chosen, because),
        "duration_s": _duration(facts, scene, chosen, because),
        "fps": book.fps,
        "loop": False,
        "direction": Direction.AFTER,
        "quality": Quality.STANDARD,
        "variants": 1,
        "takes": 1,
        "end_photo": "",
        "exact_photo": True,
    }


def _negative(scene: Scene, verdict: Classification, book: Rules, because: Because) -> str:
    """What must not happen: for people and animals, where they are or may be, their shapes too."""
    found, reasons = [book.negative_prompt], ["what models get wrong most often"]
    portrait = verdict.photo_type is PhotoType.PORTRAIT
    if animals(scene):
        found.append(book.negative_animals)
        reasons.append("an animal is in it")
    if people_count(scene) or scene.faces or (portrait and not scene.by_nets):
        found.append(book.negative_people)
        reasons.append("people are in it")
    because["negative_prompt"] = tuple(reasons)
    return ", ".join(found)


def _intensity(facts: Facts, verdict: Classification, book: Rules, because: Because) -> float:
    chosen = book.types[verdict.photo_type]
    intensity, reasons = chosen.motion_intensity, [chosen.motion_because]
    if verdict.confidence < book.unsure_below:
        gentler = min(intensity, book.types[verdict.runner_up].motion_intensity) - 0.1
        intensity = max(0.3, gentler)
        reasons.append("unsure what kind of photo it is: gentler")
    if facts.exposure_s is not None and facts.exposure_s >= 0.5:
        intensity = min(intensity, 0.5)
        reasons.append(f"exposure {facts.exposure_s:g} s: what moved is already smooth, so slowly")
    because["motion_intensity"] = tuple(reasons)
    return round(intensity, 2)


def _duration(facts: Facts, scene: Scene, chosen: TypeRules, because: Because) -> float:
    duration, reasons = chosen.usual_duration_s, [chosen.duration_because]
    longest = chosen.duration_s[1]
    if facts.exposure_s is not None and facts.exposure_s >= 0.5 and duration < longest:
        duration = min(longest, duration + 1.5)
        reasons.append(f"exposure {facts.exposure_s:g} s: time flows in it, so longer")
    elif chosen.camera_movement == "drift" and scene.share_of("sky") > 0.3 and scene.has_clouds():
        duration = min(longest, duration + 1.0)
        reasons.append("much sky: clouds need time")
    because["duration_s"] = tuple(reasons)
    return duration


def _movement(scene: Scene, chosen: TypeRules, because: Because) -> CameraMovement:
    if chosen.camera_movement == "pan":
        movement, why = _heading(scene)
    elif chosen.camera_movement == "drift":
        movement, why = _drift(scene)
    else:
        movement, why = CameraMovement(chosen.camera_movement), ""
    because["camera_movement"] = tuple(reason for reason in (chosen.camera_because, why) if reason)
    return movement


def _heading(scene: Scene) -> tuple[CameraMovement, str]:
    """Photographers leave room in front of what moves: it heads for the emptier side."""
    x = scene.subject.centre[0] if scene.subject else 0.5
    if x > 0.53:
        return CameraMovement.PAN_LEFT, "the subject stands to the right, with room to move on the left"
    if x < 0.47:
        return CameraMovement.PAN_RIGHT, "the subject stands to the left, with room to move on the right"
    return CameraMovement.PUSH_IN, "the subject is in the middle, so the camera goes in with it"


def _drift(scene: Scene) -> tuple[CameraMovement, str]:
    if "horizon" in scene.measures and scene.share_of("sky") > 0.15:
        x = scene.subject.centre[0] if scene.subject else 0.5
        side = CameraMovement.PAN_LEFT if x < 0.45 else CameraMovement.PAN_RIGHT
        return side, "a horizon: the camera drifts along it"
    return CameraMovement.PUSH_IN, "no open horizon: the camera drifts in"


def _size(
    photo_size: tuple[int, int], given: Mapping[str, _Override], book: Rules, because: Because
) -> tuple[int, int]:
    if override := given.get("size"):
        because["size"] = (f"{override.source}; cropped around the subject",)
        width, height = override.value
        return int(width), int(height)
    limit, source = book.long_side, ""
    if override := given.get("long_side"):
        limit, source = override.value, override.source
    width, height = photo_size
    scale = min(1.0, limit / max(width, height))
    reason = f"the photo's shape, long side {limit}" + (f" ({source})" if source else "")
    because["size"] = (reason,) if scale < 1.0 else (reason, "never larger than the photo")
    return _even(width * scale, width), _even(height * scale, height)


def _even(side: float, at_most: int) -> int:
    """The nearest even number that the photo can fill; 2 at least."""
    nearest = 2 * round(side / 2)
    return max(2, nearest if nearest <= at_most else nearest - 2)


def _worded(recipe: Recipe, facts: Facts, scene: Scene, given: Mapping[str, _Override], book: Rules) -> Recipe:
    because = dict(recipe.because)
    if "prompt" in given:
        return replace(recipe, because=because)
    prompt, reasons = write_prompt(
        facts, scene, recipe.photo_type, book.types[recipe.photo_type], recipe.camera_movement
    )
    because["prompt"] = reasons
    return replace(recipe, prompt=prompt, because=because, needs_description=not own_words(facts))
