from __future__ import annotations

from pathlib import Path

import pytest

from afterframe.domain import Failure, Stamp
from afterframe.errors import NotFound
from afterframe.state.catalog import WAITING, Catalog
from afterframe.state.folder_list import FolderList


def test_folders_are_added_changed_and_dropped(folders: FolderList) -> None:
    folders.put(Path("/photos"), watch=True)
    folders.put(Path("/photos"), watch=False)
    assert [folder.watch for folder in folders.all()] == [False]
    folders.drop(Path("/photos"))
    assert folders.all() == []
    with pytest.raises(NotFound):
        folders.drop(Path("/photos"))


def test_a_large_backlog_waits_and_is_let_go(catalog: Catalog, folders: FolderList) -> None:
    folders.put(Path("/photos"), watch=True)
    folders.hold_backlog({"/photos/a.jpg": Stamp(1, 1), "/photos/b.jpg": Stamp(1, 1)})
    assert catalog.problem_at(Path("/photos/a.jpg")) == WAITING
    assert folders.release_backlog(Path("/photos")) == 2
    assert catalog.stamps(Path("/photos")) == {}


def test_a_waiting_backlog_is_not_among_the_problems(catalog: Catalog, folders: FolderList) -> None:
    folders.hold_backlog({f"/photos/{n}.jpg": Stamp(1, 1) for n in range(5)})
    catalog.record_rejection(Path("/p/broken.jpg"), Stamp(5, 6), Failure("empty", "broken.jpg is empty."))
    assert [path for path, _ in catalog.problems(limit=3)] == ["/p/broken.jpg"]


def test_a_refusal_is_not_taken_for_a_photo_on_hold_whatever_its_code(catalog: Catalog, folders: FolderList) -> None:
    path = Path("/photos/a.jpg")
    catalog.record_rejection(path, Stamp(1, 1), Failure(WAITING.code, "The drive waits for its disk."))
    assert not catalog.is_on_hold(path)
    assert [Path(refused) for refused, _ in catalog.problems()] == [path]
    assert folders.release_backlog(Path("/photos")) == 0


def test_a_photo_that_was_read_or_refused_is_not_on_hold_any_more(catalog: Catalog, folders: FolderList) -> None:
    paths = [Path("/photos/a.jpg"), Path("/photos/b.jpg")]
    folders.hold_backlog({str(path): Stamp(1, 1) for path in paths})
    assert all(map(catalog.is_on_hold, paths))
    catalog.put_photo(paths[0], Stamp(1, 1), "a" * 64, {})
    catalog.record_rejection(paths[1], Stamp(1, 1), Failure("truncated", "b.jpg ends too early."))
    assert not any(map(catalog.is_on_hold, paths))
    assert folders.release_backlog(Path("/photos")) == 0
