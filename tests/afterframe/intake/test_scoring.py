from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterframe.intake.scoring import WEIGHTS, Readiness, assess
from afterframe.scene import BoundingBox, Detection, Scene
from photometa.facts.facts import Facts

BIG = (4000, 3000)


def seen(**measures: float) -> Scene:
    usual = {"sharpness": 0.5, "brightness": 0.5, "contrast": 0.4, "focus_share": 0.3}
    return Scene(measures={**usual, **measures})


def mark(name: str, facts: Facts | None = None, scene: Scene | None = None, size: tuple[int, int] = BIG) -> float:
    return assess(facts or Facts(), scene or seen(), size).scores[name].score


def test_the_weights_are_shares() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "better", "worse"),
    [
        ("subject_isolation", seen(face_share=0.1), seen()),
        ("subject_isolation", seen(isolation=0.7), seen(isolation=0.1)),
        ("implied_movement", seen(water_share=0.4), seen()),
        ("implied_movement", seen(foliage_share=0.4), seen()),
        ("environmental_context", seen(sky_share=0.4), seen()),
        ("lighting_direction", seen(contrast=0.8), seen(contrast=0.2)),
        ("source_quality", seen(), seen(sharpness=0.05)),
    ],
)
def test_what_is_seen_counts(name: str, better: Scene, worse: Scene) -> None:
    assert mark(name, scene=better) > mark(name, scene=worse) + 0.15


@pytest.mark.parametrize(
    ("name", "better", "worse"),
    [
        ("temporal_cues", Facts(time_of_day="golden hour", time_of_day_source="sun"), Facts()),
        (
            "temporal_cues",
            Facts(time_of_day="golden hour", time_of_day_source="sun"),
            Facts(time_of_day="golden hour", time_of_day_source="clock"),
        ),
        ("lighting_direction", Facts(sun_elevation_deg=6.0), Facts(light="overcast")),
        ("implied_movement", Facts(exposure_s=2.0), Facts(exposure_s=0.001)),
        ("source_quality", Facts(iso=100), Facts(iso=12800)),
    ],
)
def test_what_the_file_says_counts(name: str, better: Facts, worse: Facts) -> None:
    assert mark(name, facts=better) > mark(name, facts=worse) + 0.15


def test_a_small_source_counts_against_a_photo() -> None:
    assert mark("source_quality", size=(4000, 3000)) > mark("source_quality", size=(1500, 1100))
    assert mark("source_quality", size=(1500, 1100)) > mark("source_quality", size=(640, 480))


def test_a_clock_that_the_light_contradicts_is_not_believed() -> None:
    facts = Facts(time_of_day="night", time_of_day_source="clock", contradictions=("clock says night, light says day",))
    assert mark("temporal_cues", facts=facts) <= 0.1


def test_an_empty_sky_is_not_a_soft_background() -> None:
    (reason,) = [assess(Facts(), seen(isolation=0.8, sky_share=0.6), BIG).scores["subject_isolation"].reason]
    assert "soft background" not in reason


def test_a_soft_background_and_sharp_surroundings_are_never_said_of_one_photo() -> None:
    sharp = assess(Facts(), seen(focus_share=0.6), BIG).scores
    soft = assess(Facts(), seen(focus_share=0.6, isolation=0.5), BIG).scores
    assert "the surroundings are sharp too" in sharp["environmental_context"].reason
    assert "soft background" in soft["subject_isolation"].reason
    assert "sharp" not in soft["environmental_context"].reason


@given(
    st.dictionaries(
        st.sampled_from(["sky_share", "water_share", "face_share", "isolation", "sharpness", "blur_coherence"]),
        st.floats(0, 1),
    ),
    st.integers(64, 9000),
    st.one_of(st.none(), st.floats(1e-5, 60)),
)
def test_every_mark_is_between_0_and_1_and_has_a_reason(
    measures: dict[str, float], side: int, exposure_s: float | None
) -> None:
    found: Readiness = assess(
        Facts(exposure_s=exposure_s), Scene(subject=BoundingBox(0.1, 0.1, 0.5, 0.5), measures=measures), (side, side)
    )
    assert set(found.scores) == {*WEIGHTS, "source_quality"}
    assert all(0 <= one.score <= 1 and one.reason for one in found.scores.values())
    assert 0 <= found.score <= 1


def reason(name: str, scene: Scene, facts: Facts | None = None) -> str:
    return assess(facts or Facts(), scene, BIG).scores[name].reason


def test_only_what_is_around_it_is_named() -> None:
    assert reason("environmental_context", seen(foliage_share=0.5)).startswith("green around it")
    assert reason("environmental_context", seen(sky_share=0.2, water_share=0.5)).startswith("sky and water around it")


def test_an_animal_that_is_sure_breathes_and_a_person_who_is_not_does_not() -> None:
    duck = Detection(0.2, 0.2, 0.5, 0.5, "bird", 0.9)
    big = {"animal_share": 0.25, "animal_confidence": 0.9}
    assert "an animal that breathes" in reason("implied_movement", replace(seen(**big), things=(duck,)))
    assert "breathes" not in reason("implied_movement", seen(**big))
    people = replace(seen(person_share=0.3, face_share=0.05), claims={"people": 0.9})
    assert "a person who breathes" in reason("implied_movement", people)
    doubted = replace(people, claims={"people": 0.4})
    assert "breathes" not in reason("implied_movement", doubted)
    assert "face" not in reason("subject_isolation", doubted)


def test_no_cloud_drifts_in_a_clear_sky() -> None:
    assert "clouds" in reason("implied_movement", seen(sky_share=0.5, sky_clouds=0.03))
    assert "clouds" not in reason("implied_movement", seen(sky_share=0.5, sky_clouds=0.002))


def test_birds_on_a_lake_stand_out_against_water_not_before_a_soft_background() -> None:
    told = reason("subject_isolation", seen(isolation=0.6, water_share=0.6))
    assert "against the water" in told
    assert "soft background" not in told


def test_a_camera_s_clock_that_says_night_in_daylight_is_not_believed() -> None:
    night = Facts(time_of_day="night", time_of_day_source="clock", ev100=11.0)
    assert "night" not in reason("temporal_cues", seen(), night)
    assert "night" in reason("temporal_cues", seen(), replace(night, ev100=3.0))
