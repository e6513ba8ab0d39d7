from __future__ import annotations

from pathlib import Path

import pytest

from afterframe.domain import Failure, JobState
from afterframe.errors import FolderUnavailable
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.held_folders import REMEMBERED_S, HeldFolders
from afterframe.state.queue import Queue
from factories import Clock, make_job, make_order

OWNER = "daemon-1-aa/0"
FULL = Failure("disk_full", "The disk that holds /photos is full.", "Free some space.")
DAY = Path("/photos/day")


@pytest.fixture
def held(database: Database, clock: Clock) -> HeldFolders:
    return HeldFolders(database, clock)


def test_the_renders_of_a_held_folder_and_those_below_it_wait(
    held: HeldFolders, queue: Queue, catalog: Catalog
) -> None:
    for path in ("/photos/day/a.jpg", "/photos/day/deep/b.jpg", "/photos/day 2/c.jpg"):
        make_job(queue, catalog, path)
    held.hold(DAY, FULL)
    job = queue.claim(OWNER)
    assert job is not None
    assert job.photo_path == "/photos/day 2/c.jpg"
    assert queue.claim(OWNER) is None
    (folder,) = held.all()
    assert (folder.path, folder.error, folder.renders) == (DAY, FULL, 2)


def test_a_render_that_waits_says_why(held: HeldFolders, queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog, "/photos/day/a.jpg")
    held.hold(DAY, FULL)
    assert queue.get(job.id).error == FULL
    held.release(DAY)
    assert queue.get(job.id).error is None


def test_what_is_asked_for_later_waits_too(held: HeldFolders, queue: Queue, catalog: Catalog) -> None:
    held.hold(DAY, FULL)
    job = make_job(queue, catalog, "/photos/day/a.jpg")
    assert queue.claim(OWNER) is None
    assert not queue.has_queued("local")
    held.release(DAY)
    assert held.all() == []
    claimed = queue.claim(OWNER)
    assert claimed is not None
    assert claimed.id == job.id


def test_who_waits_at_the_terminal_is_not_held(held: HeldFolders, queue: Queue, catalog: Catalog) -> None:
    held.hold(DAY, FULL)
    job, _ = queue.enqueue(make_order(catalog, "/photos/day/a.jpg", reserved_for="animate-1"))
    claimed = queue.claim("animate-1/0", reserved_only=True)
    assert claimed is not None
    assert claimed.id == job.id


def test_the_job_that_found_it_out_waits_without_a_strike(held: HeldFolders, queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog, "/photos/day/a.jpg")
    queue.claim(OWNER)
    queue.hold_folder(job.id, OWNER, FolderUnavailable(DAY, FULL.message, FULL.hint, code=FULL.code))
    known = queue.get(job.id)
    assert (known.state, known.strikes, known.error) == (JobState.QUEUED, 0, FULL)
    assert queue.claim(OWNER) is None


def test_a_held_folder_survives_a_restart(held: HeldFolders, database: Database) -> None:
    held.hold(DAY, FULL)
    assert [folder.path for folder in HeldFolders(database).all()] == [DAY]


def test_a_folder_that_is_held_already_is_not_told_again(held: HeldFolders, database: Database) -> None:
    for _ in range(3):
        held.hold(DAY, FULL)
    assert [event["kind"] for event in database.events_since(0)].count("folders") == 1


def test_it_is_counted_how_often_a_folder_is_held_in_succession(held: HeldFolders, clock: Clock) -> None:
    for tries in (1, 2, 3):
        held.hold(DAY, FULL)
        held.hold(DAY, FULL)  # while it is held, that is one
        assert [folder.tries for folder in held.all()] == [tries]
        held.release(DAY)
    clock.forward(REMEMBERED_S + 1)
    held.hold(DAY, FULL)
    assert [folder.tries for folder in held.all()] == [1]


def test_a_cancelled_render_waits_for_nothing(held: HeldFolders, queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog, "/photos/day/a.jpg")
    held.hold(DAY, FULL)
    queue.cancel(job.id)
    assert [folder.renders for folder in held.all()] == [0]
    assert queue.get(job.id).error is None
    assert queue.retry(job.id).error == FULL
