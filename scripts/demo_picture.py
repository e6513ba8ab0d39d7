#!/usr/bin/env python3
"""Make the README's pictures: a demo photo beside its clip, as an animated WebP, and the page with the demo's clips.

`python3 scripts/demo_picture.py [FOLDER]`; the default is docs/images. Both show pictures of our own demo alone.
The page is shown in Chromium by Playwright, which the tests install; without them the first picture is made alone.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environment import ROOT, use_venv

if TYPE_CHECKING:
    from PIL import Image

PHOTO = "astronaut.jpg"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
HEIGHT = 300
"""Of the picture, pixels."""
EVERY = 2
"""Every second frame is shown: 12 a second."""
GAP = 8
"""Between photo and clip, pixels."""


def main(argv: list[str]) -> None:
    """Animate the demo's photos; put photo and clip side by side; look at the page."""
    use_venv()
    folder = Path(argv[0]) if argv else ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        photos = Path(temporary) / "Exports"
        photos.mkdir()
        os.environ["AFTERFRAME_HOME"] = str(Path(temporary) / "home")
        clip = animate(photos)
        save(clip.with_name(PHOTO), clip, folder / "demo.webp")
        made = [folder / "demo.webp"]
        if importlib.util.find_spec("playwright") and CHROMIUM:
            made.append(show(photos, folder / "page.webp"))
    for picture in made:
        print(f"{picture}: {picture.stat().st_size // 1024} KiB")


def animate(photos: Path) -> Path:
    """Write the demo photos and animate them, one of them to and fro; its clip."""
    from demo_photos import write_photos

    write_photos(photos)
    command = [sys.executable, "-m", "afterframe", "animate", "--generator", "parallax"]
    to_and_fro = ["--loop", "--camera", "orbit_right", "--motion", "0.9", "--duration", "3"]
    subprocess.run([*command, str(photos / PHOTO), *to_and_fro], check=True)
    subprocess.run(
        [*command, *(str(photo) for photo in sorted(photos.glob("*.jpg")) if photo.name != PHOTO)], check=True
    )
    return photos / f"{Path(PHOTO).stem}_motion.mp4"


def show(photos: Path, target: Path) -> Path:
    """The page with the demo's clips, one of them open, as WebP."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with daemon(photos) as ask, sync_playwright() as playwright:
        for clip in ask("/api/clips")["clips"][:2]:
            ask(
                f"/api/clips/{clip['id']}/verdict",
                {"verdict": "approved", "rating": 5 if PHOTO in clip["photo"] else 4},
            )
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 760}, reduced_motion="reduce", locale="en-GB")
        page.goto(ask("/api/login-code", {})["url"])
        page.locator("#live").wait_for()
        page.evaluate("localStorage.setItem('afterframe-tile', '280')")
        page.reload()
        page.wait_for_function("() => document.querySelectorAll('.tile img').length === 4")
        page.wait_for_function("() => [...document.querySelectorAll('.tile img')].every((one) => one.naturalWidth)")
        page.locator(f'.tile[aria-label^="{PHOTO}"]').click()
        page.wait_for_function("() => document.getElementById('stage-clip').readyState === 4")
        page.wait_for_function("() => document.getElementById('stage-photo').naturalWidth > 0")
        picture = target.with_suffix(".png")
        page.screenshot(path=picture)
        browser.close()
    with Image.open(picture) as opened:
        opened.convert("RGB").save(target, quality=82, method=6)
    picture.unlink()
    return target


@contextlib.contextmanager
def daemon(photos: Path) -> Iterator[Callable[..., Any]]:
    """A daemon on the demo's folder; asks it, as a plugin does."""
    home = Path(os.environ["AFTERFRAME_HOME"])
    command = [sys.executable, "-m", "afterframe", "serve", "--port", "0", "--no-open", "--folder", str(photos)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while not (home / "daemon.json").exists():
            time.sleep(0.1)
        url = json.loads((home / "daemon.json").read_text())["url"]
        headers = {
            "Authorization": f"Bearer {(home / 'token').read_text().strip()}",
            "Content-Type": "application/json",
        }

        def ask(path: str, body: object = None) -> Any:
            data = None if body is None else json.dumps(body).encode()
            with urllib.request.urlopen(urllib.request.Request(url + path, data, headers), timeout=60) as answer:
                return json.load(answer)

        yield ask
    finally:
        process.terminate()
        process.wait()


def save(photo: Path, clip: Path, target: Path) -> None:
    """Photo and clip side by side, as an endless WebP."""
    from PIL import Image

    frames = list(clip_frames(clip))[::EVERY]
    size = frames[0].size
    with Image.open(photo) as opened:
        still = opened.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    pictures = []
    for frame in frames:
        both = Image.new("RGB", (2 * size[0] + GAP, size[1]), "white")
        both.paste(still, (0, 0))
        both.paste(frame, (size[0] + GAP, 0))
        pictures.append(both)
    pictures[0].save(
        target, save_all=True, append_images=pictures[1:], duration=1000 * EVERY // 24, loop=0, quality=70, method=6
    )


def clip_frames(clip: Path) -> Iterator[Image.Image]:
    """A clip's frames, as small as the picture needs them."""
    import cv2
    from PIL import Image

    video = cv2.VideoCapture(str(clip))
    while True:
        there, pixels = video.read()
        if not there:
            break
        frame = Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))
        yield frame.resize((round(frame.width * HEIGHT / frame.height), HEIGHT), Image.Resampling.LANCZOS)
    video.release()


if __name__ == "__main__":
    main(sys.argv[1:])
