"""The `openai` package, unmodified, against a running daemon; and the page that shows how, line by line."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import piexif
import pytest
from openai import OpenAI
from PIL import Image

import photometa
from clip_frames import read_frames
from factories import make_photo_file

PAGE = Path(__file__).parents[3] / "docs" / "coming-from-sora.md"
SETTINGS = """
[render]
generator = "parallax"
preset = "ultrafast"
[recipe]
fps = 8
duration_s = 0.5
long_side = 96
"""
LONG: dict[str, Any] = {"seconds": "12", "size": "1792x1024", "extra_body": {"fps": 60}}
"""720 large frames: most of a minute."""
TINY: dict[str, Any] = {"seconds": "1", "size": "96x64"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning"),
]
_pause = threading.Event()


@dataclass(frozen=True)
class Served:
    """A running daemon, and a client of it."""

    home: Path
    url: str
    process: subprocess.Popen[bytes]
    client: OpenAI

    @property
    def videos(self) -> Path:
        return self.home / "uploads" / "videos"

    def environment(self) -> dict[str, str]:
        return {**os.environ, "AFTERFRAME_HOME": str(self.home)}

    def renders(self) -> dict[str, dict[str, Any]]:
        """Renders by the id of their video."""
        page = self.client.with_options(base_url=self.url).get("/api/renders?limit=200", cast_to=object)
        return {Path(render["photo"]).parent.name: render for render in page["renders"]}  # type: ignore[index]


def until(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    for _ in range(round(seconds / 0.05)):
        if condition():
            return
        _pause.wait(0.05)
    raise AssertionError(f"not within {seconds:g} s: {what}")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("home of Sora's heirs")
    (home / "config.toml").write_text(SETTINGS, "utf-8")
    with (home / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "afterframe", "serve", "--port", "0", "--no-open", "--folder", str(photos(home))],
            env={**os.environ, "AFTERFRAME_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: (home / "daemon.json").exists() or process.poll() is not None, "the daemon to answer")
        # Then its worker and its reader run, too, and each test finds the processes that it leaves.
        until(lambda: (photos(home) / "DSC_0001_motion.mp4.xmp").exists(), "the watched photo's clip")
        url = json.loads((home / "daemon.json").read_text("utf-8"))["url"]
        with OpenAI(base_url=f"{url}/v1", api_key=(home / "token").read_text("utf-8").strip(), max_retries=0) as client:
            yield Served(home, url, process, client)
    finally:
        process.terminate()
        process.wait(30)


def photos(home: Path) -> Path:
    """A watched folder with one photo."""
    folder = home.parent / f"{home.name} photos"
    if not folder.exists():
        folder.mkdir()
        make_photo_file(folder / "DSC_0001.jpg")
    return folder


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo whose file says how it was taken."""
    exif = {
        "0th": {piexif.ImageIFD.Make: b"Nikon", piexif.ImageIFD.Model: b"Z 6"},
        "Exif": {piexif.ExifIFD.FocalLengthIn35mmFilm: 85, piexif.ExifIFD.FNumber: (18, 10)},
    }
    return make_photo_file(tmp_path / "DSC_0042.jpg", (320, 200), exif=piexif.dump(exif))


def test_the_page_shows_what_works(served: Served, photo: Path, tmp_path: Path) -> None:
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL))
    for name in ("create_and_poll", "input_reference", "download_content", "list", "delete", "remix"):
        assert name in code
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code],
        cwd=tmp_path,
        env=served.environment(),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["completed"] * 3
    assert len(read_frames(tmp_path / "clip.mp4", (1280, 720))) == 32
    with Image.open(tmp_path / "clip.webp") as thumbnail, Image.open(tmp_path / "clip.jpg") as sheet:
        assert (thumbnail.format, thumbnail.size) == ("WEBP", (1280, 720))
        assert (sheet.format, sheet.size) == ("JPEG", (5 * 256, 5 * 144))
    ended = [render["state"] for render in served.renders().values()]
    assert ended.count("cancelled") == 1  # the one that was deleted


