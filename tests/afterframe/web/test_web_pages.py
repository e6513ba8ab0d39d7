from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from web_fixtures import Desk, make_desk  # noqa: F401 - a fixture

from afterframe.coco import CLASSES
from afterframe.domain import CameraMovement, Failure, PhotoType, Stamp
from afterframe.errors import GenerateError
from afterframe.intake.scoring import WEIGHTS
from afterframe.recipe import SETTINGS
from afterframe.scene import CLAIMS
from afterframe.web.api.settings import FIELDS
from afterframe.web.pages.i18n import LANGUAGES, STATES, dictionary, shown, time_left, translator
from afterframe.web.pages.pages import PAGE, ROUTES, SHORTCUTS, STATIC

NASTY = "<img src=x onerror=alert(1)>&\"'\u202egpj\n.jpg"
TEMPLATES = STATIC.parent / "templates"
SHOWN = sorted(route.rule for route in ROUTES if PAGE in route.media and route.rule != "/login")


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.data = ""
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.data += data
            self._inside = ""
        else:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def page(desk: Desk, address: str = "/", language: str = "en") -> Page:
    response = desk.browser().get(address, headers={"Accept-Language": language})
    assert response.status_code == 200
    assert response.mimetype == "text/html"
    return Page(response.get_data(as_text=True))


def test_the_first_page_leads_to_the_first_clip(desk: Desk) -> None:
    seen = page(desk)
    assert "Bring a photo to life" in seen.text
    assert str(desk.watched) in seen.text
    (first,) = [section for section in seen.all("section") if section.get("id") == "first"]
    assert "hidden" not in first
    desk.clip()
    (first,) = [section for section in page(desk).all("section") if section.get("id") == "first"]
    assert "hidden" in first


def test_the_queue_failures_refusals_and_backlog_are_shown_with_their_remedy(desk: Desk) -> None:
    photos = [str(desk.photo(f"{name}.jpg")) for name in ("first", "second", "third")]
    desk.good("POST", "/api/animate", {"photos": photos})
    queue, catalog = desk.services.queue, desk.services.catalog
    failed = queue.claim("worker/0")
    assert failed is not None
    queue.fail(failed.id, "worker/0", GenerateError("It broke.", "Mend it."))
    running = queue.claim("worker/0")
    assert running is not None
    queue.heartbeat(running.id, "worker/0", 0.25, 120)
    broken = desk.photo("broken.jpg")
    catalog.record_rejection(broken, Stamp.of(broken.stat()), Failure("truncated", "It is cut short.", "Export again."))
    desk.services.folders.set_backlog(desk.watched, seen=True, waiting=240)
    seen = page(desk, "/queue")
    for words in ("It broke.", "Mend it.", "about 2 min left", "waiting", "It is cut short.", "Export again."):
        assert words in seen.text
    assert [bar["value"] for bar in seen.all("progress")] == ["0.25"]
    buttons = seen.all("button")
    assert [button["data-retry"] for button in buttons if "data-retry" in button] == [failed.id]
    assert len([button for button in buttons if "data-cancel" in button]) == 2
    first = page(desk)
    assert "240 photos" in first.text
    assert len([button for button in first.all("button") if "data-confirm" in button]) == 1
    assert [link["data-render"] for link in first.all("a") if "data-render" in link] == [running.id]


def test_a_large_backlog_hides_no_refusal(desk: Desk) -> None:
    broken = desk.photo("broken.jpg")
    desk.services.catalog.record_rejection(broken, Stamp.of(broken.stat()), Failure("truncated", "It is cut short."))
    desk.clock.forward(1)
    desk.services.folders.hold_backlog({f"/archive/{number}.jpg": Stamp(1, 1) for number in range(300)})
    seen = page(desk, "/queue")
    assert "It is cut short." in seen.text
    assert "/archive/1.jpg" not in seen.text


