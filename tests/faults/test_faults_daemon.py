"""The daemon through everything that happens to a daemon: each photo is animated exactly once."""

from __future__ import annotations

import contextlib
import shutil
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from faults_processes import Afterframe, Daemon, clips_in, copy_slowly, frames_of, hidden_in, until

from afterframe.naming import clip_path
from factories import make_photo_file

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LONGER = {"size": [320, 240], "duration_s": 3.0, "fps": 24}
"""A clip that takes long enough to be caught in the middle."""


def make_photos(folder: Path, count: int, *, first: int = 0) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    return [make_photo_file(folder / f"DSC_{number:04}.jpg", seed=number) for number in range(first, first + count)]


def expected_clips(photos: list[Path], folder: Path) -> list[str]:
    return sorted(str(clip_path(photo, f"{photo.stem}_motion", 1).relative_to(folder)) for photo in photos)


def all_done(afterframe: Afterframe, daemon: Daemon, count: int) -> None:
    until(lambda: afterframe.states() == {"done": count}, f"{count} done: {afterframe.states()}\n{daemon.said()}")


def test_photos_that_arrive_in_any_way_are_animated_exactly_once(afterframe: Afterframe, folder: Path) -> None:
    outside = folder.parent / "outside"
    copied = make_photos(outside / "copied", 2)
    make_photos(outside / "moved" / "inner", 2, first=10)
    renamed = make_photos(outside / "renamed", 2, first=20)
    daemon = afterframe.serve(folder)
    nested = folder / "2024" / "05" / "04"
    nested.mkdir(parents=True)
    for photo in copied:
        copy_slowly(photo, folder / photo.name)
        shutil.copy(photo, nested / photo.name)
    for photo in renamed:
        shutil.copy(photo, folder / f".{photo.name}.part")
        (folder / f".{photo.name}.part").rename(folder / photo.name)
    (outside / "moved").rename(folder / "moved")
    for level in range(4):
        nested /= f"deep-{level}"
        nested.mkdir()
        make_photos(nested, 1, first=30 + level)
    photos = sorted(folder.rglob("*.jpg"))
    assert len(photos) == 12
    all_done(afterframe, daemon, len(photos))
    daemon.stop()
    assert clips_in(folder) == expected_clips(photos, folder)
    assert afterframe.rows("SELECT COUNT(*) n FROM jobs") == [{"n": len(photos)}]
    assert afterframe.problems() == {}
    assert hidden_in(folder) == []


def catch_a_render(folder: Path) -> None:
    """Until a clip is being written."""
    until(lambda: any(path.stat().st_size for path in folder.rglob(".afterframe-*.mp4")), "a render", poll_s=0.005)


def catch_a_publish(afterframe: Afterframe, daemon: Daemon, one_more: Callable[[], None]) -> None:
    """Stop the whole group in the middle of a publish."""
    while True:
        one_more()
        while not afterframe.idle():
            until(lambda: afterframe.rows("SELECT 1 FROM intents") or afterframe.idle(), "a publish", poll_s=0.0005)
            daemon.signal(signal.SIGSTOP)
            if afterframe.rows("SELECT 1 FROM intents"):
                return
            daemon.signal(signal.SIGCONT)


def test_ten_kills_in_mid_render_and_mid_publish_lose_and_double_nothing(afterframe: Afterframe, folder: Path) -> None:
    afterframe.settings(recipe=LONGER, render={"poster": True})
    photos: list[Path] = []
    lives: list[Daemon] = []

    def one_more() -> None:
        before = sum(afterframe.states().values())
        photos.extend(make_photos(folder, 1, first=len(photos)))
        until(lambda: sum(afterframe.states().values()) > before, f"{photos[-1]} to be seen\n{lives[-1].said()}")

    for kill in range(10):
        lives.append(afterframe.serve(folder))
        if kill % 2 == 0:
            one_more()
            catch_a_render(folder)
        else:
            catch_a_publish(afterframe, lives[-1], one_more)
        lives[-1].kill()
    lives.append(afterframe.serve(folder))
    all_done(afterframe, lives[-1], len(photos))
    assert lives[-1].stop() == 0

    assert clips_in(folder) == expected_clips(photos, folder)
    for clip in clips_in(folder):
        assert len(frames_of(folder / clip, (320, 240))) == 72
    assert afterframe.rows("SELECT COUNT(*) n, MAX(strikes) strikes FROM jobs") == [{"n": len(photos), "strikes": 0}]
    assert afterframe.rows("SELECT * FROM intents") == []
    assert hidden_in(folder) == []
    for number, photo in enumerate(photos):
        assert photo.read_bytes() == make_photo_file(folder.parent / "again.jpg", seed=number).read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("whole_group", [False, True], ids=["the daemon alone", "the whole group"])
def test_a_polite_end_leaves_no_process_and_costs_the_render_nothing(
    afterframe: Afterframe, folder: Path, number: signal.Signals, whole_group: bool
) -> None:
    """A service manager and Ctrl-C in a terminal signal every process of the group."""
    afterframe.settings(recipe={**LONGER, "duration_s": 20.0})
    (photo,) = make_photos(folder, 1)
    daemon = afterframe.serve(folder)
    catch_a_render(folder)
    members = daemon.members()
    assert len(members) >= 3  # the daemon, its worker, ffmpeg
    if whole_group:
        daemon.signal(number)
    else:
        daemon.process.send_signal(number)
    assert daemon.process.wait(20) == 0, daemon.said()
    until(lambda: not daemon.members(), "the group to be gone", seconds=5)
    assert "Traceback" not in daemon.said(), daemon.said()
    assert afterframe.rows("SELECT state, strikes FROM jobs") == [{"state": "queued", "strikes": 0}]
    assert hidden_in(folder) == []
    assert not (afterframe.home / "daemon.json").exists()

    afterframe.settings()
    daemon = afterframe.serve(folder)
    all_done(afterframe, daemon, 1)
    assert clips_in(folder) == expected_clips([photo], folder)


