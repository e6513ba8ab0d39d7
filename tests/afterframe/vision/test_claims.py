"""Clues and what follows from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterframe.clues import Clue, read_weights
from afterframe.recipe import rules
from afterframe.scene import CLAIMS, SURE, Scene
from afterframe.vision.claims import claim_clues, weigh
from photometa.facts.facts import Facts

OPEN_SKY = {
    "sky_share": 0.4,
    "sky_top": 1.0,
    "sky_luma": 0.7,
    "sky_blue": 0.6,
    "sky_detail": 0.05,
    "sky_focus": 0.6,
    "brighter_above": 0.35,
}


@given(st.floats(), st.floats(-5, 5), st.floats(0.01, 5))
def test_a_clue_is_never_weaker_than_none_or_stronger_than_full(value: float, none: float, reach: float) -> None:
    assert 0.0 <= Clue("name", "measure", none, none + reach).strength({"measure": value}, Facts()) <= 1.0


def test_a_clue_may_fall_and_may_be_a_fact() -> None:
    close = Clue("close", "subject_distance_m", 2.5, 0.8)
    assert close.strength({}, Facts(subject_distance_m=0.5)) == 1.0
    assert close.strength({}, Facts(subject_distance_m=3.0)) == 0.0
    assert close.strength({}, Facts()) == 0.0
    assert Clue("flash", "flash_fired", 0.0, 1.0).strength({}, Facts(flash_fired=True)) == 1.0


@pytest.mark.parametrize("by_nets", [True, False])
def test_every_claim_is_weighed(by_nets: bool) -> None:
    assert set(weigh({}, Facts(), by_nets=by_nets)) == set(CLAIMS)
    assert all(0 <= sure <= 1 for sure in weigh(OPEN_SKY, Facts(), by_nets=by_nets).values())


@pytest.mark.parametrize("by_nets", [True, False])
def test_an_open_sky_is_claimed_and_a_dim_wall_behind_a_face_is_not(by_nets: bool) -> None:
    assert weigh(OPEN_SKY, Facts(ev100=14.0), by_nets=by_nets)["sky"] >= SURE
    wall = {**OPEN_SKY, "sky_blue": 0.0, "sky_detail": 0.12, "brighter_above": 0.0, "face_share": 0.06, "face_count": 1}
    assert weigh(wall, Facts(ev100=6.0, flash_fired=True), by_nets=by_nets)["sky"] < SURE


def test_every_fitted_weight_belongs_to_a_clue_and_every_clue_is_fitted() -> None:
    fits = (
        (read_weights("afterframe.vision", "claims_fit.toml"), {clue.name for clue, _ in claim_clues()}),
        (rules().fitted, {clue.name for clue in rules().clues}),
    )
    for fitted, names in fits:
        assert all(set(weights.clues) == names for weights in fitted.values())


def test_a_scene_shows_only_what_it_is_sure_of() -> None:
    doubtful = Scene(measures={"sky_share": 0.4, "foliage_share": 0.3}, claims={"sky": 0.5, "leaves": 0.9})
    assert not doubtful.shows("sky")
    assert doubtful.share_of("sky") == 0.0
    assert doubtful.share_of("leaves") == 0.3
    assert Scene(measures={"sky_share": 0.4}).share_of("sky") == 0.4, "a scene that claims nothing is not doubted"
