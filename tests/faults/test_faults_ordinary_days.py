"""Faults of ordinary days, on a real daemon: other programs, copies, renames, drives that go and come back, sleep."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from faults_processes import Afterframe, clips_in, hidden_in, until

import photometa
from afterframe.naming import sidecar_of
from afterframe.state.database import Database
from afterframe.state.queue import Queue
from afterframe.system.hashing import sha256_of
from factories import make_photo_file

pytestmark = pytest.mark.slow

RESCAN = {"settle_s": 0.2, "broken_s": 1.0, "rescan_s": 1, "poll_s": 1}
_pause = threading.Event()


def photos_in(folder: Path, count: int = 2) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    return [make_photo_file(folder / f"DSC_{number:04}.jpg", seed=number) for number in range(count)]


def listed(afterframe: Afterframe) -> set[str]:
    """The paths of the clips that the page lists."""
    return {row["path"] for row in afterframe.rows("SELECT path FROM clips WHERE present")}


def held(afterframe: Afterframe) -> list[str]:
    """The codes of the folders that are held."""
    rows = afterframe.rows("SELECT error FROM held_folders WHERE released_at IS NULL")
    return [json.loads(row["error"])["code"] for row in rows]


def strikes(afterframe: Afterframe) -> int:
    return sum(row["strikes"] for row in afterframe.rows("SELECT strikes FROM jobs"))


def done(afterframe: Afterframe, count: int) -> Callable[[], bool]:
    return lambda: afterframe.states() == {"done": count}


def pause(afterframe: Afterframe, *, paused: bool) -> None:
    afterframe.home.mkdir(exist_ok=True)
    with closing(Database(afterframe.home / "state.db")) as database:
        Queue(database).pause(paused=paused)


@pytest.fixture
def watching(afterframe: Afterframe) -> Afterframe:
    """A home whose daemon looks through its folders every second."""
    afterframe.settings(watch=RESCAN)
    return afterframe


# -- other programs' sidecars --------------------------------------------------------------------


def rated(sidecar: Path) -> None:
    photometa.write_sidecar(sidecar, {"xmp:Rating": "5"})


def tagged(sidecar: Path) -> None:
    photometa.write_sidecar(sidecar, {"dc:subject": photometa.Bag(["harbour"])})


def replaced(sidecar: Path) -> None:
    sidecar.write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")


def judged_and_taken_back(sidecar: Path) -> None:
    rated(sidecar)
    photometa.write_sidecar(sidecar, {"xmp:Rating": "0"})


@pytest.mark.parametrize("edit", [rated, tagged, replaced, judged_and_taken_back])
def test_what_another_program_wrote_into_a_sidecar_is_never_replaced(
    afterframe: Afterframe, folder: Path, edit: Callable[[Path], None]
) -> None:
    photo = make_photo_file(folder / "A.jpg", seed=1)
    afterframe.animate(photo)
    clip = folder / "A_motion.mp4"
    edit(sidecar_of(clip))
    before = sha256_of(clip), sha256_of(sidecar_of(clip))
    make_photo_file(photo, seed=2)
    afterframe.animate(photo)
    assert clips_in(folder) == ["A_motion-v2.mp4", "A_motion.mp4"]
    assert (sha256_of(clip), sha256_of(sidecar_of(clip))) == before


# -- what goes away and comes back ----------------------------------------------------------------


def test_a_folder_that_is_renamed_and_renamed_back_has_its_clips_again(watching: Afterframe, folder: Path) -> None:
    photos_in(folder / "day 1")
    make_photo_file(folder / "other.jpg", seed=9)
    watching.serve(folder)
    until(done(watching, 3), "the clips")
    before = listed(watching)
    (folder / "day 1").rename(folder / "day one")
    until(lambda: str(folder / "day one" / "DSC_0000_motion.mp4") in listed(watching), "the clips at their new place")
    assert len(listed(watching)) == 3
    (folder / "day one").rename(folder / "day 1")
    until(lambda: listed(watching) == before, "the clips at their old place")
    assert watching.states() == {"done": 3}


def test_a_clip_from_the_bin_is_listed_again(watching: Afterframe, folder: Path) -> None:
    photos_in(folder)
    watching.serve(folder)
    until(done(watching, 2), "the clips")
    clip = folder / "DSC_0000_motion.mp4"
    in_the_bin = folder.parent / "bin"
    in_the_bin.mkdir()
    for file in (clip, sidecar_of(clip)):
        shutil.move(file, in_the_bin)
    until(lambda: len(listed(watching)) == 1, "the clip to be gone")
    for file in (clip, sidecar_of(clip)):
        shutil.move(in_the_bin / file.name, folder)
    until(lambda: len(listed(watching)) == 2, "the clip to be back")
    (again,) = watching.animate(folder / "DSC_0000.jpg")
    assert again["clips"][0]["path"] == str(clip)
    assert clips_in(folder) == ["DSC_0000_motion.mp4", "DSC_0001_motion.mp4"]


def test_a_file_of_that_name_that_is_another_one_is_not_taken_for_the_clip(watching: Afterframe, folder: Path) -> None:
    photos_in(folder)
    watching.serve(folder)
    until(done(watching, 2), "the clips")
    clip = folder / "DSC_0000_motion.mp4"
    clip.unlink()
    until(lambda: len(listed(watching)) == 1, "the clip to be gone")
    clip.write_bytes(b"something else")
    make_photo_file(folder / "later.jpg", seed=5)
    until(done(watching, 3), "a later photo")
    assert str(clip) not in listed(watching)


def test_a_drive_inside_the_folder_goes_and_comes_back(
    watching: Afterframe, folder: Path, mount: Callable[..., Path], tmp_path: Path
) -> None:
    drive = mount("drive", "size=200m")
    inner = folder / "drive"
    inner.mkdir()
    make_photo_file(folder / "other.jpg", seed=9)
    subprocess.run(["mount", "--bind", drive, inner], check=True)
    try:
        photos_in(inner)
        daemon = watching.serve(folder)
        until(done(watching, 3), "the clips")
        before = listed(watching)
        subprocess.run(["umount", "--lazy", inner], check=True)
        make_photo_file(folder / "later.jpg", seed=5)
        until(done(watching, 4), "a photo of the time without the drive")
        _pause.wait(2.5)  # two scans
        assert before <= listed(watching)
        subprocess.run(["mount", "--bind", drive, inner], check=True)
        (again,) = watching.animate(inner / "DSC_0000.jpg")
        assert again["clips"][0]["path"] == str(inner / "DSC_0000_motion.mp4")
        assert daemon.stop() == 0
    finally:
        subprocess.run(["umount", "--lazy", inner], check=False)
    assert len(clips_in(drive)) == 2


# -- faults of the place --------------------------------------------------------------------------


@pytest.mark.timeout(300)
def test_a_drive_that_is_away_holds_its_renders_and_no_others(
    watching: Afterframe, folder: Path, mount: Callable[..., Path], tmp_path: Path
) -> None:
    drive = mount("drive", "size=200m")
    at = tmp_path / "at"
    at.mkdir()
    subprocess.run(["mount", "--bind", drive, at], check=True)
    try:
        photos_in(at, 4)
        daemon = watching.serve(at, folder)
        until(lambda: sum(watching.states().values()) == 4 and watching.states().get("done"), "the first clip")
        subprocess.run(["umount", "--lazy", at], check=True)
        make_photo_file(folder / "elsewhere.jpg", seed=7)
        until(lambda: (folder / "elsewhere_motion.mp4.xmp").exists(), "the photo of another folder")
        until(lambda: held(watching) == ["folder_missing"] or done(watching, 5)(), "the folder to be held")
        assert daemon.stop() == 0
        watching.serve()
        subprocess.run(["mount", "--bind", drive, at], check=True)
        until(done(watching, 5), "all clips", 120)
        until(lambda: hidden_in(drive) == [], "what was under way to be swept by the next scan")
    finally:
        subprocess.run(["umount", "--lazy", at], check=False)
    assert len(clips_in(drive)) == 4
    assert strikes(watching) == 0
    assert held(watching) == []


def test_a_full_disk_holds_its_renders_until_there_is_room(
    watching: Afterframe, folder: Path, mount: Callable[..., Path]
) -> None:
    drive = mount("small", "size=80m")
    photos_in(drive, 3)
    filler = drive / "filler.bin"
    filler.write_bytes(bytes(40 << 20))
    watching.serve(drive, folder)
    until(lambda: held(watching) == ["disk_full"], "the folder to be held")
    (told,) = watching.ask("status")["held_folders"]
    assert told["path"] == str(drive)
    assert told["error"]["code"] == "disk_full"
    assert told["renders"] == 3
    filler.unlink()
    until(done(watching, 3), "all clips")
    assert len(clips_in(drive)) == 3
    assert strikes(watching) == 0


def test_a_read_only_disk_holds_its_renders_until_it_can_be_written(
    watching: Afterframe, mount: Callable[..., Path]
) -> None:
    drive = mount("card", "size=100m")
    photos_in(drive, 2)
    subprocess.run(["mount", "-o", "remount,ro", drive], check=True)
    watching.serve(drive)
    until(lambda: held(watching) == ["read_only"], "the folder to be held")
    subprocess.run(["mount", "-o", "remount,rw", drive], check=True)
    until(done(watching, 2), "all clips")
    assert strikes(watching) == 0


def test_a_render_that_waits_goes_on_waiting_when_the_command_gives_up(
    watching: Afterframe, mount: Callable[..., Path]
) -> None:
    drive = mount("card", "size=100m")
    photos = photos_in(drive, 2)
    subprocess.run(["mount", "-o", "remount,ro", drive], check=True)
    watching.serve(drive)
    until(lambda: held(watching) == ["read_only"], "the folder to be held")
    (result,) = watching.animate(photos[0])
    assert result["error"]["code"] == "read_only"
    subprocess.run(["mount", "-o", "remount,rw", drive], check=True)
    until(done(watching, 2), "all clips")


def test_at_the_terminal_a_full_disk_is_told_at_once(afterframe: Afterframe, mount: Callable[..., Path]) -> None:
    drive = mount("small", "size=100m")
    (photo,) = photos_in(drive, 1)
    (drive / "filler.bin").write_bytes(bytes(60 << 20))
    (result,) = afterframe.animate(photo)
    assert result["error"]["code"] == "disk_full"


# -- sleep ------------------------------------------------------------------------------------------


@pytest.mark.timeout(300)
def test_a_laptop_that_sleeps_in_mid_render_costs_nothing(watching: Afterframe, folder: Path) -> None:
    watching.settings(watch=RESCAN, recipe={"duration_s": 4.0, "fps": 24, "size": [640, 426]})
    photos_in(folder, 1)
    daemon = watching.serve(folder)
    for _ in range(2):
        until(lambda: watching.states() == {"running": 1}, "the render to run")
        daemon.signal(signal.SIGSTOP)
        _pause.wait(33)
        daemon.signal(signal.SIGCONT)
        _pause.wait(0.5)
        if watching.states() != {"running": 1}:
            break
    until(done(watching, 1), "the clip")
    assert strikes(watching) == 0
    assert "ended" not in (watching.home / "logs" / "worker.log").read_text()


# -- copies, renames, other homes ---------------------------------------------------------------------


def ids_in(folder: Path) -> dict[str, Any]:
    sidecars = sorted(folder.rglob("*.mp4.xmp"))
    return {path.name: photometa.read_sidecar(path)["xmpMM:DocumentID"] for path in sidecars}


def test_a_copied_folder_has_clips_of_its_own(watching: Afterframe, folder: Path) -> None:
    photos_in(folder / "a")
    watching.serve(folder)
    until(done(watching, 2), "the clips")
    originals = {path: path.read_bytes() for path in (folder / "a").iterdir()}
    shutil.copytree(folder / "a", folder / "copy")
    until(lambda: len(listed(watching)) == 4, "the copies to be listed")
    assert {path: path.read_bytes() for path in (folder / "a").iterdir()} == originals
    assert set(ids_in(folder / "a").values()).isdisjoint(ids_in(folder / "copy").values())
    assert watching.states() == {"done": 2}
    shutil.rmtree(folder / "copy")
    until(lambda: len(listed(watching)) == 2, "the copies to be gone")
    assert listed(watching) == {str(folder / "a" / name) for name in ("DSC_0000_motion.mp4", "DSC_0001_motion.mp4")}


def test_a_photo_copied_by_itself_is_animated_too(watching: Afterframe, folder: Path) -> None:
    (photo,) = photos_in(folder, 1)
    watching.serve(folder)
    until(done(watching, 1), "the clip")
    shutil.copy2(photo, folder / "copy.jpg")
    until(done(watching, 2), "the copy's clip")
    assert clips_in(folder) == ["DSC_0000_motion.mp4", "copy_motion.mp4"]


def test_renamed_photos_keep_their_clips(watching: Afterframe, folder: Path) -> None:
    photos = photos_in(folder, 3)
    watching.serve(folder)
    until(done(watching, 3), "the clips")
    for photo in photos:
        photo.rename(photo.with_name(f"Hafen {photo.name}"))
    links = lambda: {  # noqa: E731
        path.name: photometa.read_sidecar(path)["afterframe:photo"] for path in folder.glob("*.xmp")
    }
    until(lambda: links() == {f"DSC_{n:04}_motion.mp4.xmp": f"Hafen DSC_{n:04}.jpg" for n in range(3)}, "the links")
    make_photo_file(folder / "later.jpg", seed=8)
    until(done(watching, 4), "a later photo, and nothing else")
    rows = watching.rows("SELECT photos.path FROM clips JOIN photos ON photos.id = photo_id WHERE present")
    assert {Path(row["path"]).name for row in rows} == {f"Hafen DSC_{n:04}.jpg" for n in range(3)} | {"later.jpg"}


def test_clips_are_renamed_with_their_photo_where_that_is_wished(watching: Afterframe, folder: Path) -> None:
    watching.settings(watch=RESCAN, files={"rename_clips": True}, render={"poster": True})
    (photo,) = photos_in(folder, 1)
    watching.serve(folder)
    until(done(watching, 1), "the clip")
    photo.rename(folder / "Hafen.jpg")
    until(lambda: listed(watching) == {str(folder / "Hafen_motion.mp4")}, "the clip under its new name")
    make_photo_file(folder / "later.jpg", seed=8)
    until(done(watching, 2), "a later photo, and nothing else")
    assert {path.name for path in folder.iterdir() if path.name.startswith("H")} == {
        "Hafen.jpg",
        "Hafen_motion.jpg",
        "Hafen_motion.mp4",
        "Hafen_motion.mp4.xmp",
    }
    assert photometa.read_sidecar(folder / "Hafen_motion.mp4.xmp")["afterframe:photo"] == "Hafen.jpg"


def test_photos_that_change_names_with_one_another_keep_their_clips(watching: Afterframe, folder: Path) -> None:
    one, other = photos_in(folder, 2)
    watching.serve(folder)
    until(done(watching, 2), "the clips")
    before = {
        row["sha256"]: row["clip"]
        for row in watching.rows(
            "SELECT photos.sha256, clips.path AS clip FROM clips JOIN photos ON photos.id = photo_id"
        )
    }
    aside = folder.parent / "aside.jpg"
    one.rename(aside)
    other.rename(one)
    aside.rename(other)
    make_photo_file(folder / "later.jpg", seed=8)
    until(done(watching, 3), "a later photo, and nothing else")

    def now() -> dict[str, str]:
        rows = watching.rows(
            "SELECT photos.path, clips.path AS clip FROM clips JOIN photos ON photos.id = photo_id WHERE present"
        )
        return {sha256_of(Path(row["path"])): row["clip"] for row in rows if not row["path"].endswith("later.jpg")}

    until(lambda: now() == before, "each clip to be with its photo")


def test_an_older_state_file_makes_nothing_twice(watching: Afterframe, folder: Path) -> None:
    photos_in(folder, 1)
    daemon = watching.serve(folder)
    until(done(watching, 1), "the first clip")
    daemon.stop()
    backup = watching.home.parent / "backup.db"
    shutil.copy2(watching.home / "state.db", backup)
    photos_in(folder, 4)
    daemon = watching.serve(folder)
    until(done(watching, 4), "the other clips")
    daemon.stop()
    for left in watching.home.glob("state.db*"):
        left.unlink()
    shutil.copy2(backup, watching.home / "state.db")
    watching.serve(folder)
    until(lambda: len(listed(watching)) == 4, "the clips to be listed")
    assert watching.states() == {"done": 1}
    assert clips_in(folder) == [f"DSC_{n:04}_motion.mp4" for n in range(4)]


def test_two_daemons_on_one_folder_make_each_clip_once(afterframe: Afterframe, folder: Path, tmp_path: Path) -> None:
    second = Afterframe(tmp_path / "second home")
    try:
        for one in (afterframe, second):
            one.settings(watch=RESCAN)
            one.serve(folder)
        photos_in(folder, 8)
        for one in (afterframe, second):
            until(lambda one=one: one.idle() and len(listed(one)) == 8, "all clips to be known to both", 60)
        assert clips_in(folder) == [f"DSC_{n:04}_motion.mp4" for n in range(8)]
        assert hidden_in(folder) == []
        assert strikes(afterframe) == strikes(second) == 0
    finally:
        for daemon in second.daemons:
            daemon.end()


def test_a_folder_that_became_a_link_to_elsewhere_is_not_written_to(
    watching: Afterframe, folder: Path, tmp_path: Path
) -> None:
    photos_in(folder / "in", 1)
    pause(watching, paused=True)
    daemon = watching.serve(folder)
    until(lambda: watching.states() == {"queued": 1}, "the render")
    outside = tmp_path / "outside"
    shutil.copytree(folder / "in", outside)
    before = sorted(path.name for path in outside.iterdir())
    shutil.move(folder / "in", tmp_path / "aside")
    (folder / "in").symlink_to(outside)
    pause(watching, paused=False)
    until(watching.idle, "the render to end")
    assert sorted(path.name for path in outside.iterdir()) == before
    assert daemon.stop() == 0