def test_how_long_the_queue_may_take_is_told_once_there_is_a_pace(desk: Desk) -> None:
    names = [str(desk.photo(f"{number}.jpg")) for number in range(8)]
    desk.good("POST", "/api/animate", {"photos": names})
    assert desk.services.queue.eta_s() is None
    for _ in range(5):
        job = desk.services.queue.claim("worker/0")
        assert job is not None
        desk.clock.forward(60)
        desk.services.queue.finish(job.id, "clip")
    assert desk.services.queue.eta_s() == 180
    assert "about 3 min left" in page(desk, "/queue").text


@pytest.mark.parametrize("address", SHOWN)
def test_names_never_become_markup(desk: Desk, address: str) -> None:
    desk.clip(NASTY.replace("/", ""))
    desk.good("POST", "/api/animate", {"photos": [str(desk.photo(f"x{NASTY}"))]})
    broken = desk.watched / f"y{NASTY}"
    desk.services.catalog.record_rejection(broken, Stamp(1, 1), Failure("x", f"{NASTY} is broken.", NASTY))
    folder = desk.watched / f"z{NASTY}</script><script>alert(1)</script>".replace("/", "")
    folder.mkdir()
    desk.services.folders.put(folder, watch=False)
    seen = page(desk, address)
    assert [image for image in seen.all("img") if image.get("src") == "x"] == []
    assert not any(name.startswith("on") for _, attrs in seen.tags for name in attrs)
    assert "<img src=x onerror=alert(1)>" in seen.text
    assert "␊" in seen.text
    assert len(seen.all("script")) == 2
    assert json.loads(seen.data)["folders"][-1]["path"] == str(folder)


@pytest.mark.parametrize("address", SHOWN)
def test_pages_keep_to_their_own_policy(desk: Desk, address: str) -> None:
    seen = page(desk, address)
    kinds = {script.get("type"): script for script in seen.all("script")}
    assert set(kinds) == {"application/json", "module"}
    assert (kinds["module"]["src"] or "").startswith("/static/")
    assert seen.all("style") == []
    assert not any("style" in attrs for _, attrs in seen.tags)
    for attrs in (attrs for _, attrs in seen.tags):
        for name in ("src", "href", "poster"):
            assert (attrs.get(name) or "/").startswith(("/", "#"))


