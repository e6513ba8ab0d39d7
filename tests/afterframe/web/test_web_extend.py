"""Clips made longer, by our own API and by the Videos protocol."""

from __future__ import annotations

import pytest
from web_fixtures import Desk, make_desk  # noqa: F401 - a fixture

from afterframe.intake.composition import Basis
from factories import make_recipe


def test_a_longer_clip_is_a_new_variant_of_the_same_settings(desk: Desk) -> None:
    clip = desk.clip(recipe=make_recipe(prompt="waves", loop=True, takes=4, size=(96, 64)))
    (render,) = desk.good("POST", f"/api/clips/{clip.id}/extend", {"seconds": 2.5})["renders"]
    recipe = render["recipe"]
    assert render["parent"] == recipe["extends"] == clip.id
    assert (recipe["duration_s"], recipe["prompt"], recipe["size"]) == (2.5, "waves", [96, 64])
    assert (recipe["loop"], recipe.get("takes", 1), recipe["seed"]) == (False, 1, clip.recipe.seed)
    job = desk.services.queue.get(render["id"])
    assert Basis.from_dict(job.basis or {}).extends == clip.id  # it stays when words come late
    (again,) = desk.good("POST", f"/api/clips/{clip.id}/extend", {"seconds": 2.5})["renders"]
    assert again["id"] == render["id"]
    (other,) = desk.good("POST", f"/api/clips/{clip.id}/extend", {"seconds": 3})["renders"]
    assert other["id"] != render["id"]


@pytest.mark.parametrize(
    ("seconds", "code"), [(0.1, "setting_out_of_range"), (21, "setting_out_of_range"), ("3", "bad_request")]
)
def test_a_part_has_a_sensible_length(desk: Desk, seconds: object, code: str) -> None:
    assert desk.bad("POST", f"/api/clips/{desk.clip().id}/extend", {"seconds": seconds}) == (400, code)


def test_a_clip_does_not_become_endless_nor_comes_back_from_the_dead(desk: Desk) -> None:
    long = desk.clip(duration_s=119.0)
    assert desk.bad("POST", f"/api/clips/{long.id}/extend", {"seconds": 3}) == (400, "too_long")
    gone = desk.clip("DSC_0050.jpg", id="22222222-2222-3333-4444-555555555555", present=False)
    assert desk.bad("POST", f"/api/clips/{gone.id}/extend", {"seconds": 3}) == (404, "file_gone")
    assert desk.bad("POST", "/api/clips/nobody/extend", {"seconds": 3})[0] == 404
