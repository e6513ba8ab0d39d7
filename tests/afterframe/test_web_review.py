from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from web_fixtures import Desk, make_desk  # noqa: F401 - a fixture

from afterframe.errors import GenerateError
from afterframe.models import Failure, Stamp, Verdict
from afterframe.web.review import STATIC
from afterframe.web.words import duration, file_name, shown

NASTY = "<img src=x onerror=alert(1)>&\"'\u202egpj\n.jpg"


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def page(desk: Desk, address: str = "/") -> Page:
    response = desk.browser().get(address)
    assert response.status_code == 200
    assert response.mimetype == "text/html"
    return Page(response.get_data(as_text=True))


def test_an_empty_page_says_what_to_do(desk: Desk) -> None:
    text = page(desk).text
    assert "Export a photo into a watched folder" in text
    assert "No clip here yet" in text
    assert str(desk.watched) in text


def test_a_clip_is_shown_with_player_poster_words_and_reasons(desk: Desk) -> None:
    clip = desk.clip(rating=4, verdict=Verdict.APPROVED)
    seen = page(desk)
    (video,) = seen.all("video")
    assert video["src"] == f"/api/clips/{clip.id}/file"
    assert video["poster"] == f"/api/clips/{clip.id}/poster"
    assert video["preload"] == "none"
    assert "controls" in video
    for words in ("DSC_0042.jpg", clip.recipe.prompt, "still life", "push in", "still life: 1-2 s", "50%"):
        assert words in seen.text
    pressed = [button for button in seen.all("button") if button.get("aria-pressed") == "true"]
    assert [button.get("data-judge") or button.get("data-rate") for button in pressed] == ["approved", "4"]


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
    catalog.put_problem(broken, Stamp.of(broken.stat()), Failure("truncated", "It is cut short.", "Export again."))
    catalog.set_backlog(desk.watched, seen=True, waiting=240)
    seen = page(desk)
    for words in (
        "It broke.",
        "Mend it.",
        "about 2 min left",
        "waiting",
        "It is cut short.",
        "Export again.",
        "240 photos",
    ):
        assert words in seen.text
    assert [bar["value"] for bar in seen.all("progress")] == ["0.25"]
    buttons = seen.all("button")
    assert [button["data-retry"] for button in buttons if "data-retry" in button] == [failed.id]
    assert len([button for button in buttons if "data-cancel" in button]) == 2
    assert len([button for button in buttons if "data-confirm" in button]) == 1


def test_a_large_backlog_hides_no_refusal(desk: Desk) -> None:
    broken = desk.photo("broken.jpg")
    desk.services.catalog.put_problem(broken, Stamp.of(broken.stat()), Failure("truncated", "It is cut short."))
    desk.clock.forward(1)
    desk.services.catalog.hold({f"/archive/{number}.jpg": Stamp(1, 1) for number in range(300)})
    seen = page(desk)
    assert "It is cut short." in seen.text
    assert "/archive/1.jpg" not in seen.text


def test_names_never_become_markup(desk: Desk) -> None:
    desk.clip(NASTY.replace("/", ""))
    desk.good("POST", "/api/animate", {"photos": [str(desk.photo(f"x{NASTY}"))]})
    broken = desk.watched / f"y{NASTY}"
    desk.services.catalog.put_problem(broken, Stamp(1, 1), Failure("x", f"{NASTY} is broken.", NASTY))
    seen = page(desk)
    assert [image for image in seen.all("img") if image.get("src") == "x"] == []
    assert not any(name.startswith("on") for _, attrs in seen.tags for name in attrs)
    assert seen.text.count("<img src=x onerror=alert(1)>") >= 4
    assert "␊" in seen.text


def test_the_page_keeps_to_its_own_policy(desk: Desk) -> None:
    desk.clip()
    seen = page(desk)
    assert all(script.get("src", "").startswith("/static/") for script in seen.all("script"))  # type: ignore[union-attr]
    assert seen.all("style") == []
    assert not any("style" in attrs for _, attrs in seen.tags)
    for attrs in (attrs for _, attrs in seen.tags):
        for name in ("src", "href", "poster"):
            assert (attrs.get(name) or "/").startswith(("/", "#"))


def test_the_page_is_made_for_everybody(desk: Desk) -> None:
    desk.clip()
    seen = page(desk)
    assert seen.all("html")[0]["lang"] == "en"
    assert "width=device-width" in [meta.get("content") for meta in seen.all("meta")][1:2][0]  # type: ignore[operator]
    assert len(seen.all("h1")) == len(seen.all("main")) == 1
    ids = [attrs["id"] for _, attrs in seen.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    labels = [attrs["aria-labelledby"] for _, attrs in seen.tags if "aria-labelledby" in attrs]
    assert set(labels) <= set(ids)
    assert all(image.get("alt") is not None for image in seen.all("img"))
    assert all(button["type"] == "button" for button in seen.all("button"))


def test_older_clips_stand_on_the_next_page(desk: Desk) -> None:
    for number in range(26):
        desk.clip(f"{number:02}.jpg", id=f"{number:08}-2222-3333-4444-555555555555")
    first = page(desk)
    assert len(first.all("video")) == 24
    (older,) = [link["href"] for link in first.all("a") if link.get("rel") == "next"]
    assert older is not None
    second = page(desk, older)
    assert len(second.all("video")) == 2
    assert "Newest clips" in second.text


def test_clips_are_shown_by_verdict(desk: Desk) -> None:
    desk.clip("good.jpg", verdict=Verdict.APPROVED)
    desk.clip("bad.jpg", id="22222222-2222-3333-4444-555555555555", verdict=Verdict.REJECTED)
    seen = page(desk, "/?verdict=approved")
    assert "good.jpg" in seen.text
    assert "bad.jpg" not in seen.text
    assert desk.browser().get("/?verdict=maybe").status_code == 400


@pytest.mark.parametrize("address", ["/", "/login", "/login?code=old"])
def test_a_stranger_is_told_how_to_get_in(desk: Desk, address: str) -> None:
    desk.clip()
    response = desk.client().get(address)
    text = response.get_data(as_text=True)
    assert response.status_code == 401
    assert response.mimetype == "text/html"
    assert "afterframe status --open" in text
    assert "DSC_0042" not in text


def test_style_and_script_are_there_and_not_sent_twice(desk: Desk) -> None:
    for file in STATIC.iterdir():
        response = desk.client().get(f"/static/{file.name}")
        assert response.data == file.read_bytes()
        again = desk.client().get(f"/static/{file.name}", headers={"If-None-Match": response.headers["ETag"]})
        assert again.status_code == 304


def test_the_script_writes_no_markup_and_asks_nobody_else() -> None:
    script = (STATIC / "review.js").read_text("utf-8")
    assert not re.search(r"innerHTML\s*=[^=]|insertAdjacentHTML|document\.write|eval\(|https?://", script)


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
    assert duration(seconds) == words


def test_invisible_characters_of_a_name_are_shown() -> None:
    assert shown("a\nb\x00c\x7fd\u2028e") == "a␊b␀c\ufffdd\ufffde"
    assert shown("naïve 朝 🌅") == "naïve 朝 🌅"
    assert file_name(Path("/photos/a.jpg")) == "a.jpg"
