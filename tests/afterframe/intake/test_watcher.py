from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest
from watch_fixtures import Hand, NoEvents

from afterframe.config import WatchConfig
from afterframe.intake import watcher
from afterframe.intake.watcher import Handlers, Watcher
from afterframe.state.catalog import Catalog
from afterframe.state.folder_list import FolderList
from factories import make_clip, make_photo


@pytest.fixture(autouse=True)
def no_events(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "real_events" not in request.fixturenames:
        monkeypatch.setattr(watcher, "Observer", NoEvents)


@pytest.fixture
def real_events() -> None:
    """The system's own change events, for this test."""


@pytest.fixture
def hand(catalog: Catalog, folders: FolderList, tmp_path: Path) -> Hand:
    folder = tmp_path / "export"
    folder.mkdir()
    return Hand(catalog, folders, folder)


def test_photos_that_are_there_already_are_taken_at_the_start(hand: Hand) -> None:
    hand.export("old.jpg", age_s=100)
    assert hand.turn() == ["old.jpg"]
    assert hand.turn(1000) == []


@pytest.mark.parametrize("name", ["DSC_0001.HIF", "a.jfif", "a.JPE", "a.heics", "a.avifs"])
def test_every_suffix_of_what_is_read_is_taken_by_a_scan_and_by_a_hint(hand: Hand, name: str) -> None:
    hand.export(name, age_s=100)
    assert hand.turn() == [name]
    hand.watcher._hints.put((hand.export(f"deep/{name}", age_s=100), "changed"))
    assert hand.turn() == [name]


def test_a_scan_records_what_it_passes_over(hand: Hand, folders: FolderList) -> None:
    hand.export("a.nef")
    hand.export("b.NEF")
    hand.turn()
    assert folders.passed_over(hand.folder) == {".nef": 2}
    (hand.folder / "a.nef").unlink()
    hand.turn(1000)
    assert folders.passed_over(hand.folder) == {".nef": 1}
    folders.drop(hand.folder)
    assert folders.passed_over(hand.folder) == {}


def test_a_lost_event_is_made_up_by_the_rescan(hand: Hand) -> None:
    hand.turn()
    hand.export("missed.jpg")
    assert hand.turn(200) == []
    assert hand.turn(101) == ["missed.jpg"]


def test_a_hint_is_enough(hand: Hand) -> None:
    hand.turn()
    path = hand.export("new.jpg")
    hand.watcher._hints.put((path, False))
    assert hand.turn() == []
    assert hand.turn(2) == ["new.jpg"]


def test_a_new_folder_is_looked_into(hand: Hand) -> None:
    hand.turn()
    hand.export("2026/11/a.jpg", age_s=50)
    hand.watcher._hints.put((hand.folder / "2026", False))
    assert hand.turn() == ["a.jpg"]


def test_a_linked_folder_is_not_followed(hand: Hand) -> None:
    hand.export("a.jpg", age_s=50)
    hand.turn()
    (hand.folder / "again").symlink_to(hand.folder)
    hand.watcher._hints.put((hand.folder / "again", False))
    assert hand.turn() == []


def test_hidden_folders_and_other_files_are_no_hints(hand: Hand) -> None:
    hand.turn()
    for name in (".trash/a.jpg", "notes.txt", "b.mp4"):
        hand.watcher._hints.put((hand.export(name, age_s=50), True))
    assert hand.turn() == []


def test_a_file_that_vanished_before_it_settled_is_forgotten(hand: Hand) -> None:
    hand.turn()
    path = hand.export("gone.jpg")
    hand.watcher._hints.put((path, False))
    hand.turn()
    path.unlink()
    assert hand.turn(3) == []


def test_a_photo_still_arriving_is_asked_for_again_until_it_is_given_up(hand: Hand) -> None:
    hand.taker.arriving.add("slow.jpg")
    hand.export("slow.jpg", age_s=50)
    assert hand.turn() == []
    assert hand.turn(5) == []
    assert hand.turn(5) == ["slow.jpg"]


@pytest.mark.parametrize("at", [-86_400 * 400, -1, 0, 1, 32_503_680_000])
def test_a_photo_of_any_date_is_taken(hand: Hand, at: float) -> None:
    """Of 1968, of the last second of 1969, of the first of 1970, of the year 3000."""
    hand.turn()
    os.utime(hand.export("a.jpg"), (at, at))
    assert hand.turn(301) + hand.turn(3) == ["a.jpg"]
    assert hand.turn(301) == []


@pytest.mark.parametrize("jump", [-3600, 3600, -86_400 * 3650, 86_400 * 3650])
def test_a_clock_that_jumps_costs_no_photo(hand: Hand, jump: float) -> None:
    hand.turn()
    hand.export("a.jpg")
    hand.turn(301)
    hand.wall.forward(jump)
    hand.export("b.jpg")
    hand.turn(301)
    hand.turn(3)
    assert hand.taker.taken == ["a.jpg", "b.jpg"]


def test_a_changed_photo_is_taken_again(hand: Hand) -> None:
    hand.export("a.jpg", age_s=50)
    hand.turn()
    hand.export("a.jpg", b"other content")
    assert hand.turn(301) == ["a.jpg"]


def test_a_large_backlog_waits_and_new_photos_do_not(catalog: Catalog, folders: FolderList, tmp_path: Path) -> None:
    hand = Hand(catalog, folders, tmp_path, backlog_limit=2)
    for n in range(3):
        hand.export(f"{n}.jpg", age_s=50)
    assert hand.turn() == []
    assert folders.all()[0].waiting == 3
    path = hand.export("new.jpg", age_s=50)
    hand.watcher._hints.put((path, False))
    assert hand.turn() == ["new.jpg"]
    folders.release_backlog(tmp_path)
    hand.watcher.rescan(tmp_path)
    assert sorted(hand.turn()) == ["0.jpg", "1.jpg", "2.jpg"]


def test_a_clip_that_the_user_deleted_is_marked_and_an_unmounted_folder_is_not(hand: Hand, catalog: Catalog) -> None:
    photo = make_photo(catalog, hand.folder / "a.jpg")
    clip = make_clip(photo, hand.folder / "a_motion.mp4")
    catalog.put_clip(clip)
    hand.turn()
    assert catalog.clip(clip.id).present  # an empty root may be an unmounted one
    hand.export("other.txt")
    hand.turn(301)
    assert not catalog.clip(clip.id).present


def test_stray_temporaries_are_reported(hand: Hand) -> None:
    stray = hand.export(".afterframe-0123456789abcdef0123456789abcdef.mp4")
    upload = hand.export(".afterframe-upload-0123/a.jpg").parent
    hand.turn()
    assert sorted(hand.strays) == [stray, upload]


def test_a_dropped_folder_is_not_watched_any_more(hand: Hand, folders: FolderList) -> None:
    hand.turn()
    folders.drop(hand.folder)
    hand.turn()
    hand.export("late.jpg", age_s=50)
    assert hand.turn(1000) == []


def test_a_photo_renamed_into_place_is_taken_by_its_event(
    catalog: Catalog, folders: FolderList, tmp_path: Path, real_events: None
) -> None:
    taken = {"first.jpg": threading.Event(), "a.jpg": threading.Event()}

    def take(path: Path, *, final: bool) -> bool:
        taken[path.name].set()
        return True

    folders.put(tmp_path, watch=True)
    (tmp_path / "first.jpg").touch()
    os.utime(tmp_path / "first.jpg", (0, 0))
    handlers = Handlers(photo=take, temporary=lambda path: None, clip=lambda path: True)
    watcher = Watcher(catalog, folders, WatchConfig(settle_s=60), handlers)
    watcher.start()
    try:
        assert taken["first.jpg"].wait(20)  # it watches by now
        (tmp_path / "a.part").write_bytes(b"x")
        (tmp_path / "a.part").rename(tmp_path / "a.jpg")
        assert taken["a.jpg"].wait(20)
    finally:
        watcher.stop()


class EventsOfPresentFolders(NoEvents):
    """As watchdog's: once it runs it refuses a folder that is absent; with one scheduled before, it does not start."""

    listens: set[str]

    def __init__(self) -> None:
        self.listens, self.running = EventsOfPresentFolders.listens, False
        self.listens.clear()

    def schedule(self, handler: object, path: str, *, recursive: bool) -> object:
        if self.running and not Path(path).is_dir():
            raise FileNotFoundError(path)
        self.listens.add(path)
        return None

    def start(self) -> None:
        if any(not Path(path).is_dir() for path in self.listens):
            self.listens.clear()
            raise FileNotFoundError
        self.running = True


@pytest.fixture
def listens(monkeypatch: pytest.MonkeyPatch, no_events: None) -> set[str]:
    """The folders whose change events the watcher hears."""
    EventsOfPresentFolders.listens = set()
    monkeypatch.setattr(watcher, "Observer", EventsOfPresentFolders)
    return EventsOfPresentFolders.listens


def test_an_absent_folder_costs_no_other_its_events(
    hand: Hand, folders: FolderList, tmp_path: Path, listens: set[str]
) -> None:
    folders.put(tmp_path / "away", watch=True)
    hand.turn()
    assert listens == {str(hand.folder)}


def test_a_folder_that_comes_back_is_listened_to_again(
    hand: Hand, folders: FolderList, tmp_path: Path, listens: set[str]
) -> None:
    folders.put(tmp_path / "away", watch=True)
    hand.turn()
    (tmp_path / "away").mkdir()
    hand.turn(11)
    assert listens == {str(hand.folder), str(tmp_path / "away")}


def test_a_folder_that_was_replaced_is_scanned_at_once(hand: Hand) -> None:
    hand.turn()
    hand.folder.rename(hand.folder.with_name("before"))
    hand.turn(1)
    hand.folder.mkdir()
    hand.export("new.jpg", age_s=100)
    assert hand.turn(1) == ["new.jpg"]


def test_a_folder_deleted_and_made_again_is_followed_by_its_events(
    catalog: Catalog, folders: FolderList, tmp_path: Path, real_events: None
) -> None:
    taken = {name: threading.Event() for name in ("first.jpg", "second.jpg", "third.jpg")}

    def take(path: Path, *, final: bool) -> bool:
        taken[path.name].set()
        return True

    def export(name: str) -> None:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
        (tmp_path / name).rename(root / name)

    root = tmp_path / "root"
    root.mkdir()
    folders.put(root, watch=True)
    export("first.jpg")
    handlers = Handlers(photo=take, temporary=lambda path: None, clip=lambda path: True)
    watcher = Watcher(catalog, folders, WatchConfig(settle_s=60), handlers)
    watcher.start()
    try:
        assert taken["first.jpg"].wait(20)
        (root / "first.jpg").unlink()
        root.rmdir()
        root.mkdir()  # its number may be that of the old one
        export("second.jpg")
        assert taken["second.jpg"].wait(20)
        export("third.jpg")
        assert taken["third.jpg"].wait(20)
    finally:
        watcher.stop()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of this kind are POSIX's")
def test_pipes_and_sockets_with_a_photos_name_are_no_photos(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    hand.turn()
    monkeypatch.chdir(hand.folder)
    for name in ("x_motion.jpg", "x.jpg", "y.xmp", "afterframe.toml"):
        os.mkfifo(name)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("s.jpg")
    hand.export("a.jpg", age_s=100)
    for name in ("x_motion.jpg", "x.jpg", "y.xmp", "afterframe.toml", "s.jpg", "a.jpg"):
        hand.watcher._hints.put((hand.folder / name, True))
    assert hand.turn() == ["a.jpg"]
    assert hand.turn(1000) == []


@pytest.fixture
def elsewhere(tmp_path: Path, hand: Hand) -> Path:
    photo = tmp_path / "private" / "photo.jpg"
    photo.parent.mkdir()
    photo.write_bytes(b"x")
    os.utime(photo, (hand.wall.now - 9, hand.wall.now - 9))
    try:
        (hand.folder / "link.jpg").symlink_to(photo)
    except OSError:
        pytest.skip("links are not allowed here")
    return photo


def test_a_link_that_leads_outside_is_refused_once(hand: Hand, catalog: Catalog, elsewhere: Path) -> None:
    assert hand.turn() == []
    ((path, why),) = catalog.problems()
    assert path == str(hand.folder / "link.jpg")
    assert why.code == "not_allowed"
    assert hand.turn(forward=400) == []
    assert len(catalog.problems()) == 1


def test_a_link_into_another_of_our_folders_is_followed(hand: Hand, folders: FolderList, elsewhere: Path) -> None:
    folders.put(elsewhere.parent, watch=False)
    assert hand.turn() == ["link.jpg"]
