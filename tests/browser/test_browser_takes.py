"""A clip seen while its model makes it, stopped and begun again, in a real browser."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from browser_studio import Studio
from faults_processes import until
from playwright.sync_api import Page, expect

sys.path.insert(0, str(Path(__file__).parents[1] / "afterframe"))  # diffusers_tiny

pytestmark = pytest.mark.slow


def render_with_a_tiny_model(studio: Studio, steps: int, **recipe: object) -> None:
    diffusers_tiny = pytest.importorskip("diffusers_tiny")
    folder = diffusers_tiny.make("wan22-5b", studio.home.root.parent / "model", steps)
    studio.settings(render={"generator": f"diffusers:{folder}"}, recipe=recipe)


@pytest.mark.timeout(240)
def test_steps_are_seen_and_one_press_begins_again_with_another_seed(studio: Studio, page: Page) -> None:
    render_with_a_tiny_model(studio, 2000)
    studio.photo()
    studio.start()
    studio.enter(page, "/queue")
    row = page.locator("#works li[data-state=running]")
    expect(row).to_have_count(1, timeout=120_000)
    shown = row.locator("img[data-preview]")
    page.wait_for_function(
        "() => document.querySelector('img[data-preview]')?.naturalWidth > 0"
        " && document.querySelector('img[data-preview]').naturalWidth !== 192",  # the photo's own
        timeout=120_000,
    )
    first = shown.get_attribute("src")
    expect(shown).not_to_have_attribute("src", str(first))  # it stays live
    (render,) = studio.ask("/api/queue")["renders"]
    row.get_by_role("button", name="Another seed").click()
    until(lambda: [one["id"] for one in studio.ask("/api/queue")["renders"]] not in ([], [render["id"]]), "the other")
    until(lambda: studio.ask(f"/api/renders/{render['id']}")["state"] == "cancelled", "the first to stop")
    (fresh,) = studio.ask("/api/queue")["renders"]
    assert fresh["recipe"]["seed"] != render["recipe"]["seed"]
    expect(page.locator(f"#works [data-render='{fresh['id']}']")).to_be_visible()
    page.locator(f"#works [data-cancel='{fresh['id']}']").click()
    expect(page.locator("#works li")).to_have_count(0)
    assert [file.name for file in studio.photos.iterdir()] == ["DSC_0042.jpg"]


@pytest.mark.timeout(420)
def test_takes_are_compared_and_one_that_lost_is_finished_after_all(studio: Studio, page: Page) -> None:
    render_with_a_tiny_model(studio, 2, takes=2, size=[64, 64], duration_s=0.5)
    studio.photo()
    studio.start()
    studio.enter(page)
    tile = page.locator(".tile[data-verdict=none]")
    expect(tile).to_have_count(1, timeout=300_000)
    tile.click()
    lost = page.locator("#strip .take")
    (clip,) = studio.ask("/api/clips")["clips"]
    takes = studio.ask(f"/api/clips/{clip['id']}/takes")["takes"]
    assert [take["seed"] for take in takes if take["taken"]] == [clip["seed"]]
    expect(lost).to_have_count(len(takes) - 1)
    first = next(take for take in takes if not take["taken"])
    expect(lost.first).to_contain_text(first["reason"])
    lost.first.get_by_role("button", name=f"take {first['number']}").first.click()
    expect(page.locator("#clip-caption")).to_have_text(f"take {first['number']}")
    expect(page.locator("#stage-clip")).to_have_js_property("readyState", 4)
    page.get_by_role("button", name=f"Finish take {first['number']}").click()
    until(lambda: len(studio.ask("/api/clips")["clips"]) == 2, "the take to be finished")
    other = next(one for one in studio.ask("/api/clips")["clips"] if one["id"] != clip["id"])
    assert (other["seed"], other["parent"], other["recipe"]["takes"]) == (first["seed"], clip["id"], 1)
