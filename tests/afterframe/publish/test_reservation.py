from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from afterframe.domain import Job
from afterframe.errors import FolderUnavailable, Unavailable
from afterframe.publish import reservation
from afterframe.publish.reservation import STALE_S, Reservations, machine_id, read_reservation, reservation_of
from afterframe.state.catalog import Catalog
from afterframe.state.queue import Queue
from factories import Clock, make_job, make_photo_file, make_recipe


@pytest.fixture
def job(queue: Queue, catalog: Catalog, tmp_path: Path) -> Job:
    return make_job(queue, catalog, make_photo_file(tmp_path / "Käthe ☀.jpg"), origin="watch")


@pytest.fixture
def here(clock: Clock) -> Reservations:
    return Reservations("here", clock)


def test_a_reservation_stands_while_the_clip_is_made_and_no_longer(here: Reservations, job: Job) -> None:
    path = reservation_of(job)
    with here.reserve(job):
        assert path.name.startswith(".afterframe-")
        assert read_reservation(path) == ("here", job.id)
    assert not path.exists()


def test_another_afterframe_waits(here: Reservations, job: Job, clock: Clock) -> None:
    there = Reservations("there", clock)
    with there.reserve(job):
        with pytest.raises(Unavailable, match="another Afterframe") as caught, here.reserve(job):
            pass
        assert caught.value.error_code == "reserved"
    with here.reserve(job):
        assert read_reservation(reservation_of(job))[0] == "here"


def test_one_that_nobody_touches_was_left_by_a_crash(here: Reservations, job: Job, clock: Clock) -> None:
    path = reservation_of(job)
    path.write_text(json.dumps({"machine": "there", "job": "x"}))
    for _ in range(3):
        with pytest.raises(Unavailable), here.reserve(job):
            pass
        clock.forward(STALE_S - 1)
        touched = path.stat().st_mtime + 1
        os.utime(path, (touched, touched))  # it lives
    with pytest.raises(Unavailable), here.reserve(job):
        pass
    clock.forward(STALE_S + 1)
    with here.reserve(job):
        assert read_reservation(path)[0] == "here"


def test_our_own_of_before_a_crash_is_taken_over(here: Reservations, job: Job) -> None:
    reservation_of(job).write_text(json.dumps({"machine": "here", "job": job.id}))
    with here.reserve(job):
        pass
    assert not reservation_of(job).exists()


@pytest.mark.parametrize("text", ["", "[1]", "{", "null", "x" * 10_000])
def test_a_garbled_one_is_a_strangers(here: Reservations, job: Job, clock: Clock, text: str) -> None:
    reservation_of(job).write_text(text)
    with pytest.raises(Unavailable), here.reserve(job):
        pass
    clock.forward(STALE_S + 1)
    with here.reserve(job):
        pass


def test_what_was_asked_for_is_reserved_by_its_recipe(queue: Queue, catalog: Catalog, tmp_path: Path) -> None:
    photo = make_photo_file(tmp_path / "a.jpg")
    jobs = [make_job(queue, catalog, photo, recipe=make_recipe(seed=seed), origin="request") for seed in (1, 2)]
    jobs.append(make_job(queue, catalog, photo, recipe=make_recipe(seed=3), origin="watch"))
    assert len({reservation_of(job) for job in jobs}) == 3


def test_a_folder_that_cannot_be_written_is_told_as_such(here: Reservations, job: Job, tmp_path: Path) -> None:
    gone = Path(job.photo_path).parent
    gone.rename(tmp_path.with_name("elsewhere"))
    try:
        with pytest.raises(FolderUnavailable) as caught, here.reserve(job):
            pass
        assert caught.value.error_code == "folder_missing"
    finally:
        tmp_path.with_name("elsewhere").rename(gone)


def test_that_of_a_cloned_afterframe_is_waited_for(here: Reservations, job: Job, clock: Clock) -> None:
    """A copied home has the same number; its jobs have ids of their own."""
    reservation_of(job).write_text(json.dumps({"machine": "here", "job": "f" * 32}))
    with pytest.raises(Unavailable), here.reserve(job):
        pass
    clock.forward(STALE_S + 1)
    with here.reserve(job):
        pass


def test_two_containers_with_one_name_and_one_path_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reservation.socket, "gethostname", lambda: "afterframe")
    monkeypatch.setattr(reservation.uuid, "getnode", lambda: 2)
    home = tmp_path / "home"
    ids = []
    for container in ("one", "two"):
        home.mkdir()
        ids.append(machine_id(home))
        assert machine_id(home) == ids[-1]
        assert [path.name for path in home.iterdir()] == [reservation.ID_FILE]
        home.rename(tmp_path / container)  # the other one's is mounted there
    assert ids[0] != ids[1]


def test_all_processes_of_one_home_agree_whoever_is_first(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(machine_id, [tmp_path] * 32))) == 1


def test_two_homes_are_told_apart(tmp_path: Path) -> None:
    assert machine_id(tmp_path / "a") != machine_id(tmp_path / "b")
    assert machine_id(tmp_path / "a") == machine_id(tmp_path / "a")
