"""The review page with 100,000 clips beside the same page with 1,000.

    api      the daemon's answers, over loopback, one after the other: p50 and p95 in milliseconds
             page (60 clips from anywhere in the list), next (by cursor), outline (the headings), filter (outline
             and first page of a choice never asked for before), search (the same for a word)
    browser  Chromium: first row (from the address to the first clip on the screen), next page (a screen further),
             filter (from the click until the new list is there), milliseconds; scroll: share of the frames, while
             scrolling three screens a second for ten seconds, in which some row in sight was still blank;
             memory of the tab at the end, MiB: JavaScript's heap, and the whole process

The catalogue is made by this script, with real pictures of 200 kinds in the cache. `main(argv)` gives the numbers.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from PIL import Image

from afterframe.config import Home
from afterframe.domain import CameraMovement, Clip, PhotoType, Recipe, Stamp, Verdict
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database

if TYPE_CHECKING:
    from playwright.sync_api import Page

PICTURES = 200
CAMERAS = (("NIKON CORPORATION", "NIKON Z 8"), ("Canon", "Canon EOS R5"), ("SONY", "ILCE-7M4"), ("FUJIFILM", "X-T5"))
LENSES = ("NIKKOR Z 24-70mm f/2.8 S", "RF50mm F1.2 L USM", "FE 85mm F1.4 GM", "XF23mmF2 R WR", "35mm F1.4 DG HSM")
JOBS = ("Wedding", "Travel", "Studio", "Street")
WORDS = [
    "harbour",
    "dawn",
    "bride",
    "dancing",
    "child",
    "laughing",
    "wave",
    "rocks",
    "mountain",
    "mist",
    "train",
    "station",
    "crowd",
    "coffee",
    "table",
    "flowers",
    "vase",
    "dog",
    "running",
    "beach",
    "sunset",
    "city",
    "night",
    "neon",
    "rain",
    "umbrella",
    "bridge",
    "river",
    "boat",
    "market",
    "window",
    "stairs",
    "garden",
    "snow",
    "forest",
]


def main(argv: list[str]) -> dict[str, Any]:
    """Measure; see the module."""
    parser = argparse.ArgumentParser(prog="bench.py page", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clips", type=int, default=100_000, help="clips of the large catalogue (default 100000)")
    parser.add_argument("--asks", type=int, default=200, help="requests of each kind (default 200)")
    parser.add_argument("--no-browser", action="store_true", help="the API alone")
    options = parser.parse_args(argv)
    counts = (1000, options.clips)
    return {f"{count}_clips": measure(count, options.asks, browser=not options.no_browser) for count in counts}


def measure(count: int, asks: int, *, browser: bool) -> dict[str, Any]:
    """One catalogue, a daemon on it, and what both give."""
    with tempfile.TemporaryDirectory(prefix="afterframe-bench-") as temporary:
        home = Home(Path(temporary)).make()
        began = time.perf_counter()
        make_catalogue(home, count)
        made_s = time.perf_counter() - began
        with daemon(home) as (url, token):
            numbers: dict[str, Any] = {"making_the_catalogue_s": made_s, "api": api(url, token, count, asks)}
            if browser:
                numbers["browser"] = in_browser(url, token)
    return numbers


# -- the catalogue -------------------------------------------------------------------------------


def make_catalogue(home: Home, count: int) -> None:
    """Clips of 250 a day in folders of four jobs, and their posters in the cache."""
    dice = random.Random(7)
    database = Database(home.database)
    catalog = Catalog(database)
    with database.transaction():
        for number in range(count):
            put_clip(catalog, number, dice)
    database.close()
    posters = home.cache / "posters"
    posters.mkdir()
    for number in range(PICTURES):
        picture = Image.effect_noise((48, 32), 60).convert("RGB").resize((480, 320))
        tint = Image.new("RGB", picture.size, (number * 37 % 256, number * 91 % 256, number * 53 % 256))
        Image.blend(picture, tint, 0.5).save(posters / f".{number:064x}-small.jpg", quality=82)


def put_clip(catalog: Catalog, number: int, dice: random.Random) -> None:
    """One photo and its clip."""
    day, make = number // 250, CAMERAS[number % len(CAMERAS)]
    taken = f"{2019 + day // 336}-{day % 336 // 28 + 1:02}-{day % 28 + 1:02}T{8 + number % 12:02}:{number % 60:02}:00"
    folder = f"/home/ann/Pictures/Exports/{taken[:4]}/{taken[:7]} {JOBS[number // 125 % len(JOBS)]}"
    caption = " ".join(dice.sample(WORDS, 4))
    facts = {"camera_make": make[0], "camera_model": make[1], "lens": dice.choice(LENSES), "captured_at": taken}
    sha256 = f"{number:064x}"
    photo = catalog.put_photo(Path(f"{folder}/DSC_{number:06}.jpg"), Stamp(1, 1), sha256, {**facts, "caption": caption})
    reasons = ("what the light and the lens say: 85 mm at f/2.8", "a second reason, as long as reasons are")
    recipe = Recipe(
        photo_type=list(PhotoType)[number % 4],
        prompt=f"{caption}. Subtle movement, the camera goes in slowly. The look stays as photographed.",
        negative_prompt="flicker, morphing, extra limbs, text",
        motion_intensity=0.5,
        style_consistency=0.9,
        camera_movement=CameraMovement.PUSH_IN,
        duration_s=4.0,
        fps=24,
        size=(1280, 852),
        seed=number,
        because=dict.fromkeys(("prompt", "motion_intensity", "camera_movement", "duration_s", "size"), reasons),
    )
    path = f"{folder}/DSC_{number:06}_motion.mp4"
    catalog.put_clip(
        Clip(
            id=f"{number:08x}-0000-4000-8000-000000000000",
            photo_id=photo.id,
            photo_path=photo.path,
            photo_sha256=sha256,
            path=path,
            sidecar_path=f"{path}.xmp",
            sha256=f"{number % PICTURES:064x}",
            recipe=recipe,
            generator="parallax",
            generator_version="1",
            duration_s=4.0,
            verdict=dice.choice(list(Verdict)),
            rating=dice.randrange(6),
            created_at=1_600_000_000.0 + 340 * number,
        )
    )


@contextmanager
def daemon(home: Home) -> Iterator[tuple[str, str]]:
    """A daemon on a catalogue: (address, token)."""
    command = [sys.executable, "-m", "afterframe", "serve", "--port", "0", "--no-open"]
    process = subprocess.Popen(
        command, env={**os.environ, "AFTERFRAME_HOME": str(home.root)}, stdout=subprocess.DEVNULL
    )
    try:
        while not home.daemon.exists():
            if process.poll() is not None:
                raise RuntimeError("the daemon did not start")
            time.sleep(0.05)
        yield json.loads(home.daemon.read_text())["url"], home.token.read_text().strip()
    finally:
        process.terminate()
        process.wait()


# -- the API -------------------------------------------------------------------------------------


def api(url: str, token: str, count: int, asks: int) -> dict[str, Any]:
    """p50 and p95 of each kind of request, milliseconds."""
    dice = random.Random(3)
    connection = http.client.HTTPConnection(url.removeprefix("http://"))

    def ask(path: str) -> Any:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        return json.loads(connection.getresponse().read())

    sorts = ("made", "taken", "name", "rating")
    began = time.perf_counter()
    ask("/api/clips/outline?sort=made")
    first_ms = 1000 * (time.perf_counter() - began)
    for sort in sorts:
        ask(f"/api/clips/outline?sort={sort}")  # sorted once
    cursors = [clip["next"] for clip in (ask(f"/api/clips?sort=made&skip={dice.randrange(count)}") for _ in range(20))]
    known = [cursor for cursor in cursors if cursor]

    def page() -> None:
        ask(f"/api/clips?sort={dice.choice(sorts)}&skip={dice.randrange(count)}&limit=60")

    def following() -> None:
        ask(f"/api/clips?sort=made&after={dice.choice(known)}&limit=60")

    def outline() -> None:
        ask(f"/api/clips/outline?sort={dice.choice(sorts)}")

    def chosen(**more: str) -> None:
        day = f"{dice.randrange(2019, 2023)}-{dice.randrange(1, 13):02}-{dice.randrange(1, 28):02}"
        query = urlencode({"sort": "made", "rating": dice.randrange(1, 6), "since": day, **more})
        ask(f"/api/clips/outline?{query}")
        ask(f"/api/clips?{query}&limit=60")

    kinds: dict[str, Callable[[], None]] = {
        "page": page,
        "next": following,
        "outline": outline,
        "filter": lambda: chosen(verdict=dice.choice(("none", "approved", "rejected")), camera="NIKON Z 8"),
        "search": lambda: chosen(text=f"{dice.choice(WORDS)} {quote(dice.choice(WORDS)[:4])}"),
    }
    numbers: dict[str, Any] = {"first_question_ms": first_ms}
    every: list[float] = []
    for name, kind in kinds.items():
        times = [timed(kind) for _ in range(asks)]
        requests = 2 if name in ("filter", "search") else 1
        every += [each / requests for each in times]
        numbers[name] = percentiles([each / requests for each in times])
    numbers["all"] = percentiles(every)
    connection.close()
    return numbers


def timed(action: Callable[[], None]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - began)


def percentiles(times: list[float]) -> dict[str, float]:
    """By rank, between neighbours."""
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {"p50_ms": cuts[49], "p95_ms": cuts[94]}


# -- the browser ---------------------------------------------------------------------------------

FILLED = """() => {
  const tiles = [...document.querySelectorAll('.tile')].filter(inSight);
  return tiles.length > 0 && !tiles.some(blank);
}"""
HELPERS = """
window.inSight = (tile) => tile.getBoundingClientRect().bottom > 0 && tile.getBoundingClientRect().top < innerHeight;
window.blank = (tile) => tile.classList.contains('blank');
"""
SCROLL = """(seconds) => new Promise((done) => {
  const began = performance.now(), speed = 3 * innerHeight;
  let frames = 0, blanks = 0, last = began, slowest = 0;
  const step = (now) => {
    frames += 1;
    slowest = Math.max(slowest, now - last);
    scrollBy({ top: speed * (now - last) / 1000, behavior: 'instant' });
    last = now;
    const tiles = [...document.querySelectorAll('.tile')].filter(inSight);
    if (!tiles.length || tiles.some(blank)) blanks += 1;
    now - began < seconds * 1000 ? requestAnimationFrame(step) : done({ frames, blanks, slowest });
  };
  requestAnimationFrame(step);
})"""


def in_browser(url: str, token: str) -> dict[str, float]:
    """What a person waits for."""
    from playwright.sync_api import sync_playwright

    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", "/api/login-code", "{}", headers)
    link = json.loads(connection.getresponse().read())["url"]
    connection.close()
    with sync_playwright() as playwright:
        program = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.add_init_script(HELPERS)
        page.goto(link)
        page.wait_for_function(FILLED)
        numbers = look(page, url)
        browser.close()
    return numbers


def look(page: Page, url: str) -> dict[str, float]:
    """Open, go on, choose, scroll."""
    firsts = []
    for _ in range(5):
        began = time.perf_counter()
        page.goto(url, wait_until="commit")
        page.wait_for_function(FILLED)
        firsts.append(1000 * (time.perf_counter() - began))
    following = []
    for _ in range(5):
        began = time.perf_counter()
        page.evaluate("scrollBy({ top: innerHeight, behavior: 'instant' })")
        page.wait_for_function(FILLED)
        following.append(1000 * (time.perf_counter() - began))
    filters = []
    for label in ("Picked", "Rejected", "To review", "All"):
        total = page.locator("#total").inner_text()
        began = time.perf_counter()
        page.get_by_role("radio", name=label).click()
        page.wait_for_function("(was) => document.getElementById('total').textContent !== was", arg=total)
        page.wait_for_function(FILLED)
        filters.append(1000 * (time.perf_counter() - began))
    jumps = []
    for share in (0.5, 0.95, 0.2):
        began = time.perf_counter()
        page.evaluate("(share) => scrollTo({ top: share * document.body.scrollHeight, behavior: 'instant' })", share)
        page.wait_for_function(FILLED)
        jumps.append(1000 * (time.perf_counter() - began))
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    page.wait_for_function(FILLED)
    scrolled = page.evaluate(SCROLL, 10)
    return {
        "first_row_ms": statistics.median(firsts),
        "next_page_ms": statistics.median(following),
        "filter_ms": statistics.median(filters),
        "jump_anywhere_ms": statistics.median(jumps),
        "scroll_frames": scrolled["frames"],
        "scroll_frames_with_a_blank_row": scrolled["blanks"],
        "scroll_slowest_frame_ms": scrolled["slowest"],
        **memory(page),
    }


def memory(page: Page) -> dict[str, float]:
    """Of the tab, MiB."""
    import psutil

    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    renderers = [
        process.memory_full_info().uss
        for process in psutil.Process().children(recursive=True)
        if "--type=renderer" in process.cmdline()
    ]
    return {
        "heap_mib": metrics.get("JSHeapUsedSize", 0) / (1 << 20),
        "tab_mib": max(renderers, default=0) / (1 << 20),
        "elements": metrics.get("Nodes", 0),
    }
