"""A folder as a Synology, a QNAP, Windows, macOS and photo programs leave it."""

from __future__ import annotations

from pathlib import Path

import pytest
from watch_fixtures import Hand, NoEvents

from afterframe.app.animate import find_photos
from afterframe.app.rebuild import rebuild
from afterframe.intake import watcher
from afterframe.intake.foreign_names import ForeignNames
from afterframe.intake.photo_reader import Reading
from afterframe.publish.adoption import Adoption
from afterframe.publish.sidecar import read_clip
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList

USERS = ("a.jpg", "2026/b.jpg", "2026/Best of/c.png", "@home/d.jpg", "e.jpg", "Conflict.jpg")
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
    "lost+found/#123.jpg",
    ".Trashes/501/gone.jpg",
    ".Trash-1000/files/gone.jpg",
    "._a.jpg",
    "2026/._b.jpg",
    "__MACOSX/._a.jpg",
    "CaptureOne/Cache/Thumbnails/a.jpg",
    "2026/CaptureOne/Settings/x.jpg",
    "Catalog Previews.lrdata/0/a.jpg",
    "Photos Library.photoslibrary/originals/0/a.jpg",
    "thumbnails/a.jpg",
    ".stversions/a.jpg",
    "a.sync-conflict-20261130-101500-ABCDEFG.jpg",
    "2026/b (Anna's conflicted copy 2026-11-30).jpg",
)


@pytest.fixture(autouse=True)
def no_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "Observer", NoEvents)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "share"
    for name in (*USERS, *FOREIGN):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (folder / "Thumbs.db").touch()
    (folder / "desktop.ini").touch()
    (folder / ".DS_Store").touch()
    return folder


def test_only_the_users_own_photos_are_taken(catalog: Catalog, folders: FolderList, tree: Path) -> None:
    hand = Hand(catalog, folders, tree)
    hand.wall.forward(100)
    assert sorted(hand.turn()) == sorted(Path(name).name for name in USERS)


def test_change_events_in_foreign_folders_are_not_heard(catalog: Catalog, folders: FolderList, tree: Path) -> None:
    hand = Hand(catalog, folders, tree)
    hand.wall.forward(100)
    hand.turn()
    for name in FOREIGN:
        path = hand.export(name, b"other", age_s=50)
        hand.watcher._hints.put((path, "renamed"))
        hand.watcher._hints.put((path.parent, "changed"))
    assert [name for name in hand.turn(5) if name not in {Path(name).name for name in USERS}] == []


def test_foreign_photos_never_count_toward_the_backlog(catalog: Catalog, folders: FolderList, tree: Path) -> None:
    hand = Hand(catalog, folders, tree, backlog_limit=len(USERS))
    hand.wall.forward(100)
    assert len(hand.turn()) == len(USERS)
    assert folders.all()[0].waiting == 0


def test_a_watched_folder_may_itself_have_such_a_name(catalog: Catalog, folders: FolderList, tree: Path) -> None:
    hand = Hand(catalog, folders, tree / "2026/CaptureOne")
    hand.wall.forward(100)
    assert hand.turn() == ["x.jpg"]
    folders.put(tree, watch=True)
    hand.turn()
    hand.watcher._hints.put((hand.export("Output/new.jpg", age_s=50), "renamed"))
    assert hand.turn() == ["new.jpg"]


def test_the_setting_holds_for_scans_and_events(catalog: Catalog, folders: FolderList, tmp_path: Path) -> None:
    hand = Hand(catalog, folders, tmp_path, ignore=("Proofs", "*-small.jpg"))
    hand.export("Proofs/a.jpg", age_s=50)
    hand.export("b-small.jpg", age_s=50)
    hand.export("b.jpg", age_s=50)
    assert hand.turn() == ["b.jpg"]
    hand.watcher._hints.put((hand.export("Proofs/new/c.jpg", age_s=50).parent, "changed"))
    hand.watcher._hints.put((hand.export("c-small.jpg", age_s=50), "renamed"))
    assert hand.turn(301) == []


def test_commands_leave_them_out_too(tree: Path) -> None:
    found = {str(Path(path).relative_to(tree)) for path in find_photos([str(tree)])}
    assert found == set(USERS)
    chosen = list(find_photos([str(tree)], ForeignNames(("2026", "@home"))))
    assert sorted(Path(path).name for path in chosen) == ["Conflict.jpg", "a.jpg", "e.jpg"]
    assert list(find_photos([str(tree / "@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg")])) != []


def test_a_rebuild_does_not_list_clips_from_the_bin(tree: Path, database: Database, catalog: Catalog) -> None:
    (tree / "@eaDir/a_motion.mp4.xmp").write_bytes(b"damaged")
    (tree / "#recycle/gone_motion.mp4.xmp").write_bytes(b"damaged")
    report = rebuild(tree, database, Adoption(catalog, tree), read_never, read_clip)
    assert report.problems == []


def read_never(path: Path) -> Reading:
    raise AssertionError(path)
