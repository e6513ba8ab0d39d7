"""The interactive view in a real browser: what moves, which way, and what never shows. Frames come by a clock that
the tests hold, so nothing waits and nothing depends on the machine's pace."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_studio import Studio, Watched
from faults_processes import until
from flask import Flask
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

import afterframe.web.app
from afterframe.web.pages.interactive import ViewContent, file_html

pytestmark = pytest.mark.slow
Picture = npt.NDArray[np.uint8]
SIZE = (360, 240)
WINDOW = {"width": 480, "height": 400}
REACH = 0.032
"""As the script has it: the farthest that anything moves, share of the frame."""
CAPTION = "A <b>quiet</b> \u202emorning & “the sea”"
Opened = Callable[..., Page]


def clouds(seed: int = 0) -> Picture:
    """A smooth picture without repetition, bright everywhere."""
    noise = np.random.default_rng(seed).random((SIZE[1], SIZE[0], 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 4)
    return np.asarray(110 + 140 * (soft - soft.min()) / (soft.max() - soft.min()), np.uint8)


def thirds() -> Picture:
    """Depth: near on the left, staying in the middle, far on the right."""
    depth = np.full((SIZE[1], SIZE[0]), 128, np.uint8)
    depth[:, : SIZE[0] // 3], depth[:, -SIZE[0] // 3 :] = 255, 1
    return depth


def data(pixels: Picture) -> str:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def saved(path: Path, picture: Picture | None = None, depth: Picture | None = None, caption: str = CAPTION) -> Path:
    """The one file, of a picture and a depth of our choice."""
    look = ViewContent(
        "DSC_0042",
        caption,
        "© Ann",
        data(clouds() if picture is None else picture),
        data(thirds() if depth is None else depth),
    )
    with Flask(afterframe.web.app.__name__, static_folder=None).test_request_context():
        path.write_text(file_html(look, "en"), "utf-8")
    return path


@pytest.fixture
def opened(browser: Browser, watched: Watched, tmp_path: Path) -> Iterator[Opened]:
    """Opens the file from the disk; its clock stands still."""
    contexts: list[BrowserContext] = []

    def open_it(file: Path | None = None, script: str = "", touch: bool = False, **more: str) -> Page:
        context = browser.new_context(viewport=WINDOW, color_scheme="dark", has_touch=touch, **more)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        watched.watch(page)
        page.clock.install(time=0)
        page.clock.pause_at(1000)
        page.add_init_script(script)
        page.goto((file or saved(tmp_path / "DSC 0042 花.html")).as_uri())
        page.locator("#depth").wait_for()
        return page

    yield open_it
    for context in contexts:
        context.close()


def forward(page: Page, seconds: float) -> None:
    for _ in range(round(seconds * 2)):
        page.clock.fast_forward(500)


def frame_of(page: Page) -> dict[str, float]:
    """Where the picture is on the page."""
    box = page.locator("#stage").bounding_box()
    assert box is not None
    scale = min(box["width"] / SIZE[0], box["height"] / SIZE[1])
    width, height = SIZE[0] * scale, SIZE[1] * scale
    left, top = box["x"] + (box["width"] - width) / 2, box["y"] + (box["height"] - height) / 2
    whole = {"x": math.ceil(left), "y": math.ceil(top)}
    return {**whole, "width": math.floor(left + width) - whole["x"], "height": math.floor(top + height) - whole["y"]}


def seen(page: Page) -> Picture:
    """The picture as it is on the screen."""
    shot = page.screenshot(clip=frame_of(page))  # type: ignore[arg-type]
    return np.asarray(Image.open(BytesIO(shot)).convert("RGB"))


def led(page: Page, x: float, y: float = 0.5) -> Picture:
    """What is seen once the pointer rests at a place, in shares of the window."""
    page.mouse.move(x * (WINDOW["width"] - 1), y * (WINDOW["height"] - 1))
    forward(page, 3)
    return seen(page)


def moved(one: Picture, other: Picture, left: float, right: float) -> tuple[float, float]:
    """How far a part of the picture (shares of its width) went, pixels to the right and down."""
    height, width = one.shape[:2]
    x, y = round(left * width), round(0.3 * height)
    part = np.ascontiguousarray(one[y : round(0.7 * height), x : round(right * width)])
    alike = cv2.matchTemplate(other, part, cv2.TM_CCOEFF_NORMED)
    _, best, _, (there_x, there_y) = cv2.minMaxLoc(alike)
    assert best > 0.8
    return there_x - x, there_y - y


def difference(one: Picture, other: Picture) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


NEAR, MIDDLE, FAR = (0.1, 0.28), (0.4, 0.6), (0.72, 0.9)


# -- what moves ---------------------------------------------------------------------------------


def test_near_goes_against_the_pointer_far_goes_with_it_and_the_subject_stays(opened: Opened) -> None:
    page = opened()
    left, right = led(page, 0), led(page, 1)
    expected = 2 * REACH / (1 - 2 * REACH) * left.shape[1]
    assert moved(left, right, *NEAR) == pytest.approx((-expected, 0), abs=1.5)
    assert moved(left, right, *FAR) == pytest.approx((expected, 0), abs=1.5)
    assert moved(left, right, *MIDDLE) == pytest.approx((0, 0), abs=1)
    up, down = led(page, 0.5, 0), led(page, 0.5, 1)
    assert moved(up, down, *NEAR)[1] < -5
    assert moved(up, down, *FAR)[1] > 5


def test_what_is_near_hides_what_is_far(opened: Opened, tmp_path: Path) -> None:
    picture, depth = clouds(), np.full((SIZE[1], SIZE[0]), 1, np.uint8)
    picture[80:160, 160:200] = (255, 0, 0)
    depth[76:164, 156:204] = 255
    page = opened(saved(tmp_path / "card.html", picture, depth))
    for x in (0.0, 1.0):
        red = (led(page, x)[..., 0] > 200) & (led(page, x)[..., 1] < 40)
        columns = np.flatnonzero(red.any(0))
        assert columns.size == pytest.approx(40 / SIZE[0] / (1 - 2 * REACH) * red.shape[1], abs=4)
        assert red[:, columns.min() + 2 : columns.max() - 1].any(0).all()


def test_borders_never_show_and_are_never_drawn_out(opened: Opened, tmp_path: Path) -> None:
    picture, rim = clouds(), 4
    for edge in (np.s_[:rim], np.s_[-rim:], np.s_[:, :rim], np.s_[:, -rim:]):
        picture[edge] = (0, 255, 0)
    blocks = np.random.default_rng(3).choice(np.array([1, 255], np.uint8), (6, 9))
    depth = cv2.resize(blocks, SIZE, interpolation=cv2.INTER_NEAREST)
    page = opened(saved(tmp_path / "rim.html", picture, np.asarray(depth, np.uint8)))
    for x, y in ((0, 0), (1, 0), (0, 1), (1, 1), (0, 0.5), (0.5, 1)):
        image = led(page, x, y)
        assert image.max(-1).min() > 90  # the mat is nearly black
        green = (image[..., 1] > 200) & (image[..., 0] < 60)
        widest = rim * image.shape[1] / SIZE[0] / (1 - 2 * REACH) + 2
        inside = round(widest)
        assert not green[inside:-inside, inside:-inside].any()


def test_at_rest_it_is_the_whole_photo(opened: Opened) -> None:
    page = opened(reduced_motion="reduce")
    drawn = seen(page)
    page.evaluate("document.getElementById('depth').hidden = true")
    assert difference(drawn, seen(page)) < 1.5


def test_it_drifts_when_left_alone_and_is_held_still(opened: Opened) -> None:
    page = opened()
    begun = seen(page)
    forward(page, 3)
    drifted = seen(page)
    assert difference(begun, drifted) > 2
    forward(page, 3)
    assert abs(moved(drifted, seen(page), *NEAR)[0]) > 1
    page.get_by_role("button", name="Hold still").click()
    forward(page, 8)
    assert difference(begun, seen(page)) < 1
    expect(page.get_by_role("button", name="Let it move")).to_be_visible()
    page.mouse.move(5, 5)
    forward(page, 8)
    assert difference(begun, seen(page)) < 1
    page.get_by_role("button", name="Let it move").click()
    forward(page, 3)
    assert difference(begun, seen(page)) > 2


def test_it_drifts_again_four_seconds_after_the_pointer(opened: Opened) -> None:
    page = opened()
    right = led(page, 1)
    forward(page, 0.5)
    assert difference(right, seen(page)) < 0.5
    forward(page, 8)
    assert difference(right, seen(page)) > 2


def test_where_less_motion_is_wanted_it_stays_still_until_asked(opened: Opened) -> None:
    page = opened(reduced_motion="reduce")
    still = seen(page)
    led(page, 0.1)
    forward(page, 10)
    assert np.array_equal(still, seen(page))
    page.keyboard.press("ArrowRight")
    forward(page, 4)
    asked = seen(page)
    assert difference(still, asked) > 2
    forward(page, 10)
    assert np.array_equal(asked, seen(page))  # it follows; it never drifts
    page.emulate_media(reduced_motion="no-preference")
    forward(page, 6)
    drifting = seen(page)
    forward(page, 3)
    assert difference(drifting, seen(page)) > 1


def test_arrow_keys_look_around(opened: Opened) -> None:
    page = opened(reduced_motion="reduce")
    seen_at = {}
    for key in ("ArrowRight", "ArrowLeft"):
        for _ in range(8):
            page.keyboard.press(key)
        forward(page, 3)
        seen_at[key] = seen(page)
    expected = 2 * REACH / (1 - 2 * REACH) * seen_at["ArrowLeft"].shape[1]
    assert moved(seen_at["ArrowLeft"], seen_at["ArrowRight"], *NEAR)[0] == pytest.approx(-expected, abs=1.5)


def test_a_finger_leads_and_lets_go(opened: Opened) -> None:
    page = opened(touch=True)
    fingers = page.context.new_cdp_session(page)

    page.evaluate("for (const k of ['start', 'move', 'end']) addEventListener(`touch${k}`, () => (window.touched = k))")

    def touch(kind: str, *points: dict[str, int]) -> None:
        page.evaluate("window.touched = ''")
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})
        # The browser hands it over with a frame of its own, whatever the page's clock says.
        until(lambda: page.evaluate("window.touched") == kind.removeprefix("touch").lower(), kind)

    touch("touchStart", {"x": 240, "y": 100})
    touch("touchMove", {"x": 10, "y": 100})
    forward(page, 3)
    left = seen(page)
    touch("touchMove", {"x": 470, "y": 100})
    forward(page, 3)
    assert moved(left, seen(page), *NEAR)[0] < -15
    touch("touchEnd")
    forward(page, 3)
    assert moved(left, seen(page), *NEAR)[0] == pytest.approx(-12, abs=4)  # back in the middle


def test_tilt_is_a_window_once_it_is_permitted(opened: Opened) -> None:
    page = opened(touch=True, script="DeviceOrientationEvent.requestPermission = async () => 'granted';")
    turn = "(held) => dispatchEvent(new DeviceOrientationEvent('deviceorientation', held))"
    forward(page, 1)
    page.get_by_role("button", name="Follow tilt").click()
    expect(page.get_by_role("button", name="Follow tilt")).to_be_hidden()
    images = []
    for gamma in (0, -18, 18):
        page.evaluate(turn, {"beta": 40, "gamma": gamma})
        forward(page, 3)
        images.append(seen(page))
    # The left edge goes away from the eye: it looks from the right, so the camera is there.
    assert moved(images[0], images[1], *NEAR)[0] < -5
    assert moved(images[0], images[2], *NEAR)[0] > 5
    page.evaluate(turn, {"beta": 58, "gamma": 0})  # the upper edge comes nearer: looked at from above
    forward(page, 3)
    assert moved(images[0], seen(page), *NEAR)[1] > 3


# -- what it needs ------------------------------------------------------------------------------


def test_the_file_asks_nobody_for_anything(opened: Opened) -> None:
    asked: list[str] = []
    page = opened()
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.locator("#depth").wait_for()
    led(page, 0.2)
    assert [url for url in asked if not url.startswith("data:")] == [page.url]
    fetched = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
    assert [name for name in fetched if not name.startswith("data:")] == []


def test_its_policy_keeps_everything_else_out(browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page()  # not watched: its refusals are errors in the console
    page.goto(saved(tmp_path / "a.html").as_uri())
    tries = """async () => {
      const broken = new Set();
      const four = new Promise((done) => addEventListener("securitypolicyviolation", (event) => {
        if (broken.add(event.effectiveDirective).size === 4) done();
      }));
      fetch("http://127.0.0.1:9/").catch(() => {});
      for (const [tag, name, value] of [
        ["script", "textContent", "window.ran = 1"],
        ["iframe", "src", "http://127.0.0.1:9/"],
        ["img", "src", "http://127.0.0.1:9/x.png"],
      ]) document.body.append(Object.assign(document.createElement(tag), { [name]: value }));
      await four;
      return [[...broken], window.ran];
    }"""
    broken, ran = page.evaluate(tries)
    assert set(broken) == {"connect-src", "img-src", "script-src-elem", "frame-src"}
    assert ran is None
    page.context.close()


def test_words_are_text_and_long_ones_are_scrolled_by_keys(opened: Opened, tmp_path: Path) -> None:
    page = opened(saved(tmp_path / "long.html", caption=f"{CAPTION} {'long words ' * 400}"))
    words = page.locator("#words")
    assert "<b>quiet</b>" in words.inner_text()
    assert page.locator("#picture").get_attribute("alt").startswith(CAPTION)  # type: ignore[union-attr]
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    words.focus()
    page.keyboard.press("ArrowDown")
    forward(page, 1)
    page.wait_for_function("document.getElementById('words').scrollTop > 0")


def test_without_webgl_and_without_script_there_is_the_photo(browser: Browser, tmp_path: Path) -> None:
    file = saved(tmp_path / "a.html")
    page = browser.new_page(viewport=WINDOW)  # type: ignore[arg-type]
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page.goto(file.as_uri())
    expect(page.locator("#flat")).to_be_visible()
    expect(page.get_by_role("button", name="Let it move")).to_be_hidden()
    silent = browser.new_page(viewport=WINDOW, java_script_enabled=False)  # type: ignore[arg-type]
    silent.goto(file.as_uri())
    photo = Image.fromarray(clouds())
    for shown in (page, silent):
        expect(shown.locator("#depth")).to_be_hidden()
        image = seen(shown)
        assert difference(image, np.asarray(photo.resize(image.shape[1::-1]))) < 4
        shown.context.close()


def test_a_lost_graphics_context_comes_back(opened: Opened) -> None:
    page = opened()
    right = led(page, 1)
    lost = page.locator("#depth").evaluate_handle("it => it.getContext('webgl').getExtension('WEBGL_lose_context')")
    lost.evaluate("lost => lost.loseContext()")
    expect(page.locator("#depth")).to_be_hidden()
    lost.evaluate("lost => lost.restoreContext()")
    expect(page.locator("#depth")).to_be_visible()
    assert difference(right, led(page, 1)) < 1


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_nothing_is_in_the_way_of_anybody(browser: Browser, watched: Watched, tmp_path: Path, colours: str) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 480}, color_scheme=colours)  # type: ignore[arg-type]
    page = context.new_page()
    watched.watch(page)
    page.goto(saved(tmp_path / "a.html", caption="long words " * 400).as_uri())
    page.locator("#depth").wait_for()
    found = Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    )
    assert [rule["id"] for rule in found.response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#stage").bounding_box()["height"] > 120  # type: ignore[index]
    context.close()


# -- in the daemon ------------------------------------------------------------------------------


def test_from_the_clip_to_the_view_to_a_file_for_the_client(
    studio: Studio, page: Page, opened: Opened, tmp_path: Path
) -> None:
    studio.clips(1, names=["naïve 花.jpg"], facts={"caption": CAPTION})
    studio.start()
    studio.enter(page)
    page.get_by_role("option", name="naïve 花.jpg").click()
    page.get_by_role("link", name="Interactive view").click()
    expect(page.locator("#depth")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("naïve 花")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Save as one file").click()
    assert waiting.value.suggested_filename == "naïve 花_interactive.html"
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    studio.end()
    alone = opened(file)
    assert difference(led(alone, 0), led(alone, 1)) > 0.5
    page.locator("#depth").wait_for()
