"""Which photo a clip may end with."""

from __future__ import annotations

from pathlib import Path

import pytest
from web_fixtures import Desk, make_desk  # noqa: F401 - a fixture

from factories import make_photo_file, make_recipe


def test_a_clip_may_end_with_a_photo_of_our_folders_alone(desk: Desk) -> None:
    first, second = desk.photo(), desk.photo("DSC_0043.jpg")
    order = {"photos": [str(first)], "recipe": {"end_photo": str(second)}}
    (render,) = desk.good("POST", "/api/animate", order)["renders"]
    assert render["recipe"]["end_photo"] == str(second)
    outside = make_photo_file(desk.outside / "secret.jpg")
    for path, code in (
        (str(outside), "not_allowed"),
        (str(first.parent / ".." / desk.outside.name / "secret.jpg"), "not_allowed"),
        (str(first.parent / "gone.jpg"), "missing"),
        ("DSC_0043.jpg", "relative_path"),
    ):
        (refused,) = desk.good("POST", "/api/animate", {**order, "recipe": {"end_photo": path}})["refused"]
        assert refused["reason"]["code"] == code


def test_a_link_out_of_the_folders_leads_nowhere(desk: Desk) -> None:
    first, outside = desk.photo(), make_photo_file(desk.outside / "secret.jpg")
    link = first.with_name("link.jpg")
    link.symlink_to(outside)
    order = {"photos": [str(first)], "recipe": {"end_photo": str(link)}}
    (refused,) = desk.good("POST", "/api/animate", order)["refused"]
    assert refused["reason"]["code"] == "not_allowed"


def test_a_refinement_is_checked_as_well(desk: Desk) -> None:
    outside = make_photo_file(desk.outside / "secret.jpg")
    clip = desk.clip(recipe=make_recipe(end_photo=str(outside)))
    assert desk.bad("POST", f"/api/clips/{clip.id}/refine", {"changes": {"fps": 12}}) == (403, "not_allowed")
    changes = {"changes": {"end_photo": str(outside)}}
    assert desk.bad("POST", f"/api/clips/{clip.id}/refine", changes) == (403, "not_allowed")
    (render,) = desk.good("POST", f"/api/clips/{clip.id}/extend", {"seconds": 1})["renders"]
    assert render["recipe"]["end_photo"] == ""


@pytest.mark.parametrize("end", ["DSC_0043.jpg", "/etc/passwd"])
def test_a_folder_cannot_name_it_for_all_its_photos(desk: Desk, end: str) -> None:
    first = desk.photo()
    (first.parent / "afterframe.toml").write_text(f'end_photo = "{end}"')
    (refused,) = desk.good("POST", "/api/animate", {"photos": [str(first)]})["refused"]
    assert refused["reason"]["code"] == "setting_out_of_range"
    assert Path(refused["path"]) == first
