"""Disks that are full or may not be written: the error says so, and no part of a clip is left."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from faults_processes import Afterframe, answer_of, clips_in, hashes, hidden_in, until

from factories import make_photo_file

resource = pytest.importorskip("resource", reason="POSIX's limits")
pytestmark = pytest.mark.slow

Mount = Callable[..., Path]


def assert_nothing_but_the_photo(folder: Path) -> None:
    assert [path.name for path in folder.iterdir() if path.name != "filler"] == ["A.jpg"]


@pytest.mark.parametrize(("size", "code"), [("1m", "disk_too_small"), ("80m", "disk_full")])
def test_a_disk_without_room_is_told_before_any_work(
    afterframe: Afterframe, folder: Path, mount: Mount, size: str, code: str
) -> None:
    disk = mount("full", f"size={size}")
    photo = make_photo_file(disk / "A.jpg")
    if code == "disk_full":
        (disk / "filler").write_bytes(bytes(30 << 20))
    results = afterframe.animate(photo, make_photo_file(folder / "B.jpg"))
    assert [result["state"] for result in results] == ["failed", "done"]
    assert results[0]["error"]["code"] == code
    assert "A.jpg" in results[0]["error"]["message"]
    assert results[0]["error"]["hint"]
    assert_nothing_but_the_photo(disk)


def test_a_disk_that_fills_in_mid_encode_leaves_nothing(afterframe: Afterframe, mount: Mount) -> None:
    afterframe.settings(recipe={"size": [640, 480], "duration_s": 20.0, "fps": 30})
    disk = mount("filling", "size=80m")
    photo = make_photo_file(disk / "A.jpg")
    before = hashes(disk)
    command = afterframe.command("animate", "--json", photo)
    until(lambda: any(path.stat().st_size for path in disk.glob(".afterframe-*.mp4")), "the encode to begin")
    with pytest.raises(OSError, match="No space left"), (disk / "filler").open("wb", buffering=0) as filler:
        while filler.write(bytes(1 << 16)):
            pass
    (result,) = answer_of(command)["results"]
    assert (result["state"], result["error"]["code"]) == ("failed", "disk_full"), result
    assert "A.jpg" in result["error"]["message"]
    assert_nothing_but_the_photo(disk)
    (disk / "filler").unlink()
    assert hashes(disk) == before

    afterframe.settings()
    (again,) = afterframe.animate(photo)
    assert again["state"] == "done"
    assert clips_in(disk) == ["A_motion.mp4"]


@pytest.mark.parametrize("files", [1, 2], ids=["no room for the clip", "no room for the sidecar"])
def test_a_disk_without_room_for_one_more_file_leaves_nothing(afterframe: Afterframe, mount: Mount, files: int) -> None:
    disk = mount("crowded", f"size=80m,nr_inodes={1 + files}")
    photo = make_photo_file(disk / "A.jpg")
    (result,) = afterframe.animate(photo)
    assert (result["state"], result["error"]["code"]) == ("failed", "disk_full"), result
    assert "A.jpg" in result["error"]["message"]
    assert_nothing_but_the_photo(disk)


def test_a_folder_that_may_not_be_written_is_told_before_any_work(afterframe: Afterframe, mount: Mount) -> None:
    disk = mount("sealed", "size=80m")
    photo = make_photo_file(disk / "A.jpg")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    (result,) = afterframe.animate(photo)
    assert (result["state"], result["error"]["code"]) == ("failed", "read_only"), result
    assert str(disk) in result["error"]["message"]
    assert "A.jpg" in result["error"]["message"]
    assert result["error"]["hint"]
    assert_nothing_but_the_photo(disk)


def test_a_limit_on_file_size_fails_the_render_and_leaves_nothing(afterframe: Afterframe, folder: Path) -> None:
    afterframe.settings(recipe={"size": [640, 480], "duration_s": 20.0, "fps": 30}, render={"crf": 1})
    photo = make_photo_file(folder / "A.jpg")
    limit = (1 << 20, 1 << 20)
    command = afterframe.command(
        "animate", "--json", photo, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    )
    (result,) = answer_of(command)["results"]
    assert result["state"] == "failed"
    assert "A.jpg" in result["error"]["message"]
    assert_nothing_but_the_photo(folder)


def test_a_lost_database_loses_no_verdict_no_rating_and_no_deletion(afterframe: Afterframe, folder: Path) -> None:
    from test_faults_files import decide

    from afterframe.domain import Verdict

    photos = [make_photo_file(folder / f"{name}.jpg", seed=seed) for seed, name in enumerate("ABCD")]
    daemon = afterframe.serve(folder)
    until(lambda: afterframe.states() == {"done": 4}, daemon.said())
    daemon.stop()
    decide(afterframe, folder / "A_motion.mp4", Verdict.APPROVED, 5)
    decide(afterframe, folder / "B_motion.mp4", Verdict.REJECTED, 1)
    (folder / "C_motion.mp4").unlink()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for file in afterframe.home.glob("state.db*"):
        file.unlink()

    found = afterframe.ask("rebuild", folder)
    assert (len(found["clips"]), len(found["deleted"]), found["problems"]) == (3, 1, [])
    clips = afterframe.rows("SELECT path, verdict, rating, present FROM clips ORDER BY path")
    assert [(Path(c["path"]).name[0], c["verdict"], c["rating"], c["present"]) for c in clips] == [
        ("A", "approved", 5, 1),
        ("B", "rejected", 1, 1),
        ("C", "none", 0, 0),
        ("D", "none", 0, 1),
    ]
    afterframe.serve(folder)
    shutil.copy(make_photo_file(folder.parent / "E.jpg", seed=9), folder / "E.jpg")
    until(lambda: afterframe.states() == {"done": 1}, "only the new photo to be animated")
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert after.keys() - before.keys() == {"E.jpg", "E_motion.mp4", "E_motion.mp4.xmp"}
    assert {name: after[name] for name in before} == before
    assert len(photos) == 4
    assert hidden_in(folder) == []
