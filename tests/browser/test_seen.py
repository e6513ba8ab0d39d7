"""What was seen in a photo, over it and in words, in a real browser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from browser_studio import Studio, Watched
from faults_processes import until
from PIL import ExifTags, Image
from playwright.sync_api import Browser, Page, expect
from test_browser_review import findings, focus_first

from afterframe.domain import Clip
from afterframe.scene import BoundingBox, Detection, Scene
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database

pytestmark = pytest.mark.slow

FACE = Detection(0.55, 0.2, 0.1, 0.15, "face", 0.93)
SCENE = Scene(
    faces=(FACE,),
    subject=BoundingBox(0.5, 0.1, 0.3, 0.8),
    things=(Detection(0.5, 0.1, 0.3, 0.8, "person", 0.9), Detection(0.02, 0.6, 0.2, 0.3, "cat", 0.8)),
    measures={"horizon": 0.4, "sky_share": 0.4},
    claims={"sky": 0.9, "people": 0.95},
    by_nets=True,
)
WHOLE = BoundingBox(0, 0, 1, 1)

PLACES = """
() => {
  const photo = document.querySelector("#stage-photo");
  const box = photo.getBoundingClientRect();
  const scale = Math.min(box.width / photo.naturalWidth, box.height / photo.naturalHeight);
  const wide = photo.naturalWidth * scale, high = photo.naturalHeight * scale;
  const left = box.left + (box.width - wide) / 2, top = box.top + (box.height - high) / 2;
  const face = document.querySelector(".mark.face").getBoundingClientRect();
  return [(face.left - left) / wide, (face.top - top) / high, face.width / wide, face.height / high];
}
"""
"""Where the mark of the face lies in the picture as the browser draws it, in shares of it."""


def seen(studio: Studio, clip: Clip, scene: Scene, size: tuple[int, int]) -> None:
    database = Database(studio.home.database)
    Catalog(database).renew_scene(clip.photo_id, clip.photo_sha256, scene, size)
    database.close()


def place_of_face(page: Page, part: BoundingBox = WHOLE) -> None:
    """The mark lies on the face, in a picture that shows a part of the photo."""
    x, y = (FACE.x - part.x) / part.width, (FACE.y - part.y) / part.height
    expected = (x, y, FACE.width / part.width, FACE.height / part.height)
    expect(page.locator(".mark.face")).to_be_visible()
    until(lambda: page.evaluate(PLACES) == pytest.approx(expected, abs=0.012), "the mark to lie on the face")


@pytest.mark.parametrize("width", [1280, 390])
def test_what_was_seen_lies_over_the_photo_where_it_was_seen(
    studio: Studio, browser: Browser, watched: Watched, width: int
) -> None:
    upright, turned = studio.clips(2, names=["turned.jpg", "upright.jpg"])[::-1]
    seen(studio, upright, SCENE, (192, 128))
    seen(studio, turned, SCENE, (192, 128))
    studio.start()
    context = browser.new_context(viewport={"width": width, "height": 800}, locale="en-GB")
    page = context.new_page()
    watched.watch(page)
    studio.enter(page)
    focus_first(page)
    page.keyboard.press("Enter")
    expect(page.locator("#stage-photo")).to_have_js_property("complete", True)
    expect(page.locator(".mark")).to_have_count(0)  # nobody asked
    page.keyboard.press("o")
    expect(page.locator(".mark")).to_have_count(5)
    expect(page.get_by_role("button", name="What was seen")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#seen-says")).to_have_text("1 × face, 1 × person, 1 × cat, Horizon")
    place_of_face(page)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#detail-name")).to_have_text("turned.jpg")
    place_of_face(page)
    page.reload()
    focus_first(page)
    page.keyboard.press("Enter")
    expect(page.locator(".mark")).to_have_count(5)  # it stays as it was for the session
    page.locator("#seen summary").click()
    expect(page.locator("#seen")).to_contain_text("at the top")
    assert findings(page) == []
    page.keyboard.press("o")
    expect(page.locator(".mark")).to_have_count(0)
    context.close()


def test_marks_fit_a_photo_that_stands_upright_by_its_orientation_and_one_cropped_as_its_clip(
    studio: Studio, page: Page
) -> None:
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    (clip,) = studio.clips(1, exif=turned)
    seen(studio, clip, replace(SCENE, subject=None), (128, 192))
    studio.start()
    studio.enter(page)
    focus_first(page)
    page.keyboard.press("Enter")
    page.keyboard.press("o")
    expect(page.locator("#stage-photo")).to_have_js_property("naturalHeight", 192)
    place_of_face(page)
    part = studio.ask(f"/api/clips/{clip.id}/seen")["seen"]["frame"]
    assert part["height"] < 0.5  # a landscape clip of a portrait
    page.keyboard.press("c")
    expect(page.locator("#stage-photo")).to_have_js_property("naturalHeight", 128)
    place_of_face(page, BoundingBox(**part))
    page.keyboard.press("c")
    page.keyboard.press("o")
    page.keyboard.press("o")  # with the clip alone there is no photo to mark
    expect(page.locator("#stage")).to_have_attribute("data-mode", "side")
    place_of_face(page)


def test_a_photo_that_nobody_looked_at_is_looked_at_when_it_is_to_be_shown(studio: Studio, page: Page) -> None:
    (clip,) = studio.clips(1)
    studio.start()
    studio.enter(page)
    focus_first(page)
    page.keyboard.press("Enter")
    expect(page.locator("#stage-photo")).to_have_js_property("complete", True)
    assert studio.ask(f"/api/clips/{clip.id}/context")["seen"] is None
    page.locator("#seen summary").click()
    expect(page.locator("#seen")).to_contain_text("Seen by")
    assert studio.ask(f"/api/clips/{clip.id}/context")["seen"]
    assert Path(clip.photo_path).is_file()
