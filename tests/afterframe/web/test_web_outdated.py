"""A clip whose photo or folder says something else than when it was made."""

from __future__ import annotations

from pathlib import Path

import pytest
from web_fixtures import Desk, make_desk  # noqa: F401 - a fixture

from afterframe.domain import Clip, Verdict
from afterframe.intake.ingest import RenderRequest
from factories import make_clip


@pytest.fixture
def clip(desk: Desk) -> Clip:
    """A clip that was made of a photo without a word."""
    path = desk.photo()
    (job,) = desk.services.ingest.request(path, RenderRequest({"fps": 12}))
    claimed = desk.services.queue.claim("worker")
    assert claimed
    photo = desk.services.catalog.photo_at(path)
    assert photo
    clip = make_clip(photo, recipe=job.recipe)
    desk.services.catalog.put_clip(clip)
    desk.services.queue.finish(job.id, clip.id)
    return clip


def caption(desk: Desk, clip: Clip, words: str) -> None:
    desk.services.catalog.renew_facts(clip.photo_id, {"caption": words}, words_changed=True)


def test_nothing_is_offered_while_nothing_has_changed(desk: Desk, clip: Clip) -> None:
    assert desk.good("GET", f"/api/clips/{clip.id}/outdated") == {"outdated": []}


def test_changed_words_and_settings_are_told(desk: Desk, clip: Clip) -> None:
    caption(desk, clip, "A lighthouse")
    assert desk.good("GET", f"/api/clips/{clip.id}/outdated") == {"outdated": ["words"]}
    (desk.watched / "afterframe.toml").write_text("motion_intensity = 0.2")
    assert desk.good("GET", f"/api/clips/{clip.id}/outdated") == {"outdated": ["words", "settings"]}
    (desk.watched / "afterframe.toml").unlink()
    caption(desk, clip, "")
    assert desk.good("GET", f"/api/clips/{clip.id}/outdated") == {"outdated": []}


def test_settings_that_cannot_be_read_are_an_error_that_names_the_file(desk: Desk, clip: Clip) -> None:
    (desk.watched / "afterframe.toml").write_text("motion_intensity = ")
    assert desk.bad("GET", f"/api/clips/{clip.id}/outdated")[0] == 400


def test_nothing_is_offered_for_a_clip_that_was_found(desk: Desk) -> None:
    found = desk.clip("b.jpg", id="found")
    caption(desk, found, "A lighthouse")
    assert desk.good("GET", "/api/clips/found/outdated") == {"outdated": []}
    assert desk.bad("POST", "/api/clips/found/renew") == (409, "wrong_state")


def test_it_is_made_again_with_what_was_asked_for(desk: Desk, clip: Clip) -> None:
    (desk.watched / "afterframe.toml").write_text("motion_intensity = 0.2\nfps = 20")
    (render,) = desk.good("POST", f"/api/clips/{clip.id}/renew")["renders"]
    assert (render["recipe"]["motion_intensity"], render["recipe"]["fps"]) == (0.2, 12)
    assert desk.services.queue.get(render["id"]).replaces == clip.id


def test_one_that_was_judged_becomes_a_further_variant(desk: Desk, clip: Clip) -> None:
    desk.services.catalog.set_verdict(clip.id, Verdict.APPROVED, 5)
    (desk.watched / "afterframe.toml").write_text("motion_intensity = 0.2")
    (render,) = desk.good("POST", f"/api/clips/{clip.id}/renew")["renders"]
    assert desk.services.queue.get(render["id"]).replaces is None


def test_it_needs_the_photo_that_the_clip_was_made_of(desk: Desk, clip: Clip) -> None:
    Path(clip.photo_path).unlink()
    assert desk.bad("POST", f"/api/clips/{clip.id}/renew") == (422, "missing")
