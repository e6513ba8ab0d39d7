from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_web_pages import NASTY, Page
from web_fixtures import TOKEN, Desk, make_desk  # noqa: F401 - a fixture

from afterframe.domain import Clip, Stamp
from afterframe.generators.parallax.relief import STAYS, relief
from afterframe.imaging.frames import PreparedPhoto
from afterframe.render.pictures import VIEW_SIDE
from afterframe.vision import analyse, map_scene
from afterframe.web.pages.interactive import policy
from factories import make_photo_file, make_picture, make_recipe


def address(clip: Clip, more: str = "") -> str:
    return f"/api/clips/{clip.id}/interactive{more}"


def prepared(image: Image.Image) -> PreparedPhoto:
    pixels = np.asarray(image.convert("RGB"))
    return PreparedPhoto(surround=pixels, margin=(0, 0), scene=analyse(pixels))


def described(desk: Desk, clip: Clip, **facts: str) -> None:
    """What its photo's file says."""
    path = Path(clip.photo_path)
    desk.services.catalog.put_photo(path, Stamp.of(path.stat()), clip.photo_sha256, facts)


class Parts(HTMLParser):
    """The text inside style and script elements, and the pictures."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.inline: dict[str, str] = {}
        self.addresses: list[str] = []
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag if tag in ("style", "script") else ""
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "data-relief")]

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.inline[self._inside] = self.inline.get(self._inside, "") + data


# -- depth --------------------------------------------------------------------------------------


def test_what_is_near_is_brighter_than_what_is_far() -> None:
    sky = Image.new("RGB", (480, 320), (120, 170, 230))
    rng = np.random.default_rng(1)
    ground = Image.fromarray(rng.integers(40, 120, (160, 480, 3), np.uint8))
    sky.paste(ground, (0, 160))
    depth = relief(prepared(sky))
    assert depth.shape == (320, 480)
    assert depth.dtype == np.uint8
    assert depth[:40].mean() < depth[-40:].mean() - 40


def test_the_subject_stays_in_its_place() -> None:
    pixels = np.full((320, 480, 3), 200, np.uint8)
    rng = np.random.default_rng(2)
    pixels[90:260, 190:300] = rng.integers(0, 90, (170, 110, 3))
    photo = prepared(Image.fromarray(pixels))
    inside = map_scene(photo.surround, photo.scene).subject > 0.5
    assert inside.any()
    depth = relief(photo)
    assert abs(float(np.median(depth[inside])) - STAYS) <= 3
    assert depth.min() >= 1


def test_the_depth_of_a_huge_photo_is_small() -> None:
    depth = relief(prepared(make_picture((900, 600))))
    assert max(depth.shape) == 512


# -- routes -------------------------------------------------------------------------------------


def test_picture_and_depth_have_the_clips_shape_and_are_kept(desk: Desk) -> None:
    clip = desk.clip("wide.jpg", recipe=make_recipe(size=(160, 90)))
    picture = desk.ask("GET", address(clip, "/picture"))
    assert (picture.status_code, picture.mimetype) == (200, "image/jpeg")
    assert "private" in picture.headers["Cache-Control"]
    with Image.open(BytesIO(picture.data)) as image:
        assert image.size == (192, 108)  # never enlarged
        assert not image.getexif()
    depth = desk.ask("GET", address(clip, "/relief"))
    with Image.open(BytesIO(depth.data)) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "L", (192, 108))
    again = desk.ask("GET", address(clip, "/relief"), headers={"If-None-Match": depth.headers["ETag"]})
    assert again.status_code == 304
    kept = sorted(file.suffix for file in (desk.services.home.cache / "views").iterdir())
    assert kept == [".jpg", ".png"]


def exif(make: str) -> bytes:
    data = Image.Exif()
    data[0x010F] = make
    return data.tobytes()


def test_a_large_photo_is_brought_down(desk: Desk) -> None:
    clip = desk.clip("large.jpg", recipe=make_recipe(size=(1280, 853)))
    photo = make_photo_file(Path(clip.photo_path), (2000, 1400), exif=exif("Ann's camera"))
    known = desk.known(photo)
    view = desk.services.pictures.view(known, clip.recipe.size)
    with Image.open(view) as image:
        assert image.size == (VIEW_SIDE, round(VIEW_SIDE * 853 / 1280))
        assert not image.getexif()


def test_the_page_shows_words_as_text_and_asks_only_this_site(desk: Desk) -> None:
    clip = desk.clip()
    described(desk, clip, title=NASTY, caption=f"</script>{NASTY} {'long ' * 800}", copyright="© “Ann”")
    response = desk.browser().get(address(clip))
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    html = response.get_data(as_text=True)
    seen = Page(html)
    assert "<img src=x onerror=alert(1)>" in seen.text
    assert "© “Ann”" in seen.text
    (picture,) = seen.all("img")
    assert (picture["alt"] or "").startswith("</script><img src=x onerror=alert(1)>")
    parts = Parts(html)
    assert parts.inline == {}
    assert all(each.startswith("/") for each in parts.addresses)
    paths = [each.partition("?")[0] for each in parts.addresses]
    assert {address(clip, part) for part in ("/picture", "/relief", ".html")} <= set(paths)
    for each in parts.addresses:
        assert "key=" in each or not each.startswith("/api/")


def test_the_file_has_everything_inside_and_its_policy_fits(desk: Desk) -> None:
    clip = desk.clip("Ä 花.jpg")
    described(desk, clip, title=NASTY, caption="</style><script>alert(1)</script>")
    shown = desk.ask("GET", address(clip, ".html"))
    assert (shown.status_code, shown.mimetype) == (200, "text/html")
    assert "Content-Disposition" not in shown.headers
    html = shown.get_data(as_text=True)
    assert str(desk.watched) not in html
    assert TOKEN not in html
    assert "://" not in html
    parts = Parts(html)
    picture, depth = (each for each in parts.addresses if each.startswith("data:image/"))
    assert len(parts.addresses) == 3  # and an empty icon, so that none is asked for
    assert base64.b64decode(picture.partition(",")[2]) == desk.ask("GET", address(clip, "/picture")).data
    assert base64.b64decode(depth.partition(",")[2]) == desk.ask("GET", address(clip, "/relief")).data
    for text in parts.inline.values():
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy()
    assert set(parts.inline) == {"style", "script"}
    (content,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)
    assert content.replace("&#39;", "'") == policy()
    assert shown.headers["Content-Security-Policy"].startswith(policy())
    assert "unsafe" not in policy()


def test_the_file_is_saved_under_the_photos_name(desk: Desk) -> None:
    clip = desk.clip("Ä “花”.jpg")
    saved = desk.ask("GET", address(clip, ".html?download"))
    said = saved.headers["Content-Disposition"]
    assert said.startswith("attachment")
    assert "filename*=UTF-8''%C3%84%20%E2%80%9C%E8%8A%B1%E2%80%9D_interactive.html" in said


@pytest.mark.parametrize(("language", "words"), [("de", "Als eine Datei sichern"), ("ja", "1つのファイルに保存")])
def test_it_speaks_the_readers_language(desk: Desk, language: str, words: str) -> None:
    clip = desk.clip()
    page = desk.browser().get(address(clip), headers={"Accept-Language": language}).get_data(as_text=True)
    assert f'<html lang="{language}">' in page
    assert words in page


def test_what_cannot_be_shown_is_told_on_a_page(desk: Desk) -> None:
    clip = desk.clip()
    browser = desk.browser()
    unknown = browser.get("/api/clips/nothing/interactive")
    assert (unknown.status_code, unknown.mimetype) == (404, "text/html")
    make_photo_file(Path(clip.photo_path), seed=99)
    desk.known(Path(clip.photo_path))
    for more in ("", ".html?download"):
        response = browser.get(address(clip, more))
        assert (response.status_code, response.mimetype) == (409, "text/html")
        assert "exported again" in response.get_data(as_text=True)
        assert "Content-Disposition" not in response.headers
    Path(clip.photo_path).unlink()
    gone = browser.get(address(clip))
    assert gone.mimetype == "text/html"
    assert "is not there" in gone.get_data(as_text=True)