def test_the_worker_ends_when_its_daemon_is_killed_alone(afterframe: Afterframe, folder: Path) -> None:
    afterframe.settings(recipe={**LONGER, "duration_s": 20.0})
    photos = make_photos(folder, 1)
    daemon = afterframe.serve(folder)
    catch_a_render(folder)
    daemon.process.kill()
    daemon.process.wait()
    until(lambda: not daemon.members(), "the group to be gone")
    daemon = afterframe.serve(folder)
    all_done(afterframe, daemon, 1)
    daemon.stop()
    assert clips_in(folder) == expected_clips(photos, folder)
    assert hidden_in(folder) == []


def test_the_command_works_beside_a_running_daemon(afterframe: Afterframe, folder: Path) -> None:
    daemon = afterframe.serve(folder)
    photos = make_photos(folder, 6)
    elsewhere = make_photos(folder.parent / "elsewhere", 3, first=50)
    results = afterframe.animate(folder, folder.parent / "elsewhere")
    assert {result["state"] for result in results} == {"done"}
    all_done(afterframe, daemon, len(photos) + len(elsewhere))
    daemon.stop()
    assert clips_in(folder) == expected_clips(photos, folder)
    assert clips_in(folder.parent / "elsewhere") == expected_clips(elsewhere, folder.parent / "elsewhere")
    assert hidden_in(folder) == []


def test_a_command_that_was_killed_leaves_its_work_to_the_running_daemon(afterframe: Afterframe, folder: Path) -> None:
    afterframe.settings(recipe={**LONGER, "duration_s": 20.0})
    daemon = afterframe.serve()
    photos = make_photos(folder, 2)
    command = afterframe.command("animate", "--json", folder)
    catch_a_render(folder)
    until(lambda: sum(afterframe.states().values()) == 2)
    command.kill()
    command.communicate()
    afterframe.settings()
    all_done(afterframe, daemon, 2)
    assert clips_in(folder) == expected_clips(photos, folder)
    assert hidden_in(folder) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_command_that_is_ended_politely_cancels_its_renders(
    afterframe: Afterframe, folder: Path, number: signal.Signals
) -> None:
    afterframe.settings(recipe={**LONGER, "duration_s": 20.0})
    make_photos(folder, 2)
    command = afterframe.command("animate", folder)
    catch_a_render(folder)
    command.send_signal(number)
    _, err = command.communicate(timeout=30)
    assert command.returncode == 130
    assert b"Stopped." in err
    assert b"Traceback" not in err
    assert afterframe.states().keys() == {"cancelled"}
    assert hidden_in(folder) == []
    assert clips_in(folder) == []


def test_what_a_killed_daemon_rendered_waits(afterframe: Afterframe, folder: Path) -> None:
    afterframe.settings(recipe={**LONGER, "duration_s": 20.0})
    make_photos(folder, 1)
    daemon = afterframe.serve(folder)
    catch_a_render(folder)
    daemon.kill()
    assert afterframe.states() == {"running": 1}
    found = afterframe.ask("status")
    assert found["daemon"] is None
    assert [render["state"] for render in found["renders"]] == ["queued"]
    assert found["counts"]["running"] == 0


def test_folders_are_changed_in_a_running_daemon(afterframe: Afterframe, folder: Path) -> None:
    daemon = afterframe.serve()
    photos = make_photos(folder, 1)
    assert afterframe.ask("folders", "add", folder)["folders"] == [
        {"path": str(folder), "watch": True, "waiting": 0, "missing": False}
    ]
    all_done(afterframe, daemon, 1)  # it looked at once
    assert afterframe.ask("folders", "remove", folder)["folders"] == []
    daemon.stop()
    assert clips_in(folder) == expected_clips(photos, folder)


def test_the_token_stands_in_no_log_command_line_or_environment(afterframe: Afterframe, folder: Path) -> None:
    make_photo_file(folder / "a.jpg")
    daemon = afterframe.serve(folder)
    until(lambda: afterframe.states() == {"done": 1}, daemon.said())
    token = (afterframe.home / "token").read_text().strip()
    shown = [daemon.said(), *(log.read_text() for log in (afterframe.home / "logs").iterdir())]
    for process in daemon.members():
        with contextlib.suppress(psutil.Error):
            shown += [" ".join(process.cmdline()), str(process.environ())]
    assert len(shown) > 4
    assert all(token not in text for text in shown)
    secrets = [path for path in afterframe.home.iterdir() if path.name.startswith(("token", "state.db", "sessions"))]
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}
    assert daemon.stop() == 0


def test_a_second_daemon_on_the_same_home_says_so(afterframe: Afterframe, folder: Path) -> None:
    afterframe.serve(folder)
    second = afterframe.command("serve", "--port", "0", "--no-open")
    _, err = second.communicate(timeout=60)
    assert second.returncode == 1
    assert b"already running" in err
