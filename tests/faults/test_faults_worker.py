"""A worker that dies, hangs or is told to stop: the batch goes on and nothing is left behind."""

from __future__ import annotations

import json
import os
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest
from faults_processes import Afterframe, Daemon, clips_in, hidden_in, python_path, until

from factories import make_photo_file

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PLUGIN = '''
"""A generator that behaves badly for photos whose prompt says so."""
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

from afterframe.generators.parallax.generator import Parallax

HERE = Path(__file__).parent


class Unruly(Parallax):
    name = "unruly"

    def generate(self, photo, recipe, progress, cancelled):
        frames = super().generate(photo, recipe, progress, cancelled)
        return replace(frames, frames=self._unruly(frames.frames, recipe.prompt))

    def _unruly(self, frames, prompt):
        for number, frame in enumerate(frames):
            yield frame
            if number == 1:
                self._misbehave(prompt)

    def _misbehave(self, prompt):
        times = HERE / "times"
        with times.open("a") as file:
            file.write("x")
        if "crash always" in prompt or ("crash once" in prompt and times.stat().st_size == 1):
            os.kill(os.getpid(), signal.SIGSEGV)
        if "hang once" in prompt and times.stat().st_size == 1:
            threading.Event().wait()
        if "wait" in prompt:
            threading.Event().wait(1000)
'''


@pytest.fixture
def unruly(afterframe: Afterframe, tmp_path: Path) -> Path:
    """The plugin, installed as a package manager would: a module and its dist-info with the entry point."""
    site = tmp_path / "site"
    info = site / "unruly-1.dist-info"
    info.mkdir(parents=True)
    (site / "unruly.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: unruly\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[afterframe.generators]\nunruly = unruly:Unruly\n")
    afterframe.environment["PYTHONPATH"] = python_path(site)
    afterframe.settings(render={"generator": "unruly", "stall_s": 3})
    return site


def make_photo(folder: Path, name: str, words: str, seed: int = 0) -> Path:
    """A photo in a folder of its own, whose prompt the folder's settings give."""
    own = folder / name
    own.mkdir()
    (own / "afterframe.toml").write_text(f'prompt = "{words}"\n')
    return make_photo_file(own / f"{name}.jpg", seed=seed)


def job_of(afterframe: Afterframe, photo: Path) -> dict[str, Any]:
    query = "SELECT jobs.* FROM jobs JOIN photos ON photos.id = photo_id WHERE path = ?"
    return next(iter(afterframe.rows(query, str(photo))), {"state": None})


