"""Another seed for a render that does not look right, in one request."""

from __future__ import annotations

import pytest
from web_fixtures import Desk, make_desk  # noqa: F401 - a fixture

from afterframe.intake.composition import Basis


def ordered(desk: Desk, photo: str, **overrides: object) -> dict[str, object]:
    (render,) = desk.good("POST", "/api/animate", {"photos": [photo], "recipe": overrides})["renders"]
    return render


def test_another_seed_stops_a_render_and_begins_the_same_clip_before_all_others(desk: Desk) -> None:
    photo = str(desk.photo())
    first = ordered(desk, photo, prompt="waves", seed=7)
    ordered(desk, str(desk.photo("DSC_0043.jpg")))
    assert desk.services.queue.claim("studio/0").id == first["id"]
    fresh = desk.good("POST", f"/api/renders/{first['id']}/reseed")
    assert desk.good("GET", f"/api/renders/{first['id']}")["cancelling"]
    assert fresh["state"] == "queued"
    assert fresh["recipe"]["seed"] != 7
    assert fresh["recipe"]["because"]["seed"] == ["another seed, as you asked"]
    assert fresh["recipe"]["prompt"] == "waves"
    assert desk.services.queue.claim("studio/1").id == fresh["id"]
    basis = Basis.from_dict(desk.services.queue.get(fresh["id"]).basis or {})
    assert basis.overrides["seed"] == fresh["recipe"]["seed"]  # it stays when words come late
    assert basis.overrides["prompt"] == "waves"


def test_parallax_moves_in_another_way_for_its_seeds_look_alike(desk: Desk) -> None:
    first = ordered(desk, str(desk.photo()), camera_movement="push_in")
    fresh = desk.good("POST", f"/api/renders/{first['id']}/reseed")
    assert desk.good("GET", f"/api/renders/{first['id']}")["state"] == "cancelled"
    assert fresh["recipe"]["camera_movement"] != "push_in"


@pytest.mark.parametrize("state", ["cancelled", "queued"])
def test_what_has_ended_or_not_begun_may_have_another_seed_too(desk: Desk, state: str) -> None:
    first = ordered(desk, str(desk.photo()))
    if state == "cancelled":
        desk.services.queue.cancel(str(first["id"]))
    fresh = desk.good("POST", f"/api/renders/{first['id']}/reseed")
    assert fresh["id"] != first["id"]
    assert desk.good("GET", "/api/queue")["depth"] == 1


def test_a_photo_that_changed_meanwhile_is_told(desk: Desk) -> None:
    photo = desk.photo()
    first = ordered(desk, str(photo))
    photo.unlink()
    assert desk.bad("POST", f"/api/renders/{first['id']}/reseed")[0] >= 400
    assert desk.good("GET", f"/api/renders/{first['id']}")["state"] == "queued"
