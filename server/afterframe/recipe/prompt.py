"""The prompt for a model.

The photographer's own words first, then the motion, then the look that the camera gave.
"""

from __future__ import annotations

from dataclasses import replace

from afterframe.domain import CameraMovement, PhotoType, Recipe
from afterframe.recipe.classify import own_words
from afterframe.recipe.rules import TypeRules
from afterframe.recipe.settings import LONGEST_PROMPT
from afterframe.recipe.sighting import animals, describe, people_count
from afterframe.scene import Scene
from photometa.facts.facts import Facts

_CAMERA_WORDS = {
    CameraMovement.STATIC: "The camera holds still.",
    CameraMovement.PUSH_IN: "A {pace} push-in.",
    CameraMovement.PULL_OUT: "A {pace} pull-back.",
    CameraMovement.PAN_LEFT: "A {pace} pan to the left.",
    CameraMovement.PAN_RIGHT: "A {pace} pan to the right.",
    CameraMovement.TILT_UP: "A {pace} tilt upwards.",
    CameraMovement.TILT_DOWN: "A {pace} tilt downwards.",
    CameraMovement.ORBIT_LEFT: "A {pace} arc around the subject to the left.",
    CameraMovement.ORBIT_RIGHT: "A {pace} arc around the subject to the right.",
    CameraMovement.HANDHELD: "Handheld, with a slight natural sway.",
}
_LIGHT_WORDS = {
    "hard sun": "clear, direct sunlight",
    "backlit": "backlit, against the sun",
    "soft": "soft, even light",
    "overcast": "overcast light",
    "shade": "cool open shade",
    "tungsten": "warm tungsten light",
    "fluorescent": "fluorescent light",
    "flash": "direct flash",
    "low light": "low light",
    "night": "night",
}
_ALONE = 0.1
"""From here on the thing in focus stands alone before its background."""
_OPEN_SKY = 0.15
"""Share of the picture from which the sky is worth a word."""
_NOTHING_SAID = "nothing was written about this photo, so it only says how it moves"
_DEPTH_WORDS = {"very shallow": "very shallow depth of field", "shallow": "shallow depth of field"}


def write_prompt(
    facts: Facts, scene: Scene, photo_type: PhotoType, type_rules: TypeRules, movement: CameraMovement
) -> tuple[str, tuple[str, ...]]:
    """The prompt and its reasons. A caption longer than a prompt may be is cut, so that motion and look are said."""
    words, look = own_words(facts), _look(facts, scene)
    parts = [_motion(scene, photo_type, type_rules), *_ambience(facts, scene, photo_type)]
    parts += [_CAMERA_WORDS[movement].format(pace=type_rules.camera_prompt), _as_photographed(look)]
    subject = _subject(facts) or _describe_scene(scene, photo_type)
    parts.insert(0, _cut(subject, LONGEST_PROMPT - len(" ".join(parts)) - 1))
    said = "your title, caption and keywords lead"
    seen = "nothing was written about this photo, so it says what was surely seen" if subject else _NOTHING_SAID
    reasons = [said if words else seen]
    if look:
        reasons.append("the look comes from the camera's facts")
    return " ".join(part for part in parts if part), tuple(reasons)


def add_description(recipe: Recipe, words: str, by: str) -> Recipe:
    """With what is in the picture said first, as somebody else than the photographer says it.

    Args:
        recipe: one that needs a description.
        words: whole sentences.
        by: who said them.
    """
    _, *others = recipe.because["prompt"]  # the first says that nothing was written
    reasons = (f"nothing was written about this photo: {by} describes what is in it", *others)
    prompt = f"{words} {recipe.prompt}"[:LONGEST_PROMPT]
    return replace(recipe, prompt=prompt, because={**recipe.because, "prompt": reasons}, needs_description=False)


def add_look(words: str, facts: Facts, scene: Scene) -> tuple[str, tuple[str, ...]]:
    """Somebody's own words, followed by the look that the camera gave, if there is room; and the reasons for it."""
    look = _look(facts, scene)
    prompt = f"{words} {_as_photographed(look)}"
    if not look or len(prompt) > LONGEST_PROMPT:
        return words, ()
    return prompt, ("the look comes from the camera's facts",)


