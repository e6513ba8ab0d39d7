"""Must show of the review page: what a photographer does with it, in a real browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import psutil
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_studio import Studio, Watched
from faults_processes import until
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.slow
HOSTILE = "<img src=x onerror=alert(1)>&\"'\u202egpj \u05d0\u05d1\u05d2"


def focus_first(page: Page) -> None:
    expect(page.locator(".tile:not(.blank)").first).to_be_visible()
    page.evaluate("document.querySelector('.tile').focus()")


def verdicts(studio: Studio, *ids: int) -> list[tuple[str, int]]:
    clips = {clip["id"][:8]: clip for clip in studio.ask("/api/clips?limit=200")["clips"]}
    return [(clips[f"{number:08}"]["verdict"], clips[f"{number:08}"]["rating"]) for number in ids]


def test_from_the_first_run_to_the_first_approved_clip(studio: Studio, page: Page, tmp_path: Path) -> None:
    studio.start(watch=False)
    studio.enter(page)
    expect(page.get_by_role("heading", name="Bring a photo to life")).to_be_visible()
    page.get_by_label("Path of a folder").fill(str(studio.photos))
    page.get_by_role("button", name="Add folder").click()
    page.get_by_role("button", name="Choose photos").click()
    photo = studio.photo("naïve 朝.jpg")
    elsewhere = tmp_path / photo.name
    shutil.move(photo, elsewhere)
    page.locator("#add-files").set_input_files(elsewhere)
    page.get_by_role("button", name="Close").last.click()
    tile = page.get_by_role("option", name="naïve 朝.jpg")
    tile.click()
    expect(page.locator("#stage-clip")).to_have_js_property("readyState", 4)
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="Pick").last).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("4")
    expect(page.locator(".stars .lit")).to_have_count(4)
    page.keyboard.press("Escape")
    expect(tile).to_have_attribute("aria-label", "naïve 朝.jpg, picked, 4 of 5 stars")
    sidecar = studio.photos / "naïve 朝_motion.mp4.xmp"
    assert "approved" in sidecar.read_text("utf-8")
    if exiftool := shutil.which("exiftool"):
        said = subprocess.run([exiftool, "-s3", "-XMP-xmp:Rating", str(sidecar)], capture_output=True, check=True)
        assert said.stdout.strip() == b"4"


def test_keys_judge_rate_move_search_and_undo(studio: Studio, page: Page) -> None:
    clips = studio.clips(6)
    studio.start()
    studio.enter(page)
    focus_first(page)  # newest first: number 5
    for keys in ("p", "ArrowRight", "x", "ArrowRight", "3", "u"):
        page.keyboard.press(keys)
    expect(page.locator('.tile[data-state="none 3"]')).to_have_count(1)
    assert verdicts(studio, 5, 4, 3) == [("approved", 0), ("rejected", 0), ("none", 3)]
    assert [studio.sidecar(clips[number]) for number in (5, 4, 3)] == [
        ("approved", "0"),
        ("rejected", "0"),
        ("none", "3"),
    ]
    page.keyboard.press("Control+z")
    expect(page.locator("#says")).to_contain_text("Undone")
    page.keyboard.press("Control+z")
    until(lambda: verdicts(studio, 3) == [("none", 0)], "the rating to be taken back")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("number 2")
    expect(page.locator(".tile:not(.blank)")).to_have_count(1)
    expect(page.locator(".tile")).to_have_attribute("aria-label", "DSC_0002.jpg")
    assert "text=number+2" in page.url
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("number 2")
    expect(page.locator(".tile:not(.blank)")).to_have_count(1)


def test_the_detail_compares_steps_plays_and_moves_on(studio: Studio, page: Page) -> None:
    studio.clips(3)
    studio.start()
    studio.enter(page)
    focus_first(page)
    page.keyboard.press("Enter")
    stage, film = page.locator("#stage"), page.locator("#stage-clip")
    expect(film).to_have_js_property("readyState", 4)
    for mode in ("wipe", "clip", "side"):
        page.keyboard.press("c")
        expect(stage).to_have_attribute("data-mode", mode)
    page.keyboard.press("c")
    expect(page.locator("#stage-photo")).to_have_js_property("naturalWidth", 192)  # framed as the clip is
    page.get_by_label("Between photo and clip").fill("20")
    assert page.evaluate("getComputedStyle(document.querySelector('.stage .clip')).clipPath").endswith("20%)")
    page.keyboard.press(".")
    expect(film).to_have_js_property("paused", True)
    at = film.evaluate("film => film.currentTime")
    page.keyboard.press(".")
    expect(page.locator("#clock")).not_to_have_text(f"{at:.2f} s")
    assert film.evaluate("film => film.currentTime") - at == pytest.approx(1 / 8, abs=0.07) or at > 0.8
    page.keyboard.press(" ")
    expect(film).to_have_js_property("paused", False)
    page.keyboard.press("]")
    expect(film).to_have_js_property("playbackRate", 2)
    page.keyboard.press("l")
    expect(film).to_have_js_property("loop", False)
    page.keyboard.press("z")
    expect(stage).to_have_attribute("data-zoomed", "")
    page.keyboard.press("Shift+P")
    expect(page.locator("#detail-name")).to_have_text("DSC_0001.jpg")
    until(lambda: verdicts(studio, 2) == [("approved", 0)], "the verdict")
    page.go_back()
    expect(page.locator("#detail")).to_be_hidden()


def test_culling_what_is_to_be_reviewed_leaves_none_out(studio: Studio, page: Page) -> None:
    studio.clips(5)
    studio.start()
    studio.enter(page, "/?verdict=none")
    focus_first(page)
    page.keyboard.press("Enter")
    for number in (4, 3, 2, 1, 0):
        expect(page.locator("#detail-name")).to_have_text(f"DSC_{number:04}.jpg")
        page.keyboard.press("x")
        until(lambda number=number: verdicts(studio, number) == [("rejected", 0)], "the verdict")
        expect(page.locator("#total")).to_have_text(f"Clips: {number}")
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(page.locator("#empty")).to_be_visible()


def test_another_clip_is_drafted_made_and_stands_among_the_variants(studio: Studio, page: Page) -> None:
    studio.clips(1)
    studio.start()
    studio.enter(page)
    page.locator(".tile").click()
    page.locator("[name=motion_intensity]").fill("0.9")
    expect(page.locator("#clip-caption")).to_have_text("Draft")
    expect(page.locator("#stage-clip")).to_have_attribute("src", re.compile("/api/drafts/"))
    assert not list(studio.photos.glob("*draft*"))
    page.locator("[name=camera_movement]").select_option("orbit_left")
    expect(page.locator("#refine").get_by_label("Quality")).to_have_value("standard")
    page.locator("#refine").get_by_label("Quality").select_option("best")
    page.locator("#refine").get_by_role("button", name="Make another").click()
    strip = page.get_by_role("group", name="Variants").get_by_role("button")
    expect(strip).to_have_count(2, timeout=40_000)
    strip.last.click()
    expect(page.locator("#recipe")).to_contain_text("orbit left")
    expect(page.locator("#recipe")).to_contain_text("your words for this photo")
    expect(page.locator("#recipe")).to_contain_text("always at its best")
    expect(page.locator("#recipe")).to_contain_text(re.compile(r"Cost.*\d s, [\d.]+ GB of memory", re.DOTALL))
    child = next(clip for clip in studio.ask("/api/clips")["clips"] if clip["variant"] == 2)
    assert child["parent"] == "00000000-0000-4000-8000-000000000000"
    assert child["recipe"]["motion_intensity"] == 0.9
    assert child["recipe"]["quality"] == "best"


def test_a_clip_whose_folder_says_something_else_by_now_is_offered_anew(
    studio: Studio, page: Page, watched: Watched
) -> None:
    watched.allowed += ["404"]  # the clip that is shown is exchanged while its pictures are read
    studio.photo()
    studio.start()
    studio.enter(page)
    expect(page.locator(".tile")).to_have_count(1, timeout=40_000)
    page.locator(".tile").click()
    expect(page.locator("#facts")).not_to_be_empty()
    expect(page.locator("#outdated")).to_be_hidden()
    page.keyboard.press("Escape")
    (studio.photos / "afterframe.toml").write_text("camera_movement = 'tilt_up'")
    page.locator(".tile").click()
    expect(page.locator("#outdated")).to_contain_text("The folder's settings have changed since.")
    before = studio.ask("/api/clips")["clips"][0]["id"]
    page.get_by_role("button", name="Make it again").click()
    expect(page.locator("#outdated")).to_be_hidden()
    (clip,) = until(lambda: [clip for clip in studio.ask("/api/clips")["clips"] if clip["id"] != before], "the clip")
    assert clip["recipe"]["camera_movement"] == "tilt_up"
    assert [path.name for path in studio.photos.glob("*.mp4")] == ["DSC_0042_motion.mp4"]


def test_many_are_judged_at_once_and_taken_back(studio: Studio, page: Page) -> None:
    clips = studio.clips(60)
    studio.start()
    studio.enter(page)
    focus_first(page)
    page.keyboard.press("Control+a")
    expect(page.locator("#bulk-count")).to_have_text("60 selected")
    page.locator('[data-bulk="approved"]').click()
    expect(page.locator("#says")).to_contain_text("60 clips judged.")
    assert {studio.sidecar(clip)[0] for clip in clips} == {"approved"}
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#says")).to_contain_text("Undone")
    assert {studio.sidecar(clip)[0] for clip in clips} == {"none"}


def test_the_page_follows_a_render_and_a_daemon_that_starts_again(studio: Studio, page: Page, watched: Watched) -> None:
    watched.allowed += [
        "ERR_CONNECTION_REFUSED",
        "Failed to fetch",
        "ERR_EMPTY_RESPONSE",
        "ERR_CONNECTION_RESET",
        "ERR_INCOMPLETE",
    ]
    studio.settings(recipe={"size": [640, 426], "duration_s": 12.0, "fps": 24})
    studio.start()
    studio.enter(page)
    studio.photo("slow.jpg", (1280, 852))
    bar = page.locator("#works progress")
    expect(bar).to_be_visible()
    until(lambda: page.evaluate("document.querySelector('#works progress')?.value > 0.05"), "progress")
    studio.kill()
    expect(page.locator("#live")).to_have_text("not live")
    studio.start()
    expect(page.locator("#live")).to_have_text("live")
    expect(page.get_by_role("option", name="slow.jpg")).to_be_visible(timeout=60_000)
    expect(page.locator("#works progress")).to_have_count(0)


def test_twenty_tabs_leave_the_daemon_its_breath(studio: Studio, browser: Browser, watched: Watched) -> None:
    clips = studio.clips(2)
    studio.start()
    context = browser.new_context(locale="en-GB")
    pages = [context.new_page() for _ in range(20)]
    for number, page in enumerate(pages):
        watched.watch(page)
        studio.enter(page) if number == 0 else studio.show(page)
    for page in pages:
        expect(page.locator("#live")).to_have_text("live")
    assert len(connections(studio)) <= 6  # a browser's own limit for one host; one of them is the stream
    studio.ask(f"/api/clips/{clips[0].id}/verdict", {"verdict": "approved"})
    for page in pages:
        expect(page.locator('.tile[data-verdict="approved"]')).to_have_count(1)
    assert studio.ask("/api/health")["name"] == "afterframe"
    context.close()


def connections(studio: Studio) -> list[object]:
    assert studio.process is not None
    found = psutil.Process(studio.process.pid).net_connections("tcp")
    return [one for one in found if one.status == psutil.CONN_ESTABLISHED and one.laddr.port == studio.port]


def test_a_draft_stands_in_for_a_clip_that_a_model_is_to_make(studio: Studio, page: Page) -> None:
    studio.settings(render={"generator": "remote", "draft": True})
    with studio.home.config.open("a") as config:  # nobody answers there: the render waits
        config.write('[[remote.endpoints]]\nurl = "http://127.0.0.1:9"\n')
    studio.photo()
    studio.start()
    studio.enter(page, "/queue")
    draft = page.locator("#works video[data-draft]")
    expect(draft).to_have_attribute("src", re.compile("/api/drafts/"))
    page.wait_for_function("document.querySelector('video[data-draft]').currentTime > 0")
    assert [file.name for file in studio.photos.iterdir()] == ["DSC_0042.jpg"]


def test_hostile_names_and_captions_are_text(studio: Studio, page: Page) -> None:
    name = f"{HOSTILE.replace('/', '')}.jpg"
    facts = {
        "caption": f"{HOSTILE} {'long ' * 800}",
        "keywords": ["</script><script>alert(2)</script>"],
        "title": HOSTILE,
    }
    studio.clips(1, facts=facts, names=[name])
    broken = studio.photos / f"broken {name}"
    broken.write_bytes(b"not a photo")
    studio.start()
    studio.enter(page)
    page.locator(".tile").click()
    expect(page.locator("#detail-name")).to_contain_text("<img src=x onerror=alert(1)>")
    page.locator("#facts").locator("xpath=..").locator("summary").click()
    expect(page.locator("#facts")).to_contain_text("</script><script>alert(2)</script>")
    assert page.evaluate("document.querySelectorAll('img[src=x], script:not([src]):not([type])').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    studio.show(page, "/queue")
    expect(page.locator("#refused")).to_contain_text("<img src=x onerror=alert(1)>")


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_nothing_serious_is_in_the_way_of_anybody(
    studio: Studio, browser: Browser, watched: Watched, colours: str
) -> None:
    studio.clips(4)
    studio.photo("broken.jpg").write_bytes(b"not a photo")
    studio.start()
    context = browser.new_context(color_scheme=colours, locale="en-GB", reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    watched.watch(page)
    studio.enter(page)
    focus_first(page)
    page.keyboard.press("s")
    found = {"clips": findings(page)}
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.locator("#stage-clip")).to_have_js_property("readyState", 4)
    expect(page.locator("#stage-clip")).to_have_js_property("paused", True)  # it was asked not to move
    found["detail"] = findings(page)
    for path in ("queue", "audit", "folders", "settings"):
        studio.show(page, f"/{path}")
        if path == "folders":
            expect(page.locator("#disk")).to_contain_text("Cache")
        if path == "settings":
            expect(page.locator("#models li").first).to_be_visible()
        found[path] = findings(page)
    page.keyboard.press("?")
    found["keys"] = findings(page)
    assert [(name, wrong) for name, wrong in found.items() if wrong] == []
    context.close()


def findings(page: Page) -> list[str]:
    """What axe-core finds by the rules of WCAG 2.2 AA and its own best practice, of the two upper grades."""
    answer = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
    return [
        f"{rule['id']}: {node['html'][:160]}"
        for rule in answer.response["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("width", [320, 390, 3840])
def test_pages_fit_every_screen(studio: Studio, browser: Browser, watched: Watched, width: int) -> None:
    studio.clips(3, names=["a very long name without any space " + "x" * 120 + ".jpg", "b.jpg", "c.jpg"])
    studio.start()
    context = browser.new_context(viewport={"width": width, "height": 700}, locale="de-DE")
    page = context.new_page()
    watched.watch(page)
    studio.enter(page)
    for path in ("", "queue", "audit", "folders", "settings"):
        studio.show(page, f"/{path}")
        expect(page.locator("h1").first).to_be_attached()
        page.evaluate(
            "for (const hint of document.querySelectorAll('.hint')) hint.append(' /a/path/' + 'x'.repeat(99))"
        )
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path or "clips"
    studio.show(page)
    assert page.locator("html").get_attribute("lang") == "de"
    page.locator(".tile:not(.blank)").first.click()
    expect(page.locator("#detail-name")).to_be_visible()
    expect(page.get_by_role("button", name="Annehmen", exact=True).last).to_be_attached()
    assert page.evaluate("document.querySelector('#detail').scrollWidth <= innerWidth")
    context.close()


def test_thousands_of_clips_scroll_with_a_few_tiles(studio: Studio, page: Page, watched: Watched) -> None:
    watched.allowed += ["404"]  # these clips have no files
    studio.rows(3000)
    studio.start()
    studio.enter(page)
    focus_first(page)
    assert page.locator(".tile").first.get_attribute("aria-setsize") == "3000"
    page.keyboard.press("End")
    last = page.locator('.tile[aria-posinset="3000"]')
    expect(last).to_have_attribute("aria-label", "DSC_00000.jpg")
    expect(last).to_be_focused()
    assert page.locator(".tile").count() < 200
    page.keyboard.press("Home")
    expect(page.locator('.tile[aria-posinset="1"]')).to_be_focused()
    page.mouse.wheel(0, 20_000)
    expect(page.locator(".tile.blank")).to_have_count(0)
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("#bulk-count")).to_have_text("2 selected")


def test_the_audit_says_what_is_worth_animating_and_animates_it(studio: Studio, page: Page) -> None:
    studio.start(watch=False)
    studio.ask("/api/folders", {"path": str(studio.photos), "watch": False})
    studio.photo("a.jpg")
    studio.photo("b.jpg")
    studio.enter(page, "/audit")
    page.get_by_role("button", name="Look through").click()
    expect(page.locator("#marks li")).to_have_count(2)
    expect(page.locator("#marks").first).to_contain_text("source quality")
    page.get_by_role("button", name="Animate these 2").click()
    until(lambda: len(list(studio.photos.glob("*_motion.mp4"))) == 2, "both clips")


def test_an_audit_of_animated_photos_says_why_it_shows_none(studio: Studio, page: Page) -> None:
    studio.clips(2)
    studio.start(watch=False)
    studio.enter(page, "/audit")
    page.get_by_role("button", name="Look through").click()
    expect(page.locator("#audit-done")).to_contain_text("All 2 photos have clips already.")
    expect(page.locator("#marks li")).to_have_count(0)
    page.get_by_role("button", name="Show them").click()
    expect(page.locator("#marks li")).to_have_count(2)
    expect(page.locator("#audit-done")).to_be_hidden()


def test_an_address_that_names_a_clip_opens_it_in_an_open_tab(studio: Studio, page: Page) -> None:
    clip, _ = studio.clips(2)
    studio.start()
    studio.enter(page)
    for _ in range(2):
        page.evaluate("id => { location.hash = id; }", clip.id)
        expect(page.locator("#detail")).to_be_visible()
        expect(page.locator("#detail-name")).to_have_text("DSC_0000.jpg")
        page.keyboard.press("Escape")
        expect(page.locator("#detail")).to_be_hidden()
        expect(page).to_have_url(f"{studio.url}/")


def test_the_queue_is_paused_ordered_and_emptied(studio: Studio, page: Page) -> None:
    studio.start(watch=False)
    studio.ask("/api/folders", {"path": str(studio.photos), "watch": False})
    studio.ask("/api/queue", {"paused": True})
    photos = [str(studio.photo(f"{name}.jpg")) for name in "abc"]
    studio.ask("/api/animate", {"photos": photos})
    studio.enter(page, "/queue")
    names = page.locator("#works .renders .name")
    expect(names).to_have_text(["a.jpg", "b.jpg", "c.jpg"])
    page.get_by_role("button", name=re.compile("Make .*c.jpg first")).click()
    expect(names).to_have_text(["c.jpg", "a.jpg", "b.jpg"])
    page.get_by_role("button", name=re.compile("Make .*a.jpg later")).click()
    expect(names).to_have_text(["c.jpg", "b.jpg", "a.jpg"])
    page.get_by_role("button", name=re.compile("Cancel .*b.jpg")).click()
    expect(names).to_have_text(["c.jpg", "a.jpg"])
    page.evaluate("window.confirm = () => true")
    page.get_by_role("button", name="Cancel all").click()
    expect(page.locator("#works")).to_contain_text("Paused")
    expect(names).to_have_count(0)


def test_retry_all_asks_once_for_every_render_that_failed(studio: Studio, page: Page, watched: Watched) -> None:
    watched.allowed += ["403", "404", "422"]  # the pictures of photos that are gone
    studio.failures(205)
    studio.start(watch=False)
    studio.enter(page, "/queue")
    expect(page.locator("#failed h2 .count")).to_have_text("205")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url) if request.method == "POST" else None)
    page.get_by_role("button", name="Retry all").click()
    expect(page.locator("#works h1 .count")).to_have_text("205")
    expect(page.locator("#failed")).to_be_hidden()
    assert requests == [f"{studio.url}/api/renders/retry"]


def test_what_is_no_clip_yet_is_shown_by_its_state_and_made_again(studio: Studio, page: Page, watched: Watched) -> None:
    watched.allowed += ["404", "422"]  # the picture of a photo that is gone
    studio.clips(2)
    studio.settings(recipe={"size": [640, 426], "duration_s": 12.0, "fps": 24})
    studio.start(watch=False)
    studio.ask("/api/folders", {"path": str(studio.photos), "watch": False})
    studio.ask("/api/queue", {"paused": True})
    photos = [studio.photo(f"{name}.jpg", (1280, 852)) for name in ("gone", "slow", "late")]
    studio.ask("/api/animate", {"photos": [str(photo) for photo in photos]})
    away = photos[0].rename(studio.photos.parent / "gone.jpg")
    studio.enter(page)
    state, tiles = page.get_by_label("State"), page.locator(".tile:not(.blank)")
    state.select_option("Waiting")
    expect(tiles).to_have_count(3)
    expect(page.get_by_label("Rating").first).to_be_hidden()
    assert page.url == f"{studio.url}/?state=queued"
    page.get_by_role("option", name="late.jpg, waiting").click(modifiers=["Control"])
    page.locator("#bulk-cancel").click()
    expect(tiles).to_have_count(2)
    studio.ask("/api/queue", {"paused": False})
    state.select_option("Being made")
    expect(page.get_by_role("option", name="slow.jpg, being made")).to_be_visible()
    until(lambda: page.evaluate("document.querySelector('.tile progress')?.value > 0.05"), "progress")
    state.select_option("Failed")
    page.get_by_role("option", name="gone.jpg, failed").click()
    sheet = page.get_by_role("dialog", name="gone.jpg")
    expect(sheet.locator("#render-why em")).not_to_be_empty()
    assert findings(page) == []
    away.rename(photos[0])
    sheet.get_by_role("button", name="Retry").click()
    expect(sheet.get_by_role("button", name="Cancel")).to_be_visible()
    expect(tiles).to_have_count(0)
    page.keyboard.press("Escape")
    state.select_option("Cancelled")
    page.get_by_role("option", name="late.jpg, cancelled").click()
    expect(page.locator("#render-retry")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("p")  # there is nothing to judge yet
    state.select_option("Done")
    until(lambda: len(studio.ask("/api/clips")["clips"]) == 4, "two of the three to be made", 60)
    page.reload()  # what comes while somebody is in the grid waits behind a button
    expect(tiles).to_have_count(4)
    assert {clip["verdict"] for clip in studio.ask("/api/clips")["clips"]} == {"none"}


def test_settings_tell_the_models_and_how_one_is_brought_here(studio: Studio, page: Page) -> None:
    studio.start(watch=False)
    studio.enter(page, "/settings")
    models = page.locator("#models li")
    expect(models.first).to_be_visible()
    model = models.filter(has_text=re.compile(r"Wan2\.2-TI2V-5B(?!-Turbo)"))
    expect(model.get_by_role("link", name="Apache-2.0")).to_have_attribute(
        "href", re.compile("^https://huggingface.co/")
    )
    expect(model).to_contain_text(re.compile("afterframe models pull wan22-5b|on this machine"))
    expect(page.locator("#models-gpu")).to_contain_text("This machine")
    expect(page.locator("#models-place")).to_contain_text("which other programs share")
    assert findings(page) == []


def test_settings_are_kept_in_the_file_with_its_comments(studio: Studio, page: Page) -> None:
    studio.settings()
    studio.home.config.write_text(studio.home.config.read_text("utf-8") + "\n# mine\n", "utf-8")
    studio.start()
    studio.enter(page, "/settings")
    page.get_by_label("Motion").fill("0.35")
    page.get_by_role("button", name="Keep").click()
    expect(page.locator("#says")).to_contain_text("Kept")
    kept = studio.home.config.read_text("utf-8")
    assert "motion_intensity = 0.35" in kept
    assert "# mine" in kept
    page.get_by_label("Colours").select_option("dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 22, 23)"
    page.get_by_label("Language").select_option("ja")
    expect(page.get_by_role("heading", level=1)).to_have_text("設定")
