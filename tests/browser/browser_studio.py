"""A daemon on a port of its own, and clips that were made before it started."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from faults_processes import toml, until
from playwright.sync_api import Page

import photometa
from afterframe.config import Home
from afterframe.domain import Clip, Stamp
from afterframe.encode.encode import encode
from afterframe.encode.process import Encoding
from afterframe.errors import PhotoError
from afterframe.imaging.frames import Frames
from afterframe.naming import sidecar_of
from afterframe.publish.sidecar import MadeBy, sidecar_properties
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList
from afterframe.state.queue import Queue
from afterframe.system.hashing import sha256_of
from factories import make_clip, make_frames, make_job, make_photo_file, make_recipe
from photometa.xmp.packets import packet

SIZE = (192, 128)
TINY = {"size": list(SIZE), "duration_s": 1, "fps": 8}


class Watched:
    """What pages did that they should not."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.allowed: list[str] = []
        """Beginnings of console lines that a test expects."""

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("console", lambda line: self._line(line.type, f"{line.text} {line.location['url']}"))
        page.on("request", lambda request: self._request(request.url))
        page.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def _line(self, kind: str, text: str) -> None:
        if kind == "error" and not any(words in text for words in self.allowed):
            self.wrong.append(f"console: {text}")

    def _request(self, url: str) -> None:
        if urlsplit(url).hostname not in ("127.0.0.1", "localhost", None):
            self.wrong.append(f"left the machine: {url}")


class Studio:
    """A home, a folder with photos, and one daemon at a time."""

    def __init__(self, home: Path, photos: Path) -> None:
        self.home = Home(home).make()
        self.photos = photos
        self.process: subprocess.Popen[bytes] | None = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    # -- before the daemon starts ------------------------------------------------------------

    def settings(self, **sections: dict[str, Any]) -> None:
        values: dict[str, dict[str, Any]] = {
            "server": {"port": self.port},
            "watch": {"settle_s": 0.2, "broken_s": 1.0},
            "render": {"preset": "ultrafast", "generator": "parallax"},
            "recipe": dict(TINY),
        }
        for name, changes in sections.items():
            values.setdefault(name, {}).update(changes)
        self.home.config.write_text(toml(values), "utf-8")

    def photo(self, name: str = "DSC_0042.jpg", size: tuple[int, int] = SIZE, **save: Any) -> Path:
        return make_photo_file(self.photos / name, size, sum(name.encode()), **save)

    def clips(
        self, count: int, *, facts: dict[str, Any] | None = None, names: list[str] | None = None, **save: Any
    ) -> list[Clip]:
        """Real clips with their sidecars, in the catalogue of a daemon that is not started yet."""
        film = self._film()
        database = Database(self.home.database)
        catalog, made = Catalog(database), []
        FolderList(database).put(self.photos, watch=True)
        for number in range(count):
            photo = self.photo(names[number] if names else f"DSC_{number:04}.jpg", **save)
            known = catalog.put_photo(photo, Stamp.of(photo.stat()), sha256_of(photo), facts or {})
            catalog.mark_auto_animated(photo, known.sha256)
            path = photo.with_name(f"{photo.stem}_motion.mp4")
            path.write_bytes(film)
            clip = make_clip(
                known,
                path,
                id=f"{number:08}-0000-4000-8000-000000000000",
                sha256=sha256_of(path),
                recipe=make_recipe(size=SIZE, duration_s=1.0, prompt=f"waves roll in, number {number}"),
                duration_s=1.0,
                created_at=1_700_000_000.0 + number,
            )
            properties = sidecar_properties(clip, MadeBy("parallax", "1", trained=False), {}, 8)
            sidecar_of(path).write_bytes(packet(properties))
            catalog.put_clip(clip)
            made.append(clip)
        database.close()
        return made

    def rows(self, count: int) -> None:
        """Clips that stand in the catalogue alone, in a folder that nobody watches."""
        database = Database(self.home.database)
        catalog = Catalog(database)
        with database.transaction():
            for number in range(count):
                folder = Path(f"/archive/{number // 300:02}")
                photo = catalog.put_photo(folder / f"DSC_{number:05}.jpg", Stamp(1, 1), f"{number:064x}", {})
                clip_id = f"{number:08}-0000-4000-8000-000000000000"
                catalog.put_clip(make_clip(photo, id=clip_id, created_at=1_600_000_000.0 + 3600 * number))
        database.close()

    def failures(self, count: int) -> None:
        """Renders that failed, of photos that are gone by now; the queue is paused."""
        database = Database(self.home.database)
        catalog, queue = Catalog(database), Queue(database)
        with database.transaction():
            for number in range(count):
                make_job(queue, catalog, f"/archive/DSC_{number:05}.jpg")
                job = queue.claim("studio/0")
                assert job is not None
                queue.fail(job.id, "studio/0", PhotoError("The photo cannot be read."))
        queue.pause(paused=True)
        database.close()

    def _film(self) -> bytes:
        frames: Frames = make_frames(8, SIZE)
        path = self.home.cache / "film.mp4"
        encode(replace(frames, fps=8), path, Encoding(preset="ultrafast"), lambda *_: None, lambda: False)
        data = path.read_bytes()
        path.unlink()
        return data

    # -- the daemon ---------------------------------------------------------------------------

    def start(self, *, watch: bool = True) -> None:
        if not self.home.config.exists():
            self.settings()
        self.home.daemon.unlink(missing_ok=True)
        folder = ["--folder", str(self.photos)] if watch else []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "afterframe", "serve", "--no-open", *folder],
            env={**os.environ, "AFTERFRAME_HOME": str(self.home.root)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self.home.daemon.exists, "the daemon to answer")

    def kill(self) -> None:
        """As a crash would: the daemon and all that it started."""
        if self.process is None:
            return
        try:
            family = [*psutil.Process(self.process.pid).children(recursive=True), psutil.Process(self.process.pid)]
        except psutil.NoSuchProcess:
            family = []
        for process in family:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self.process.wait()
        psutil.wait_procs(family, timeout=10)
        self.process = None

    end = kill

    def ask(self, path: str, body: object = None) -> Any:
        """A request as a plugin sends it."""
        headers = {"Authorization": f"Bearer {self.home.token.read_text().strip()}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers), timeout=30) as answer:
            return json.load(answer)

    def enter(self, page: Page, path: str = "/") -> None:
        """Let a browser in, and show it a page."""
        page.goto(self.ask("/api/login-code", {})["url"])
        page.locator("#live").wait_for()
        if path != "/":
            self.show(page, path)
        page.locator('#live[data-is="yes"]').wait_for()

    def show(self, page: Page, path: str = "/") -> None:
        """Go to a page, which a script opens: the address alone shows nothing."""
        page.goto(self.url + path)
        page.locator("#live").wait_for()

    def sidecar(self, clip: Clip) -> tuple[str, str]:
        """(verdict, rating) as the sidecar says."""
        said = photometa.read_sidecar(Path(clip.sidecar_path))
        return str(said["afterframe:verdict"]), str(said["xmp:Rating"])
