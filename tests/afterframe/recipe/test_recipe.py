"""Recipes: rules, precedence, reasons, errors."""

from __future__ import annotations

from dataclasses import fields

import pytest

from afterframe.domain import CameraMovement, PhotoType, Quality, Recipe
from afterframe.errors import RecipeError
from afterframe.recipe import compose, rules, validate
from afterframe.scene import Detection, Scene
from photometa.facts.facts import Facts

SHA = "0123456789abcdef" * 4
FACE = Scene(faces=(Detection(0.4, 0.2, 0.2, 0.3),), measures={"face_share": 0.06, "face_count": 1.0})
SKY = Scene(measures={"sky_share": 0.5, "sky_top": 1.0, "horizon": 0.6, "brighter_above": 0.3, "detail": 0.4})


def recipe(facts: Facts | None = None, scene: Scene | None = None, **wishes: object) -> Recipe:
    overrides = [("your words for this photo", wishes)] if wishes else []
    return compose(facts or Facts(), scene or Scene(), (6000, 4000), photo_sha256=SHA, overrides=overrides)


def test_a_person_shown_is_never_named_in_a_prompt() -> None:
    facts = Facts(keywords=("Harbour", "zoë brown", "Ann"), persons=("Zoë Brown", "Ann", "Bo"))
    made = recipe(facts)
    assert "Harbour" in made.prompt
    said = f"{made.prompt} {made.negative_prompt} {made.because}".casefold()
    assert not any(name in said for name in ("zoë", "ann.", "ann,", "bo."))


def test_every_value_has_its_reason() -> None:
    made = recipe(scene=SKY)
    assert {field.name for field in fields(Recipe)} - {"because", "needs_description"} == set(made.because)
    assert all(all(reasons) and reasons for reasons in made.because.values())


@pytest.mark.parametrize("said", ["best", "BEST", " Best "])
def test_a_quality_is_taken_as_it_is_written(said: str) -> None:
    made = recipe(quality=said)
    assert made.quality is Quality.BEST
    assert len(made.because["quality"]) == 1
    assert recipe().quality is Quality.STANDARD


@pytest.mark.parametrize("said", ["better", "", 1, True, None])
def test_a_quality_that_there_is_not_is_refused(said: object) -> None:
    with pytest.raises(RecipeError, match="fast, standard, best"):
        recipe(quality=said)


@pytest.mark.parametrize("kind", PhotoType)
def test_each_type_stays_in_its_range_of_durations(kind: PhotoType) -> None:
    low, high = rules().types[kind].duration_s
    assert low <= recipe(photo_type=str(kind)).duration_s <= high


def test_a_face_makes_a_portrait_with_a_push_in() -> None:
    made = recipe(scene=FACE)
    assert made.photo_type is PhotoType.PORTRAIT
    assert made.camera_movement is CameraMovement.PUSH_IN


def test_open_sky_makes_it_environmental() -> None:
    assert recipe(scene=SKY).photo_type is PhotoType.ENVIRONMENTAL


def test_written_words_outweigh_the_pixels() -> None:
    assert recipe(Facts(caption="Kart race in the rain"), SKY).photo_type is PhotoType.ACTION


def test_the_strongest_word_wins_and_is_named() -> None:
    made = compose(
        Facts(),
        Scene(),
        (600, 400),
        photo_sha256=SHA,
        overrides=[
            ("your words for this photo", {"duration_s": 3}),
            ("your config", {"duration_s": 9, "fps": 30}),
        ],
    )
    assert (made.duration_s, made.fps) == (3.0, 30)
    assert made.because["duration_s"] == ("your words for this photo",)
    assert made.because["fps"] == ("your config",)


@pytest.mark.parametrize(
    ("photo", "size"),
    [((6000, 4000), (1280, 854)), ((4000, 6000), (854, 1280)), ((801, 601), (800, 600)), ((1, 1), (2, 2))],
)
def test_the_size_is_the_photos_shape_even_and_never_larger(photo: tuple[int, int], size: tuple[int, int]) -> None:
    assert compose(Facts(), Scene(), photo, photo_sha256=SHA).size == size


def test_an_explicit_size_is_exact() -> None:
    assert recipe(size=[1080, 1920]).size == (1080, 1920)
    assert recipe(size="1080x1920").size == (1080, 1920)


