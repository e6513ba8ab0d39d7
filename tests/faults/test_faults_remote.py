"""Clips from servers elsewhere: real servers that die, stall and come back, a real daemon, real clips."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from faults_processes import Afterframe, clips_in, frames_of, hidden_in, until
from video_servers import VideoServer

from afterframe.publish.sidecar import read_clip
from factories import make_photo_file
from photometa import read_sidecar

SERVER = Path(__file__).parents[1] / "afterframe" / "video_servers.py"
LONG = bool(os.environ.get("AFTERFRAME_LONG"))
CLIPS = 30 if LONG else 7
"""The long form is run by hand: AFTERFRAME_LONG=1."""


class Box:
    """A server in a process of its own."""

    def __init__(self, dialect: str, work_s: float) -> None:
        self.dialect = dialect
        self.process = subprocess.Popen(
            [sys.executable, SERVER, dialect, str(work_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().decode().strip()

    def jobs(self) -> set[str]:
        with urllib.request.urlopen(f"{self.url}/v1/videos", timeout=10) as answer:
            return {job["id"] for job in json.load(answer)["data"]}

    def working(self) -> int:
        return len(self.jobs())

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def box() -> Iterator[Callable[..., Box]]:
    with ExitStack() as stack:

        def start(dialect: str, work_s: float = 0.05) -> Box:
            made = Box(dialect, work_s)
            stack.callback(made.kill)
            return made

        yield start


def use(afterframe: Afterframe, *boxes: Any) -> None:
    """Write config.toml so that clips come from these servers."""
    afterframe.settings(render={"preset": "ultrafast", "generator": "remote"})
    with (afterframe.home / "config.toml").open("a") as config:
        for place, box in enumerate(boxes):
            config.write(f'\n[[remote.endpoints]]\nname = "box{place}"\n')
            config.write(f'url = "{box.url}"\ndialect = "{box.dialect}"\n')


def photos_in(folder: Path, count: int) -> None:
    for number in range(count):
        make_photo_file(folder / f"DSC_{number:04}.jpg", seed=number)


@pytest.mark.slow
def test_three_servers_one_killed_one_slow_make_every_clip_once(
    afterframe: Afterframe, folder: Path, box: Callable[..., Box]
) -> None:
    quick, slow, doomed = box("sglang"), box("vllm-omni", 2.0), box("fastvideo", 600.0)
    use(afterframe, quick, slow, doomed)
    photos_in(folder, CLIPS)
    afterframe.serve(folder)
    until(lambda: afterframe.states().get("done", 0) >= 2 and doomed.working() > 0, "the server to be at work")
    doomed.kill()
    until(lambda: afterframe.states() == {"done": CLIPS}, "all clips", 300)
    assert clips_in(folder) == [f"DSC_{number:04}_motion.mp4" for number in range(CLIPS)]
    assert [row["strikes"] for row in afterframe.rows("SELECT strikes FROM jobs WHERE strikes > 0")] == []
    assert hidden_in(folder) == []
    assert "box2: " in (afterframe.home / "logs" / "worker.log").read_text()  # it was missed
    until(lambda: quick.working() + slow.working() == 0, "the servers to have been told that it is over")


@pytest.mark.slow
def test_what_a_killed_daemon_left_on_a_server_is_ended_when_it_is_back(
    afterframe: Afterframe, folder: Path, box: Callable[..., Box]
) -> None:
    server = box("vllm-omni", 600.0)
    use(afterframe, server)
    photos_in(folder, 1)
    daemon = afterframe.serve(folder)
    until(lambda: list((afterframe.home / "cache" / "remote").glob("*.job")), "the job's id to be noted")
    (orphan,) = server.jobs()
    daemon.kill()
    assert server.jobs() == {orphan}
    afterframe.serve(folder)
    until(lambda: server.jobs() - {orphan}, "the job to be given again")
    assert orphan not in server.jobs()


@pytest.mark.slow
def test_who_waits_at_the_terminal_is_told_that_nobody_is_there(
    afterframe: Afterframe, folder: Path, box: Callable[..., Box]
) -> None:
    gone = box("sglang")
    gone.kill()
    use(afterframe, gone)
    photos_in(folder, 1)
    (result,) = afterframe.animate(*folder.iterdir())
    assert result["state"] == "failed"
    assert result["error"]["code"] == "unavailable"
    assert "connection is refused" in result["error"]["message"]
    assert hidden_in(folder) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("withholds", "times"),
    [((400, "Video has been uploaded to cloud storage."), 1), ((404, "Generated video file not found on disk."), 3)],
)
def test_no_photo_is_rendered_again_and_again_for_a_clip_that_a_server_keeps(
    afterframe: Afterframe, folder: Path, withholds: tuple[int, str], times: int
) -> None:
    with VideoServer("sglang", withholds=withholds).running() as server:
        use(afterframe, server)
        photos_in(folder, 1)
        daemon = afterframe.serve(folder)
        words = withholds[1].rstrip(".")
        if times > 1:  # tried again after 5 and 15 seconds; meanwhile it waits, and says why
            until(lambda: any(words in str(row) for row in afterframe.rows("SELECT error FROM jobs")), "a strike")
            if not LONG:
                return
        if LONG:
            with suppress(AssertionError):
                until(lambda: server.created > times, "ten minutes to be over", 600)
        until(lambda: afterframe.states() == {"failed": 1}, "the photo to be parked", 60)
        (parked,) = afterframe.ask("status")["failed"]
        assert words in parked["error"]["message"]
        assert server.created == times
        assert daemon.process.poll() is None
        assert hidden_in(folder) == []


@pytest.mark.slow
def test_another_afterframe_is_a_server_too_and_its_clip_claims_no_model(
    afterframe: Afterframe, folder: Path, tmp_path: Path
) -> None:
    other = Afterframe(tmp_path / "other-home")
    other.settings()
    daemon = other.serve()
    try:
        there = json.loads((other.home / "daemon.json").read_text())
        use(afterframe)
        with (afterframe.home / "config.toml").open("a") as config:
            config.write(f'\n[[remote.endpoints]]\nurl = "{there["url"]}"\ndialect = "afterframe"\n')
            config.write(f'key_file = "{other.home / "token"}"\n')
        make_photo_file(folder / "Straße 1.jpg")
        (result,) = afterframe.animate(folder / "Straße 1.jpg")
        assert result["state"] == "done", result
        clip = result["clips"][0]
        assert len(frames_of(clip["path"])) == 4
        said = read_sidecar(clip["sidecar"])
        assert str(said["Iptc4xmpExt:DigitalSourceType"]).endswith("algorithmicallyEnhanced")
        assert "Iptc4xmpExt:AISystemUsed" not in said
        known = read_clip(Path(clip["sidecar"]))
        assert known is not None
        assert known.generator == "remote"
        token = (other.home / "token").read_text().strip()
        assert token not in Path(clip["sidecar"]).read_text()
        assert all(token not in log.read_text() for log in (afterframe.home / "logs").iterdir())
        assert other.states() == {"done": 1}  # and nothing of it stays there
        assert not list((other.home / "uploads").rglob("*.mp4"))
    finally:
        daemon.end()
