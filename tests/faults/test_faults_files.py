"""Names that are taken, exports that come again, clips that were deleted: nothing of anybody's is lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from faults_processes import Afterframe, Daemon, clips_in, frames_of, hashes, hidden_in, until

import photometa
from afterframe.domain import Verdict
from afterframe.naming import sidecar_of
from afterframe.publish.sidecar import write_verdict
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.system.hashing import sha256_of
from factories import listed_clips, make_photo_file

pytestmark = pytest.mark.slow


def decide(afterframe: Afterframe, clip: Path, verdict: Verdict, rating: int) -> None:
    """What the review page does when the photographer decides."""
    database = Database(afterframe.home / "state.db")
    catalog = Catalog(database)
    (known,) = [one for one in listed_clips(database) if one.path == str(clip)]
    write_verdict(known, verdict, rating, afterframe.home / "backups")
    catalog.set_verdict(known.id, verdict, rating)
    database.close()


def settled(afterframe: Afterframe, daemon: Daemon, done: int) -> None:
    """That many renders are done, and a photo that came later is done too: nothing else was waiting."""
    until(lambda: afterframe.states() == {"done": done}, f"{done} renders, not {afterframe.states()}\n{daemon.said()}")


def test_files_of_others_are_never_written_over(afterframe: Afterframe, folder: Path) -> None:
    for name in ("A.jpg", "A.png", "B.jpg", "C.jpg", "D.jpg", "E.jpg"):
        make_photo_file(folder / name)
    foreign = ["B_motion.mp4", "C_motion.mp4.xmp", "D_motion.mp4", "D_jpg_motion.mp4", "E.xmp", "E.jpg.xmp"]
    for name in foreign:
        (folder / name).write_text(f"somebody else's {name}")
    before = {path.name: sha256_of(path) for path in folder.iterdir()}

    results = afterframe.animate(*(folder / f"{stem}.jpg" for stem in "ABCDE"), folder / "A.png")
    assert [Path(clip["path"]).name for result in results for clip in result["clips"]] == [
        "A_motion.mp4",
        "B_jpg_motion.mp4",
        "C_jpg_motion.mp4",
        "D_jpg_motion-v2.mp4",
        "E_motion.mp4",
        "A_png_motion.mp4",
    ]
    assert {name: sha256_of(folder / name) for name in before} == before
    assert hidden_in(folder) == []


def test_the_same_export_twice_is_one_clip(afterframe: Afterframe, folder: Path) -> None:
    photo = make_photo_file(folder / "A.jpg")
    first, again = afterframe.animate(photo, photo)
    clip = folder / "A_motion.mp4"
    made = sha256_of(clip)
    assert first["clips"] == again["clips"]
    photo.write_bytes(photo.read_bytes())  # exported again, the same bytes
    (later,) = afterframe.animate(photo)
    assert later["clips"] == first["clips"]
    assert clips_in(folder) == ["A_motion.mp4"]
    assert sha256_of(clip) == made


def test_a_clip_that_is_gone_is_made_again_when_asked_for(afterframe: Afterframe, folder: Path) -> None:
    photo = make_photo_file(folder / "A.jpg")
    (first,) = afterframe.animate(photo)
    Path(first["clips"][0]["path"]).unlink()
    (again,) = afterframe.animate(photo)
    assert Path(again["clips"][0]["path"]).name == "A_motion-v2.mp4"
    assert len(frames_of(again["clips"][0]["path"])) == 4
    assert sidecar_of(Path(again["clips"][0]["path"])).exists()


def test_an_export_over_an_untouched_clip_replaces_it(afterframe: Afterframe, folder: Path) -> None:
    photo = make_photo_file(folder / "A.jpg", seed=1)
    afterframe.animate(photo)
    earlier = sha256_of(folder / "A_motion.mp4")
    make_photo_file(photo, seed=2)
    (result,) = afterframe.animate(photo)
    assert result["clips"][0]["path"] == str(folder / "A_motion.mp4")
    assert clips_in(folder) == ["A_motion.mp4"]
    assert sha256_of(folder / "A_motion.mp4") != earlier
    properties = photometa.read_sidecar(folder / "A_motion.mp4.xmp")
    assert properties["afterframe:photoSHA256"] == sha256_of(photo)


@pytest.mark.parametrize(("verdict", "rating"), [(Verdict.APPROVED, 0), (Verdict.REJECTED, 0), (Verdict.NONE, 4)])
def test_an_export_over_a_judged_clip_is_the_next_variant(
    afterframe: Afterframe, folder: Path, verdict: Verdict, rating: int
) -> None:
    photo = make_photo_file(folder / "A.jpg", seed=1)
    afterframe.animate(photo)
    clip = folder / "A_motion.mp4"
    decide(afterframe, clip, verdict, rating)
    before = sha256_of(clip), sha256_of(sidecar_of(clip))
    make_photo_file(photo, seed=2)
    afterframe.animate(photo)
    assert clips_in(folder) == ["A_motion-v2.mp4", "A_motion.mp4"]
    assert (sha256_of(clip), sha256_of(sidecar_of(clip))) == before


def test_a_clip_that_somebody_changed_is_not_replaced(afterframe: Afterframe, folder: Path) -> None:
    photo = make_photo_file(folder / "A.jpg", seed=1)
    afterframe.animate(photo)
    clip = folder / "A_motion.mp4"
    clip.write_bytes(clip.read_bytes() + b"\0\0\0\x08free")
    cut = sha256_of(clip)
    make_photo_file(photo, seed=2)
    afterframe.animate(photo)
    assert clips_in(folder) == ["A_motion-v2.mp4", "A_motion.mp4"]
    assert sha256_of(clip) == cut


def test_the_watcher_replaces_the_clip_of_a_photo_that_is_exported_over(afterframe: Afterframe, folder: Path) -> None:
    photo = make_photo_file(folder / "A.jpg", seed=1)
    daemon = afterframe.serve(folder)
    settled(afterframe, daemon, 1)
    for seed in (2, 3):
        new = make_photo_file(folder.parent / "new.jpg", seed=seed)
        if seed == 2:
            photo.write_bytes(new.read_bytes())  # as Lightroom writes
        else:
            new.replace(photo)  # as an editor saves
        settled(afterframe, daemon, seed)
        properties = photometa.read_sidecar(folder / "A_motion.mp4.xmp")
        assert properties["afterframe:photoSHA256"] == sha256_of(photo)
    assert clips_in(folder) == ["A_motion.mp4"]
    assert hidden_in(folder) == []


def test_a_deleted_clip_stays_deleted(afterframe: Afterframe, folder: Path) -> None:
    photo = make_photo_file(folder / "A.jpg")
    daemon = afterframe.serve(folder)
    settled(afterframe, daemon, 1)
    daemon.stop()
    (folder / "A_motion.mp4").unlink()
    os.utime(photo)
    daemon = afterframe.serve(folder)
    photo.write_bytes(photo.read_bytes())
    make_photo_file(folder / "B.jpg", seed=4)
    settled(afterframe, daemon, 2)
    assert sorted(path.name for path in folder.glob("*.mp4")) == ["B_motion.mp4"]
    assert afterframe.rows("SELECT present FROM clips WHERE path = ?", str(folder / "A_motion.mp4")) == [{"present": 0}]


def test_own_outputs_are_never_inputs(afterframe: Afterframe, folder: Path) -> None:
    afterframe.settings(render={"poster": True})
    photo = make_photo_file(folder / "A.jpg")
    daemon = afterframe.serve(folder)
    settled(afterframe, daemon, 1)
    poster = until(lambda: next(folder.glob("A_motion.jpg"), None), "the poster")
    daemon.stop()
    daemon = afterframe.serve(folder)
    make_photo_file(folder / "B.jpg", seed=4)
    settled(afterframe, daemon, 2)
    daemon.stop()
    assert afterframe.problems() == {}
    assert afterframe.rows("SELECT path FROM photos WHERE path LIKE '%motion%'") == []
    assert [result["photo"] for result in afterframe.animate(folder)] == [str(photo), str(folder / "B.jpg")]
    assert afterframe.states() == {"done": 2}
    refused = afterframe.animate(poster, folder / "A_motion.mp4")
    assert [result["error"]["code"] for result in refused] == ["own_output", "not_a_photo"]
    assert all(result["error"]["hint"] for result in refused)
    assert hidden_in(folder) == []


def test_the_clip_of_a_linked_photo_stands_beside_the_link(afterframe: Afterframe, folder: Path) -> None:
    archive = folder.parent / "archive"
    archive.mkdir()
    original = make_photo_file(archive / "original.jpg")
    exported = folder / "export"
    exported.mkdir()
    (exported / "link.jpg").symlink_to(original)
    (exported / "nowhere.jpg").symlink_to(archive / "gone.jpg")
    before = hashes(archive)
    results = afterframe.animate(exported / "link.jpg", exported / "nowhere.jpg")
    assert [result["state"] for result in results] == ["done", "refused"]
    assert results[1]["error"]["code"] == "missing"
    assert clips_in(exported) == ["link_motion.mp4"]
    assert hashes(archive) == before
    assert (exported / "link.jpg").is_symlink()


def test_a_clip_name_that_leads_elsewhere_is_not_followed(afterframe: Afterframe, folder: Path) -> None:
    elsewhere = folder.parent / "precious.mp4"
    make_photo_file(folder / "A.jpg")
    (folder / "A_motion.mp4").symlink_to(elsewhere)
    (result,) = afterframe.animate(folder / "A.jpg")
    assert Path(result["clips"][0]["path"]).name == "A_jpg_motion.mp4"
    assert not elsewhere.exists()
    assert (folder / "A_motion.mp4").is_symlink()
