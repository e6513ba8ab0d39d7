"""Verdicts on the page reach the clip that is looked at, whatever comes, goes or moves meanwhile."""

from __future__ import annotations

import pytest
from browser_studio import Studio, Watched
from faults_processes import until
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow
CLIPS = 6


def focused(page: Page) -> str:
    """The photo's name in the tile that has the focus."""
    return str(page.evaluate("document.activeElement.getAttribute('aria-label') ?? ''")).partition(",")[0]


def go_to(page: Page, place: int) -> str:
    """Focus the tile at a place of the list; its photo's name."""
    expect(page.locator(".tile:not(.blank)").first).to_be_visible()
    page.evaluate("document.querySelector('.tile').focus()")
    page.keyboard.press("Home")
    for _ in range(place):
        page.keyboard.press("ArrowRight")
    return focused(page)


def approved(studio: Studio) -> list[str]:
    clips = studio.ask("/api/clips?limit=200")["clips"]
    return sorted(clip["photo"].rpartition("/")[2] for clip in clips if clip["verdict"] == "approved")


def arrive(studio: Studio, name: str) -> None:
    """One more clip is made, as by an export."""
    before = len(studio.ask("/api/clips?limit=200")["clips"])
    studio.photo(name)
    until(lambda: len(studio.ask("/api/clips?limit=200")["clips"]) > before, "the clip", 60)


def test_a_clip_that_comes_while_one_judges_waits_behind_a_button(studio: Studio, page: Page) -> None:
    studio.clips(CLIPS)
    studio.start()
    studio.enter(page)
    name = go_to(page, 2)
    arrive(studio, "zz_new.jpg")
    expect(page.get_by_role("button", name="One new clip")).to_be_visible()
    assert focused(page) == name
    page.keyboard.press("p")
    until(lambda: approved(studio) == [name], "the verdict")
    page.get_by_role("button", name="One new clip").click()
    expect(page.get_by_role("option", name="zz_new.jpg")).to_be_visible()
    expect(page.get_by_role("button", name="One new clip")).to_be_hidden()


@pytest.mark.parametrize("gone", [0, 2], ids=["before it", "itself"])
def test_the_focus_stays_with_its_clip_when_another_leaves_and_goes_to_the_next_when_it_leaves(
    studio: Studio, page: Page, watched: Watched, gone: int
) -> None:
    watched.allowed += ["404"]  # a picture of the clip that leaves
    studio.clips(CLIPS)
    studio.start()
    studio.enter(page)
    names = [go_to(page, place) for place in range(4)]
    assert go_to(page, 2) == names[2]
    stem = names[gone].removesuffix(".jpg")
    (studio.photos / f"{stem}_motion.mp4").unlink()
    expect(page.get_by_role("option", name=names[gone])).to_have_count(0, timeout=40_000)
    stays = names[2] if gone == 0 else names[3]
    until(lambda: focused(page) == stays, "the focus")
    page.keyboard.press("p")
    until(lambda: approved(studio) == [stays], "the verdict")


@pytest.mark.parametrize("choice", ["/", "/?verdict=none"], ids=["all", "to review"])
def test_the_detail_goes_on_from_its_clip_when_others_have_come(studio: Studio, page: Page, choice: str) -> None:
    studio.clips(CLIPS)
    studio.start()
    studio.enter(page, choice)
    names = [go_to(page, place) for place in range(4)]
    page.get_by_role("option", name=names[1]).click()
    expect(page.locator("#detail-name")).to_have_text(names[1])
    arrive(studio, "zz_new.jpg")
    arrive(studio, "zz_newer.jpg")
    page.keyboard.press("Shift+P")
    expect(page.locator("#detail-name")).to_have_text(names[2])
    page.keyboard.press("Shift+P")
    expect(page.locator("#detail-name")).to_have_text(names[3])
    until(lambda: approved(studio) == sorted(names[1:3]), "the verdicts")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#detail-name")).to_have_text(names[2] if choice == "/" else names[0])


def test_the_keys_live_on_after_another_variant_was_chosen(studio: Studio, page: Page) -> None:
    studio.photo()
    studio.start()
    studio.enter(page)
    page.locator(".tile").click(timeout=40_000)
    clip = studio.ask("/api/clips")["clips"][0]["id"]
    studio.ask(f"/api/clips/{clip}/refine", {"changes": {"camera_movement": "pan_left"}})
    expect(page.locator("#strip [data-variant]")).to_have_count(2, timeout=40_000)
    shown = page.locator('#strip [aria-current="true"]')
    page.keyboard.press("v")
    first = shown.get_attribute("data-variant")
    for key, verdict in (("p", "approved"), ("x", "rejected")):
        page.keyboard.press(key)
        clips = "/api/clips?limit=200"
        until(
            lambda: any(c["id"] == first and c["verdict"] == verdict for c in studio.ask(clips)["clips"]),  # noqa: B023
            "the verdict",
        )
    page.keyboard.press("v")
    expect(shown).not_to_have_attribute("data-variant", first or "")
    page.locator("#strip [data-variant]").first.click()
    page.keyboard.press("c")
    expect(page.locator("#detail .stage")).to_be_visible()