def test_the_seed_comes_from_the_photo() -> None:
    assert recipe().seed == 0x01234567


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("motion_intensity", 1.5),
        ("motion_intensity", True),
        ("duration_s", "long"),
        ("duration_s", float("nan")),
        ("camera_movement", "zoom"),
        ("size", [1081, 1920]),
        ("size", "big"),
        ("fps", 24.5),
        ("loop", 1),
        ("seed", -1),
        ("prompt", 7),
    ],
)
def test_a_bad_value_names_the_field_the_range_and_who_said_it(field: str, value: object) -> None:
    with pytest.raises(RecipeError) as refused:
        validate([("afterframe.toml of this folder", {field: value})])
    assert field in refused.value.message
    assert "must be" in refused.value.message
    assert refused.value.message.startswith("afterframe.toml of this folder: ")


def test_an_unknown_setting_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RecipeError) as refused:
        recipe(motion=0.5)
    assert "motion" in refused.value.message
    assert "motion_intensity" in refused.value.hint


def test_the_photographers_words_lead_the_prompt() -> None:
    prompt = recipe(Facts(caption="Bell in the last corner", keywords=("BTCC", "Brands Hatch"))).prompt
    assert prompt.startswith("Bell in the last corner. BTCC, Brands Hatch.")


def test_a_description_is_needed_only_where_nobody_wrote_a_word() -> None:
    assert recipe().needs_description
    assert not recipe(Facts(caption="Bell in the last corner")).needs_description
    assert not recipe(prompt="A bell rings").needs_description


@pytest.mark.parametrize("caption", ["A long story. " * 100_000, "x" * 1_000_000])
def test_a_caption_longer_than_a_prompt_is_cut_before_motion_and_look(caption: str) -> None:
    told = recipe(Facts(caption="Waves", focal_35mm=85.0)).prompt
    made = recipe(Facts(caption=caption, focal_35mm=85.0))
    assert 1900 < len(made.prompt) <= 2000
    assert made.prompt.startswith(caption[:1800])
    assert made.prompt.endswith(f"…{told.removeprefix('Waves.')}")
    validate([("the clip", {"prompt": made.prompt})])  # so that the clip can be refined


def test_what_cameras_write_into_every_file_is_not_a_caption() -> None:
    assert "DIGITAL CAMERA" not in recipe(Facts(caption="OLYMPUS DIGITAL CAMERA")).prompt


def test_the_prompt_claims_no_time_of_day_from_a_clock_alone() -> None:
    facts = Facts(time_of_day="golden hour", time_of_day_source="clock")
    assert "golden" not in recipe(facts).prompt


@pytest.mark.parametrize(
    ("facts", "brightness", "said"),
    [
        (Facts(time_of_day="golden hour", time_of_day_source="sun", ev100=12.0), 0.4, True),
        (Facts(time_of_day="night", time_of_day_source="sun", ev100=14.3), 0.4, False),
        (Facts(time_of_day="night", time_of_day_source="sun"), 0.7, False),
        (Facts(time_of_day="midday", time_of_day_source="sun", ev100=1.0), 0.3, False),
        (Facts(time_of_day="midday", time_of_day_source="sun", contradictions=("…",)), 0.5, False),
    ],
)
def test_a_time_that_the_picture_denies_is_not_said(facts: Facts, brightness: float, said: bool) -> None:
    prompt = recipe(facts, Scene(measures={"brightness": brightness})).prompt
    assert (str(facts.time_of_day) in prompt) is said


def test_a_silhouette_before_the_sun_is_not_in_direct_sunlight() -> None:
    facts = Facts(light="hard sun", ev100=15.8)
    assert "sunlight" in recipe(facts, Scene(measures={"brightness": 0.5})).prompt
    dark = recipe(facts, Scene(measures={"brightness": 0.12})).prompt
    assert "sunlight" not in dark
    assert "against the sun" in dark
    assert "against the sun" in recipe(Facts(light="backlit", ev100=15.8), Scene()).prompt


def test_unsure_means_gentler() -> None:
    torn = Scene(measures={"face_share": 0.003, "face_count": 1.0, "apart": 0.2, "sky_share": 0.02, "contrast": 0.3})
    made = recipe(scene=torn)
    assert made.motion_intensity < rules().types[made.photo_type].motion_intensity
    assert any("unsure" in reason for reason in made.because["motion_intensity"])


def test_a_recipe_survives_json() -> None:
    made = recipe(scene=SKY)
    assert Recipe.from_dict(made.to_dict()) == made
