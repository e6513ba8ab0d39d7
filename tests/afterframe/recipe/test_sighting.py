"""What was surely seen, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from afterframe.domain import PhotoType
from afterframe.recipe import compose
from afterframe.recipe.sighting import describe
from afterframe.scene import BoundingBox, Detection, Scene
from photometa.facts.facts import Facts


def thing(label: str, x: float = 0.4, width: float = 0.2, height: float = 0.5, confidence: float = 0.9) -> Detection:
    return Detection(x, 0.3, width, height, label, confidence)


def scene(*things: Detection, faces: tuple[Detection, ...] = (), people: float = 0.95) -> Scene:
    return Scene(faces=faces, things=things, claims={"people": people, "sky": 0.0}, by_nets=True)


def within(seen: Scene) -> Scene:
    return replace(seen, subject=BoundingBox(0.0, 0.0, 1.0, 1.0))


GROUP, SEVERAL = "A group of people.", "Several chairs."


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (scene(thing("person"), thing("person", 0.1)), "Two people."),
        (scene(thing("person"), thing("person", 0.1), thing("dining table")), "Two people at a table."),
        (scene(thing("person", 0.05)), "One person, left of the centre."),
        (scene(thing("person"), thing("dog", 0.7)), "One person and a dog."),
        (scene(*[thing("person", 0.1 * n) for n in range(9)]), "A group of people."),
        (scene(*[thing("person", 0.05 * n) for n in range(15)]), "A crowd of people."),
        (scene(thing("cat", 0.0, 0.6, 0.6), people=0.0), "A cat, close, left of the centre."),
        (scene(thing("cat", confidence=0.7), people=0.0), "An animal."),
        (scene(thing("bird"), thing("bird", 0.1), people=0.0), "Two birds."),
        (scene(thing("person"), *[thing("person", 0.1 * n, confidence=0.4) for n in range(3)]), "Several people."),
        (scene(*[thing("person", 0.1 * n) for n in range(6)]), "Six people."),
        (scene(*[thing("person", 0.1 * n) for n in range(6)], thing("person", 0.7, confidence=0.4)), GROUP),
        (scene(thing("person"), thing("person", 0.1), thing("person", 0.7, confidence=0.4)), "Two people."),
        (within(scene(thing("chair"), thing("chair", 0.5), people=0.0)), "Two chairs."),
        (within(scene(thing("chair"), thing("chair", 0.5), thing("chair", 0.1, confidence=0.4), people=0.0)), SEVERAL),
        (scene(thing("umbrella"), people=0.0), ""),
        (scene(thing("person"), people=0.3), ""),
        (scene(people=0.0), ""),
    ],
)
def test_only_what_is_sure_is_said(seen: Scene, said: str) -> None:
    assert describe(seen) == said


def test_a_thing_is_named_when_it_is_the_subject() -> None:
    motorcycle = thing("motorcycle", 0.1, 0.8, 0.6)
    seen = Scene(things=(motorcycle,), subject=BoundingBox(0.1, 0.3, 0.8, 0.6), claims={"people": 0.0}, by_nets=True)
    assert describe(seen) == "A motorcycle, close."


def recipe_of(seen: Scene, facts: Facts | None = None, **wishes: object) -> tuple[str, str]:
    made = compose(facts or Facts(), seen, (600, 400), photo_sha256="ab" * 32, overrides=[("you", wishes)])
    return made.prompt, made.negative_prompt


def test_your_own_words_are_never_added_to() -> None:
    prompt, _ = recipe_of(scene(thing("person"), thing("person", 0.1)), Facts(caption="Ann and Bo"))
    assert prompt.startswith("Ann and Bo.")
    assert "Two people" not in prompt


def test_an_animals_portrait_has_no_human_face() -> None:
    prompt, negative = recipe_of(scene(thing("cat"), people=0.0), photo_type=str(PhotoType.PORTRAIT))
    assert "The animal keeps" in prompt
    assert "hair" not in prompt
    assert "extra legs" in negative
    assert "extra fingers" not in negative


def test_a_portrait_of_nobody_sure_has_no_human_face_either() -> None:
    prompt, negative = recipe_of(scene(people=0.0), photo_type="portrait")
    assert "hair" not in prompt
    assert "extra fingers" not in negative


def test_where_people_are_no_limb_is_added() -> None:
    assert "extra limbs" in recipe_of(scene(thing("person")))[1]
    assert "limbs" not in recipe_of(scene(people=0.0), photo_type="still_life")[1]


def test_a_sky_that_is_not_sure_is_neither_said_nor_moved() -> None:
    measures = {"sky_share": 0.5, "sky_top": 1.0, "horizon": 0.6, "water_share": 0.3, "foliage_share": 0.4}
    unsure = Scene(measures=measures, claims={"sky": 0.4, "water": 0.4, "leaves": 0.4, "people": 0.0})
    prompt, _ = recipe_of(unsure, photo_type="environmental")
    for word in ("sky", "loud", "water", "eaves", "orizon"):
        assert word not in prompt
    sure = Scene(measures=measures, claims=dict.fromkeys(("sky", "water", "leaves"), 0.9) | {"people": 0.0})
    prompt, _ = recipe_of(sure, photo_type="environmental")
    for word in ("water", "loud", "eaves", "orizon"):
        assert word in prompt


NOTHING = Facts()
SKY = {"sky_share": 0.5, "horizon": 0.6, "brightness": 0.5}


def prompt_of(measures: dict[str, float], facts: Facts = NOTHING, **claims: float) -> str:
    seen = Scene(measures=measures, claims={"sky": 0.9, "people": 0.0, **claims}, by_nets=True)
    overrides = [("a test", {"photo_type": PhotoType.ENVIRONMENTAL})]
    return compose(facts, seen, (300, 200), photo_sha256="a" * 64, overrides=overrides).prompt


def test_clouds_drift_only_where_there_are_some() -> None:
    assert "Clouds drift" in prompt_of({**SKY, "sky_clouds": 0.03})
    clear = prompt_of({**SKY, "sky_clouds": 0.004})
    assert "Clouds" not in clear
    assert "horizon" in clear
    assert "Clouds" not in prompt_of({**SKY, "sky_clouds": 0.03}, sky=0.5)


def test_a_flash_does_not_light_a_street_under_the_sky() -> None:
    lit = Facts(light="flash", flash_fired=True)
    assert "direct flash" not in prompt_of(SKY, lit)
    assert "direct flash" in prompt_of(SKY, lit, sky=0.1)


def test_a_still_life_is_neither_called_close_nor_counted() -> None:
    for apart in (0.0, 0.5):
        seen = Scene(subject=BoundingBox(0.3, 0.3, 0.4, 0.4), measures={"apart": apart}, claims={"sky": 0.0})
        overrides = [("a test", {"photo_type": PhotoType.STILL_LIFE})]
        prompt = compose(Facts(), seen, (300, 200), photo_sha256="a" * 64, overrides=overrides).prompt
        assert "close" not in prompt
        assert "one thing" not in prompt.lower()
        assert ("soft" in prompt.partition("The look")[0]) == (apart > 0.1)


@pytest.mark.parametrize(("confidence", "told"), [(0.62, False), (0.8, True)])
def test_a_thing_is_a_reason_only_where_it_is_sure(confidence: float, told: bool) -> None:
    measures = {"food_share": 0.2, "food_confidence": confidence, "focus_share": 0.05, "isolation": 0.5, "apart": 0.5}
    seen = Scene(measures=measures, claims={"sky": 0.0, "people": 0.0}, by_nets=True)
    reasons = compose(Facts(), seen, (300, 200), photo_sha256="a" * 64).because["photo_type"]
    assert ("food or dishes" in reasons) == told