def test_deleting_in_mid_run_stops_the_render_and_leaves_nothing(served: Served, photo: Path) -> None:
    client = served.client
    unwanted = client.videos.create(prompt="too much", input_reference=photo, **LONG)
    until(lambda: served.renders()[unwanted.id]["progress"] > 0.01, "frames to be made")
    assert client.videos.retrieve(unwanted.id).status == "in_progress"
    deleted = client.videos.delete(unwanted.id)
    assert (deleted.id, deleted.deleted, deleted.object) == (unwanted.id, True, "video.deleted")
    render = served.renders()[unwanted.id]
    assert render["state"] == "cancelled"
    assert render["progress"] < 0.9
    assert not (served.videos / unwanted.id).exists()
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(unwanted.id)
    # The same worker goes on with the next one.
    wanted = client.videos.create_and_poll(prompt="less", input_reference=photo, poll_interval_ms=50, **TINY)
    assert wanted.status == "completed"


def test_a_remix_names_its_parent_and_a_sent_photo_gets_a_sidecar(served: Served, photo: Path) -> None:
    client = served.client
    video = client.videos.create_and_poll(
        model="sora-2-pro", prompt="Waves roll in.", input_reference=photo, poll_interval_ms=50, **TINY
    )
    remix = client.videos.poll(client.videos.remix(video.id, prompt="Fog drifts in.").id, poll_interval_ms=50)
    assert (video.status, remix.status) == ("completed", "completed")
    assert (video.model, remix.remixed_from_video_id, remix.prompt) == ("sora-2-pro", video.id, "Fog drifts in.")
    first, second = (photometa.read_sidecar(sidecar(served, one.id)) for one in (video, remix))
    assert str(first["afterframe:prompt"]).startswith("Waves roll in. The look stays as photographed: 85 mm lens")
    assert str(second["afterframe:prompt"]).startswith("Fog drifts in. The look stays as photographed: 85 mm lens")
    assert f"xmp.did:{second['afterframe:parent']}" == first["xmpMM:DocumentID"]
    assert second["afterframe:seed"] == first["afterframe:seed"]
    assert client.videos.download_content(remix.id).read() == sidecar(served, remix.id).with_suffix("").read_bytes()


def sidecar(served: Served, video_id: str) -> Path:
    (found,) = (served.videos / video_id).glob("*.mp4.xmp")
    return found


def test_every_form_of_a_photo_arrives_byte_for_byte(served: Served, photo: Path) -> None:
    data = photo.read_bytes()
    url = "data:image/jpeg;base64," + base64.b64encode(data).decode()
    references: list[dict[str, Any]] = [
        {"input_reference": photo},
        {"input_reference": data},
        {"input_reference": ("Größe 写真.jpg", data, "image/jpeg")},
        {"extra_body": {"input_reference": {"image_url": url}}},
    ]
    for reference in references:
        video = served.client.videos.create(prompt="still", **TINY, **reference)
        (kept,) = (served.videos / video.id).glob("*.jpg")
        assert kept.read_bytes() == data
        served.client.videos.delete(video.id)
        assert not kept.parent.exists()


def test_refusals_raise_the_packages_own_exceptions(served: Served, photo: Path) -> None:
    client = served.client
    with pytest.raises(openai.BadRequestError, match="animates photographs") as words_alone:
        client.videos.create(prompt="a cat")
    assert (words_alone.value.code, words_alone.value.type) == ("no_photo", "invalid_request_error")
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="sk-wrong").videos.list()
    with pytest.raises(openai.BadRequestError, match="duration_s"):
        client.videos.create(prompt="x", input_reference=photo, seconds="1000")  # type: ignore[arg-type]
    with pytest.raises(openai.UnprocessableEntityError, match=r"broken\.jpg"):
        client.videos.create(prompt="x", input_reference=("broken.jpg", photo.read_bytes()[:300]))
    with pytest.raises(openai.UnprocessableEntityError, match=r"notes\.jpg is not a picture"):
        client.files.create(file=("notes.jpg", b"no picture"), purpose="vision")
    with pytest.raises(openai.NotFoundError):
        client.videos.download_content("video_x")
    with pytest.raises(openai.BadRequestError, match="only extends videos that it made"):
        client.videos.extend(prompt="x", seconds="4", video=b"x")
    with pytest.raises(openai.BadRequestError, match="only edits videos that it made"):
        client.videos.edit(prompt="x", video=b"x")
    with pytest.raises(openai.BadRequestError, match="characters"):
        client.videos.create_character(name="Ann", video=b"x")


def test_the_watched_folder_is_as_it_was(served: Served) -> None:
    folder = photos(served.home)
    assert sorted(path.name for path in folder.iterdir()) == [
        "DSC_0001.jpg",
        "DSC_0001_motion.mp4",
        "DSC_0001_motion.mp4.xmp",
    ]
    assert served.process.poll() is None