def _cut(text: str, most: int) -> str:
    """Cut a text to at most this many characters, at the end of a word."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    return f"{kept.rpartition(' ')[0] or kept}…"


def _as_photographed(look: str) -> str:
    return f"The look stays as photographed: {look}." if look else "The look stays as photographed."


def _subject(facts: Facts) -> str:
    kept = set(own_words(facts))
    sentences = [text.strip().rstrip(".") for text in (facts.title, facts.caption) if text and text.strip() in kept]
    if len(sentences) == 2 and sentences[0].lower() in sentences[1].lower():
        sentences = sentences[1:]
    written = " ".join(f"{text}." for text in sentences).lower()
    extra = [word for word in dict.fromkeys(facts.keywords) if word in kept and _is_descriptive(word, written)]
    keywords = ", ".join(extra[:8])
    place = ", ".join(part for part in (facts.sublocation, facts.city, facts.country) if part)
    sentences = [f"{text}." for text in sentences]
    if keywords:
        sentences.append(keywords[:1].upper() + keywords[1:] + ".")
    if place and not any(place.lower() in text.lower() for text in sentences):
        sentences.append(place + ".")
    return " ".join(sentences)


def _is_descriptive(keyword: str, written: str) -> bool:
    """Not said already, and a word rather than a label for filing (years, job codes)."""
    return keyword.lower() not in written and not any(letter.isdigit() for letter in keyword)


def _describe_scene(scene: Scene, photo_type: PhotoType) -> str:
    """What can be said when the photographer wrote nothing: only what was seen for certain."""
    if seen := describe(scene):
        return seen
    if photo_type is PhotoType.ENVIRONMENTAL and scene.share_of("sky") > _OPEN_SKY:
        return "A wide view over water." if scene.share_of("water") > 0.1 else "A wide view under open sky."
    if photo_type is PhotoType.STILL_LIFE and scene.subject and scene.measures.get("apart", 0.0) >= _ALONE:
        return "The subject is sharp, what lies behind it soft."
    return ""


def _motion(scene: Scene, photo_type: PhotoType, type_rules: TypeRules) -> str:
    """How this kind of photo moves, for what is in it."""
    if photo_type is not PhotoType.PORTRAIT:
        return type_rules.motion_prompt
    people = people_count(scene)
    if people and scene.by_nets and not scene.faces:
        return type_rules.motion_prompt_turned
    if not people and (animals(scene) or (scene.by_nets and not scene.faces)):
        return type_rules.motion_prompt_animal  # what is neither human nor sure of its kind, at least
    return type_rules.motion_prompt_group if people > 1 else type_rules.motion_prompt


def _ambience(facts: Facts, scene: Scene, photo_type: PhotoType) -> list[str]:
    """What may move by itself: only out of doors, and only where it was surely found."""
    if photo_type in (PhotoType.PORTRAIT, PhotoType.STILL_LIFE):
        return []
    said = []
    night = facts.light == "night" or scene.measures.get("dark_share", 0.0) > 0.6
    if scene.share_of("sky") > _OPEN_SKY and scene.has_clouds() and not night:
        said.append("Clouds drift slowly.")
    if scene.share_of("water") > 0.05:
        said.append("The water ripples gently.")
    if scene.share_of("leaves") > 0.2:
        said.append("Leaves stir in a light wind.")
    if "horizon" in scene.measures and scene.share_of("sky") > _OPEN_SKY:
        said.append("The horizon stays where it is.")
    if people_count(scene):
        said.append("People keep their places, their shapes and their faces.")
    return said


def _look(facts: Facts, scene: Scene) -> str:
    look = []
    if facts.focal_35mm:
        look.append(f"{facts.focal_35mm:.0f} mm lens")
    if facts.depth_of_field in _DEPTH_WORDS:
        look.append(_DEPTH_WORDS[facts.depth_of_field])
    light = _light(facts, scene)
    if light in _LIGHT_WORDS:
        look.append(_LIGHT_WORDS[light])
    if facts.time_of_day and _is_the_time(facts, scene):
        look.append(facts.time_of_day)
    return ", ".join(dict.fromkeys(look))


def _light(facts: Facts, scene: Scene) -> str | None:
    """The light that the exposure implies, as far as the picture agrees."""
    light, brightness = facts.light, scene.measures.get("brightness")
    if light is None or brightness is None:
        return light
    if light == "hard sun" and brightness <= 0.22:
        return "backlit"  # a silhouette before the sun is exposed for the sun, and not lit by it
    if light == "flash" and scene.share_of("sky") > _OPEN_SKY:
        return None  # it reached no more than what is near
    return None if light in ("night", "low light") and brightness >= 0.6 else light


def _is_the_time(facts: Facts, scene: Scene) -> bool:
    """A time of day is said only if the sun proves it and nothing speaks against it: a camera's clock can be wrong."""
    if facts.time_of_day_source != "sun" or facts.contradictions:
        return False
    if facts.light in ("flash", "tungsten", "fluorescent"):
        return False
    bright = (facts.ev100 or 0.0) >= 9.0 or scene.measures.get("brightness", 0.3) > 0.6
    dark = facts.ev100 is not None and facts.ev100 < 3.0
    return not (bright if facts.time_of_day in ("night", "blue hour") else dark)
