"""Folders as they are, on a real daemon: what other systems keep there, and what comes after its photo."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest
from faults_processes import Afterframe, hashes, until

import photometa
from afterframe.state.database import Database
from afterframe.state.queue import Queue
from factories import make_photo_file

pytestmark = pytest.mark.slow

RESCAN = {"settle_s": 0.2, "broken_s": 1.0, "rescan_s": 1, "poll_s": 1}
USERS = ("a.jpg", "2026/b.jpg", "@home/c.jpg")
FOREIGN = (
    "@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg",
    "2026/@eaDir/b.jpg/SYNOPHOTO_THUMB_M.jpg",
    "#recycle/gone.jpg",
    "#snapshot/GMT-2026.11.30/a.jpg",
    "@Recycle/gone.jpg",
    ".@__thumb/s800a.jpg",
    "@Recently-Snapshot/day/a.jpg",
    "$RECYCLE.BIN/S-1-5-21/$RABCDEF.jpg",
    "System Volume Information/x.jpg",
    "lost+found/x.jpg",
    ".Trashes/501/gone.jpg",
    "._a.jpg",
    "__MACOSX/b.jpg",
    "CaptureOne/Cache/Thumbnails/a.jpg",
    "Catalog Previews.lrdata/0/a.jpg",
    "thumbnails/a.jpg",
    "Proofs/a.jpg",
    "a.sync-conflict-20261130-101500-ABCDEFG.jpg",
    "2026/b (Anna's conflicted copy 2026-11-30).jpg",
)


def photo_at(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return make_photo_file(path, seed=seed)


def test_of_a_share_only_the_users_photos_are_animated_and_nothing_is_written_elsewhere(
    afterframe: Afterframe, folder: Path
) -> None:
    afterframe.settings(watch={**RESCAN, "ignore": ["Proofs"], "backlog_limit": len(USERS)})
    for seed, name in enumerate((*FOREIGN, *USERS)):
        photo_at(folder / name, seed)
    before = hashes(folder)
    afterframe.serve(folder)
    until(lambda: afterframe.states() == {"done": len(USERS)}, "the users' photos")
    for seed, name in enumerate(FOREIGN, start=50):  # and as they come
        photo_at((folder / name).with_name(f"{Path(name).stem} late.jpg"), seed)
    photo_at(folder / "2026" / "last.jpg", 99)
    until(lambda: afterframe.states() == {"done": len(USERS) + 1}, "a last photo")
    after = hashes(folder)
    assert {name: after[name] for name in before} == before
    standing = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    made = {name for name in standing - set(before) if " late." not in name and "last" not in name}
    stems = [name.removesuffix(".jpg") for name in USERS]
    assert made == {f"{stem}_motion.mp4{suffix}" for stem in stems for suffix in ("", ".xmp")}


def test_words_and_settings_that_come_later_are_taken(afterframe: Afterframe, folder: Path) -> None:
    afterframe.settings(watch=RESCAN)
    afterframe.home.mkdir(exist_ok=True)
    with closing(Database(afterframe.home / "state.db")) as database:
        Queue(database).pause(paused=True)
    photo = make_photo_file(folder / "a.jpg", seed=1)
    afterframe.serve(folder)
    until(lambda: afterframe.states() == {"queued": 1}, "the photo")
    photometa.write_sidecar(folder / "a.xmp", {"dc:description": "A lighthouse"})
    recipe = "SELECT json_extract(recipe, '$.prompt') AS prompt, json_extract(recipe, '$.fps') AS fps FROM jobs"
    until(lambda: "A lighthouse" in afterframe.rows(recipe)[0]["prompt"], "the words")
    (folder / "afterframe.toml").write_text("fps = 12")
    until(lambda: afterframe.rows(recipe)[0]["fps"] == 12, "the settings")
    with closing(Database(afterframe.home / "state.db")) as database:
        Queue(database).pause(paused=False)
    until(lambda: afterframe.states() == {"done": 1}, "the clip")
    said = photometa.read_sidecar(folder / "a_motion.mp4.xmp")
    assert "A lighthouse" in str(said["afterframe:prompt"])
    assert photo.exists()


def test_a_photo_written_over_with_its_size_and_time_kept_is_animated_again(
    afterframe: Afterframe, folder: Path
) -> None:
    afterframe.settings(watch=RESCAN)
    photo = make_photo_file(folder / "a.tif", seed=1)
    times = photo.stat()
    afterframe.serve(folder)
    until(lambda: afterframe.states() == {"done": 1}, "the clip")
    other = make_photo_file(folder.parent / "b.tif", seed=2)
    assert other.stat().st_size == times.st_size
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(photo)
    until(lambda: afterframe.states() == {"done": 2}, "the new content")
