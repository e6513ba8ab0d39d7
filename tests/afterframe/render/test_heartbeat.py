from __future__ import annotations

import sqlite3
import threading

import pytest

from afterframe.domain import Job
from afterframe.render import state_outage
from afterframe.render.heartbeat import Heartbeat, WorkerContext
from afterframe.render.worker_handle import ALIVE, STALLED
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.queue import Queue
from factories import Clock, make_job
from fakes import OtherProcess

OWNER = "daemon-1-aa/0"


@pytest.fixture
def job(queue: Queue, catalog: Catalog) -> Job:
    make_job(queue, catalog)
    claimed = queue.claim(OWNER)
    assert claimed is not None
    return claimed


@pytest.fixture
def signs() -> list[bytes]:
    return []


@pytest.fixture
def beat(queue: Queue, job: Job, clock: Clock, signs: list[bytes]) -> Heartbeat:
    return Heartbeat(queue, job, WorkerContext(OWNER, threading.Event(), 60, signs.append), clock)


def test_progress_never_goes_back_and_the_generators_own_eta_counts_down(
    beat: Heartbeat, queue: Queue, job: Job, clock: Clock
) -> None:
    beat.progress(0.5, 30.0)
    beat.progress(0.1)
    clock.forward(10)
    beat.beat()
    told = queue.get(job.id)
    assert (told.progress, told.eta_s) == (0.5, 20.0)


def test_without_word_from_the_generator_the_time_left_follows_the_pace(
    beat: Heartbeat, queue: Queue, job: Job, clock: Clock
) -> None:
    clock.forward(10)
    beat.progress(0.25)
    beat.beat()
    assert queue.get(job.id).eta_s == 30.0


def test_a_cancelled_render_hears_it_with_the_next_beat(beat: Heartbeat, queue: Queue, job: Job) -> None:
    beat.beat()
    assert not beat.stopped()
    queue.cancel(job.id)
    beat.beat()
    assert beat.stopped()


def test_a_render_that_was_given_to_another_worker_stops(beat: Heartbeat, queue: Queue) -> None:
    queue.release(OWNER)
    beat.beat()
    assert beat.stopped()


# -- when the state file cannot be used --------------------------------------------------------


def test_a_locked_state_file_ends_no_heartbeat(
    beat: Heartbeat, queue: Queue, job: Job, clock: Clock, other_process: OtherProcess, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    other_process.lock()
    for _ in range(3):
        clock.forward(20)
        beat.progress(0.5)
        beat.beat()
    assert queue.stalled(OWNER)  # as far as the state file says
    assert not beat.stopped()
    other_process.unlock()
    beat.beat()
    assert not queue.stalled(OWNER)
    assert queue.get(job.id).progress == 0.5
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "locked" in caplog.text


def test_a_full_disk_ends_no_heartbeat(
    beat: Heartbeat, queue: Queue, clock: Clock, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    connection = database.connection
    connection.execute("CREATE TABLE filler (bytes BLOB)")
    connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")
    connection.execute(
        "CREATE TRIGGER fill BEFORE UPDATE ON jobs BEGIN INSERT INTO filler VALUES (zeroblob(9999)); END"
    )
    for _ in range(2):
        clock.forward(20)
        beat.beat()
    assert queue.stalled(OWNER)
    assert caplog.text.count("full") == 1
    connection.execute("PRAGMA max_page_count = 1000000")
    beat.beat()
    assert not queue.stalled(OWNER)


def test_each_spell_is_told_once(
    beat: Heartbeat, other_process: OtherProcess, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    for _ in range(2):
        other_process.lock()
        beat.beat()
        beat.beat()
        other_process.unlock()
        beat.beat()
        beat.beat()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"] * 2


def test_signs_of_life_need_no_state_file(
    beat: Heartbeat, other_process: OtherProcess, clock: Clock, signs: list[bytes]
) -> None:
    other_process.lock()
    beat.give_sign()
    assert signs == [ALIVE]


def test_a_render_that_stands_still_says_so_and_gives_no_sign_of_life(
    beat: Heartbeat, queue: Queue, clock: Clock, signs: list[bytes]
) -> None:
    clock.forward(61)
    beat.give_sign()
    assert signs == []
    beat.beat()
    assert signs == [STALLED]
    assert queue.stalled(OWNER)


def test_a_render_that_stands_still_says_so_also_while_the_state_file_is_locked(
    beat: Heartbeat, other_process: OtherProcess, clock: Clock, signs: list[bytes]
) -> None:
    other_process.lock()
    clock.forward(61)
    beat.beat()
    assert signs == [STALLED]


def test_waiting_for_the_state_file_is_no_stall(
    beat: Heartbeat, clock: Clock, monkeypatch: pytest.MonkeyPatch, signs: list[bytes]
) -> None:
    monkeypatch.setattr(state_outage, "RETRY_S", 0)
    tries: list[float] = []

    def step() -> None:
        tries.append(clock())
        clock.forward(40)
        if len(tries) < 4:
            raise sqlite3.OperationalError("database is locked")

    beat.retry_through_outage(step)
    beat.give_sign()
    assert len(tries) == 4
    assert signs == [ALIVE]