def ask(daemon: Daemon, afterframe: Afterframe, path: str) -> Any:
    url = json.loads((afterframe.home / "daemon.json").read_text())["url"]
    token = (afterframe.home / "token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url + path, data=b"{}", headers=headers), timeout=30) as answer:
        return json.load(answer)


def test_a_photo_that_kills_three_workers_is_parked_and_the_batch_goes_on(
    afterframe: Afterframe, folder: Path, unruly: Path
) -> None:
    deadly = make_photo(folder, "deadly", "crash always")
    good = [make_photo(folder, f"good-{number}", "a calm lake", number) for number in range(2)]
    daemon = afterframe.serve(folder)
    until(lambda: afterframe.states() == {"done": 2, "failed": 1}, daemon.said())
    job = job_of(afterframe, deadly)
    error = json.loads(job["error"])
    assert (job["state"], job["strikes"], error["code"]) == ("failed", 3, "worker_died")
    assert "3 tries" in error["message"]
    assert error["hint"]
    assert (unruly / "times").stat().st_size == 3 + len(good)
    assert clips_in(folder) == [f"{photo.stem}/{photo.stem}_motion.mp4" for photo in good]
    until(lambda: hidden_in(folder) == [], "nothing hidden to be left")


def test_the_command_parks_a_photo_that_kills_its_workers_too(
    afterframe: Afterframe, folder: Path, unruly: Path
) -> None:
    deadly = make_photo(folder, "deadly", "crash always")
    good = make_photo(folder, "good", "a calm lake")
    results = afterframe.animate(deadly, good)
    assert [result["state"] for result in results] == ["failed", "done"]
    assert results[0]["error"]["code"] == "worker_died"
    assert "deadly.jpg" in results[0]["error"]["message"]
    assert hidden_in(folder) == []


def test_a_render_that_hangs_is_ended_and_tried_again(afterframe: Afterframe, folder: Path, unruly: Path) -> None:
    photo = make_photo(folder, "slow", "hang once")
    daemon = afterframe.serve(folder)
    until(lambda: afterframe.states() == {"done": 1}, daemon.said())
    assert job_of(afterframe, photo)["strikes"] == 1
    assert clips_in(folder) == ["slow/slow_motion.mp4"]
    assert hidden_in(folder) == []


def test_a_worker_that_is_killed_from_outside_costs_one_strike(
    afterframe: Afterframe, folder: Path, unruly: Path
) -> None:
    afterframe.settings(render={"generator": "unruly"})
    photo = make_photo(folder, "A", "wait")
    daemon = afterframe.serve(folder)
    until(lambda: (unruly / "times").exists(), "the render to begin")
    (worker,) = (p for p in daemon.members() if "afterframe.render.worker" in p.cmdline())
    (photo.parent / "afterframe.toml").unlink()
    (unruly / "unruly.py").write_text(PLUGIN.replace('"wait" in prompt', "False"))
    worker.kill()
    until(lambda: afterframe.states() == {"done": 1}, daemon.said())
    assert job_of(afterframe, photo)["strikes"] == 1
    assert hidden_in(folder) == []


def test_cancelling_in_mid_render_stops_it_and_leaves_nothing(afterframe: Afterframe, folder: Path) -> None:
    afterframe.settings(recipe={"size": [640, 480], "duration_s": 20.0, "fps": 30})
    photo = make_photo_file(folder / "A.jpg")
    daemon = afterframe.serve(folder)
    until(lambda: any(path.stat().st_size for path in folder.glob(".afterframe-*.mp4")), "the render to be on its way")
    ask(daemon, afterframe, f"/api/renders/{job_of(afterframe, photo)['id']}/cancel")
    until(lambda: afterframe.states() == {"cancelled": 1}, "the render to stop", seconds=10)
    until(lambda: not [p for p in daemon.members() if "ffmpeg" in p.name()], "ffmpeg to be gone", seconds=10)
    assert hidden_in(folder) == []
    assert [path.name for path in folder.iterdir()] == ["A.jpg"]


def test_ctrl_c_on_the_command_cancels_what_is_not_done(afterframe: Afterframe, folder: Path) -> None:
    afterframe.settings(recipe={"size": [640, 480], "duration_s": 20.0, "fps": 30})
    for seed in range(3):
        make_photo_file(folder / f"{seed}.jpg", seed=seed)
    command = afterframe.command("animate", "--json", folder, start_new_session=True)
    until(lambda: any(path.stat().st_size for path in folder.glob(".afterframe-*.mp4")), "the render to be on its way")
    os.killpg(command.pid, 2)
    out, err = command.communicate(timeout=30)
    assert command.returncode == 130, err
    assert b"Traceback" not in err, err.decode()
    assert out == b""
    assert hidden_in(folder) == []
    until(lambda: not [p for p in psutil.process_iter() if _group_of(p) == command.pid], "the group to be gone")
    assert set(afterframe.states()) <= {"cancelled", "done", "queued"}
    assert "running" not in afterframe.states()


def test_what_a_killed_command_left_is_removed_by_the_next_one(afterframe: Afterframe, folder: Path) -> None:
    afterframe.settings(recipe={"size": [640, 480], "duration_s": 20.0, "fps": 30})
    photo = make_photo_file(folder / "A.jpg")
    command = afterframe.command("animate", photo, start_new_session=True)
    until(lambda: any(path.stat().st_size for path in folder.glob(".afterframe-*.mp4")), "the render to be on its way")
    os.killpg(command.pid, 9)
    command.communicate(timeout=30)
    left = list(folder.glob(".afterframe-*"))
    assert left
    for path in left:  # as a minute later
        os.utime(path, (0, 0))
    afterframe.settings()
    afterframe.animate(make_photo_file(folder / "B.jpg", seed=2))
    assert hidden_in(folder) == []


def _group_of(process: psutil.Process) -> int:
    try:
        return os.getpgid(process.pid)
    except OSError:
        return 0
