"""A photo whose content changes while its size and modification time stay."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from watch_fixtures import Hand, NoEvents

from afterframe.domain import Stamp
from afterframe.intake import watcher
from afterframe.intake.ingest import Ingest
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList
from afterframe.state.queue import Queue
from afterframe.system.hashing import sha256_of
from factories import make_photo_file, make_settings
from fakes import FakeReader, open_files


@pytest.fixture(autouse=True)
def no_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "Observer", NoEvents)


@pytest.fixture
def hand(catalog: Catalog, folders: FolderList, tmp_path: Path) -> Hand:
    folder = tmp_path / "export"
    folder.mkdir()
    return Hand(catalog, folders, folder)


def tick(path: Path) -> None:
    """Write until the file system's clock has moved on: its steps are a few milliseconds long."""
    other = path.with_name(".tick")
    other.touch()
    while other.stat().st_ctime_ns <= path.stat().st_ctime_ns:
        other.touch()


def overwrite(path: Path, data: bytes) -> None:
    stat = path.stat()
    tick(path)
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_file_overwritten_with_its_size_and_time_kept_is_noticed_by_a_scan(hand: Hand) -> None:
    path = hand.export("a.tif", b"one", age_s=50)
    assert hand.turn() == ["a.tif"]
    overwrite(path, b"two")
    assert hand.turn(301) == ["a.tif"]
    assert hand.turn(301) == []


def test_one_replaced_by_a_rename_is_noticed_by_a_scan(hand: Hand) -> None:
    path = hand.export("a.tif", b"one", age_s=50)
    hand.turn()
    tick(path)
    other = hand.export("a.tif.part", b"two", age_s=0)
    os.utime(other, ns=(0, path.stat().st_mtime_ns))
    other.replace(path)
    assert hand.turn(301) == ["a.tif"]


def test_one_renamed_into_place_is_looked_at_though_its_stamp_is_the_same(
    hand: Hand, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = hand.export("a.tif", b"one", age_s=50)
    hand.turn()
    assert Stamp.of(path.stat()).agrees(catalog.stamp_at(path))
    hand.watcher._hints.put((path, "renamed"))
    assert hand.turn() == ["a.tif"]
    hand.watcher._hints.put((path, "changed"))
    assert hand.turn(3) == []


def test_a_stamp_that_an_earlier_version_wrote_stays_valid(hand: Hand, catalog: Catalog) -> None:
    path = hand.export("a.tif", b"one", age_s=50)
    stat = path.stat()
    catalog.put_photo(path, Stamp(stat.st_size, stat.st_mtime_ns), "a" * 64, {})
    assert hand.turn() == []


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def ingest(database: Database, catalog: Catalog, queue: Queue, reader: FakeReader) -> Ingest:
    return Ingest(database, catalog, queue, make_settings(), reader.read, open_files())


def test_the_new_content_is_animated_and_the_old_render_dropped(ingest: Ingest, queue: Queue, tmp_path: Path) -> None:
    photo = make_photo_file(tmp_path / "a.bmp.tif")
    ingest.accept(photo)
    overwrite(photo, make_photo_file(tmp_path / "b.tif", seed=3).read_bytes())
    ingest.accept(photo)
    assert {(job.photo_sha256, job.state) for job in queue.page()[0]} >= {(sha256_of(photo), "queued")}
    assert len(queue.page()[0]) == 2


def test_changed_rights_cost_a_hash_and_no_reading(
    ingest: Ingest, reader: FakeReader, catalog: Catalog, tmp_path: Path
) -> None:
    photo = make_photo_file(tmp_path / "a.jpg")
    ingest.accept(photo)
    reads = len(reader.asked)
    tick(photo)
    photo.chmod(0o600)
    assert not Stamp.of(photo.stat()).agrees(catalog.stamp_at(photo))
    assert ingest.accept(photo)
    assert len(reader.asked) == reads
    assert Stamp.of(photo.stat()).agrees(catalog.stamp_at(photo))
