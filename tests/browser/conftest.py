"""A real Chromium, driven by Playwright, in front of a real daemon with photos of our own making."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # browser_studio
sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))  # faults_processes

from browser_studio import Studio, Watched
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

expect.set_options(timeout=40_000)  # generous: it only has to end a test that would hang
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


@pytest.fixture
def nothing_left_running() -> Iterator[None]:
    """The browser outlives single tests; the studio's own processes are ended by it."""
    return iter([None])


@pytest.fixture(scope="session")
def playwright_itself() -> Iterator[Playwright]:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with sync_playwright() as playwright:
        yield playwright
    late = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
    late = [child for child in late if "resource_tracker" not in " ".join(child.cmdline())]
    _, alive = psutil.wait_procs(late, timeout=10)
    assert not alive, f"processes left behind: {alive}"


@pytest.fixture(scope="session")
def browser(playwright_itself: Playwright) -> Iterator[Browser]:
    if CHROMIUM is None and os.environ.get("CI") != "true":
        pytest.skip("there is no Chromium on this machine")
    made = playwright_itself.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
    yield made
    made.close()


@pytest.fixture
def studio(tmp_path: Path, home_of_its_own: Path) -> Iterator[Studio]:
    """Photos in a folder with an awkward name, and a daemon that is not started yet."""
    photos = tmp_path / "Fotos von Jürgen & 花"
    photos.mkdir()
    made = Studio(home_of_its_own, photos)
    yield made
    made.end()


@pytest.fixture
def watched() -> Iterator[Watched]:
    """Every page is watched: no script error, no broken policy, no request to anybody else."""
    made = Watched()
    yield made
    assert made.wrong == []


@pytest.fixture
def page(browser: Browser, watched: Watched) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    context.set_default_timeout(40_000)
    made = context.new_page()
    watched.watch(made)
    yield made
    context.close()
