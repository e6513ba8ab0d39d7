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


@pytest.fixture
def model(studio: Studio) -> str:
    """A tiny model that takes its time: the studio renders with it."""
    diffusers_tiny = pytest.importorskip("diffusers_tiny")
    folder = diffusers_tiny.make("wan22-5b", studio.home.root.parent / "model", steps=2000)
    studio.settings(render={"generator": f"diffusers:{folder}"})
    return str(folder)


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("model")
def test_steps_are_seen_and_one_press_begins_again_with_another_seed(studio: Studio, page: Page) -> None:
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