@pytest.mark.parametrize("address", SHOWN)
def test_pages_are_made_for_everybody(desk: Desk, address: str) -> None:
    seen = page(desk, address)
    assert seen.all("html")[0]["lang"] == "en"
    assert any("width=device-width" in (meta.get("content") or "") for meta in seen.all("meta"))
    assert len(seen.all("h1")) == len(seen.all("main")) == 1
    ids = [attrs["id"] for _, attrs in seen.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    labels = [attrs["aria-labelledby"] for _, attrs in seen.tags if "aria-labelledby" in attrs]
    assert set(labels) <= set(ids)
    assert all(image.get("alt") is not None for image in seen.all("img"))
    assert all(button["type"] in ("button", "submit", "reset") for button in seen.all("button"))
    assert [link["href"] for link in seen.all("a") if link.get("aria-current") == "page"] == [address]


@pytest.mark.parametrize("address", ["/", "/queue", "/settings", "/login", "/login?code=old"])
def test_a_stranger_is_told_how_to_get_in(desk: Desk, address: str) -> None:
    desk.clip()
    response = desk.client().get(address)
    text = response.get_data(as_text=True)
    assert response.status_code == 401
    assert response.mimetype == "text/html"
    assert "afterframe status --open" in text
    assert "DSC_0042" not in text


def test_sliders_go_as_far_as_the_settings_of_a_recipe(desk: Desk) -> None:
    sliders = {slider.get("name"): slider for slider in page(desk).all("input") if slider.get("type") == "range"}
    for name in ("motion_intensity", "duration_s", "style_consistency"):
        numbers = [float(str(sliders[name][key])) for key in ("min", "max", "step")]
        assert numbers == [SETTINGS[name].low, SETTINGS[name].high, SETTINGS[name].step]


def test_fields_of_a_recipe_go_as_far_as_its_settings() -> None:
    fields = {field.name.removeprefix("recipe."): field for field in FIELDS if field.name.startswith("recipe.")}
    assert fields["duration_s"].about == "0.5 to 20."
    for name, field in fields.items():
        setting = SETTINGS[name]
        assert (field.low, field.high, field.step) == (setting.low, setting.high, setting.step)
        assert field.values == setting.names


def test_style_and_scripts_are_there_and_not_sent_twice(desk: Desk) -> None:
    for file in STATIC.iterdir():
        response = desk.client().get(f"/static/{file.name}")
        assert response.data == file.read_bytes()
        again = desk.client().get(f"/static/{file.name}", headers={"If-None-Match": response.headers["ETag"]})
        assert again.status_code == 304


@pytest.mark.parametrize("script", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_scripts_write_no_markup_and_ask_nobody_else(script: Path) -> None:
    text = script.read_text("utf-8")
    forbidden = r"innerHTML\s*=[^=]|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|https?://|style="
    assert not re.search(forbidden, text)
    imported = re.findall(r'from "\./([\w-]+\.js)"|import "\./([\w-]+\.js)"', text)
    assert all((STATIC / (one or other)).is_file() for one, other in imported)


# -- languages ---------------------------------------------------------------------------------


def said() -> set[str]:
    """Every English sentence that templates and scripts say through t()."""
    found = {label for _, label in SHORTCUTS} | set(STATES.values())
    found |= {words for field in FIELDS for words in (field.label, field.about)}
    found |= {name.replace("_", " ") for name in (*CameraMovement, *PhotoType, *WEIGHTS, "source_quality")}
    found |= set(CLASSES) | set(CLAIMS) - {"indoors"}
    for file in STATIC.glob("*.js"):
        for block in re.findall(r"const (?:LABELS|FACTS|OWN) = \{(.+?)\};", file.read_text("utf-8"), re.DOTALL):
            found |= set(re.findall(r'\w+: "([^"]+)"', block))
    for file in (*TEMPLATES.glob("*.html"), *STATIC.glob("*.js"), *STATIC.parent.rglob("*.py")):
        found |= {text for _, text in re.findall(r"\bt\(\s*(['\"])((?:(?!\1).)+)\1", file.read_text("utf-8"))}
    return found


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_sentence_is_translated_with_the_same_values(language: str) -> None:
    known = dictionary(language)
    missing = said() - known.keys()
    assert missing == set()
    for english, own in known.items():
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", own)), english
        assert own.strip()


def test_the_reader_s_language_is_used_and_can_be_chosen(desk: Desk) -> None:
    german = page(desk, language="de-AT,de;q=0.9,en;q=0.5")
    assert german.all("html")[0]["lang"] == "de"
    assert dictionary("de")["Folders"] in german.text
    assert page(desk, language="fr").all("html")[0]["lang"] == "en"
    browser = desk.browser()
    browser.set_cookie("afterframe_language", "ja")
    assert dictionary("ja")["Folders"] in browser.get("/").get_data(as_text=True)
    browser.set_cookie("afterframe_language", "../../x")
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (3, "a few seconds left"),
        (44, "about 40 s left"),
        (150, "about 2 min left"),
        (7200, "about 2.0 h left"),
    ],
)
def test_an_eta_is_told_roughly(seconds: float | None, words: str) -> None:
    assert time_left(seconds, translator("en")) == words


def test_invisible_characters_of_a_name_are_shown() -> None:
    assert shown("a\nb\x00c\x7fd\u2028e") == "a␊b␀c\ufffdd\ufffde"
    assert shown("naïve 朝 🌅") == "naïve 朝 🌅"
