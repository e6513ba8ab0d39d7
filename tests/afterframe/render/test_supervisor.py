from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from afterframe.domain import JobState
from afterframe.render.slots import WorkerGroup, WorkerSpec
from afterframe.render.supervisor import Supervisor
from afterframe.state.catalog import Catalog
from afterframe.state.queue import LEASE_S, Queue
from afterframe.system.awake_clock import AwakeClock
from factories import Clock, make_job
from fakes import OtherProcess


class FakeProcess:
    """A process that ends when told, and notes what was done to it."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self._clock = clock
        self.heard_at = clock()
        self.stalled = False
        self.told = False
        self.killed = False
        self.returncode: int | None = None

    def sign(self) -> None:
        """Give a sign of life."""
        self.heard_at = self._clock()

    def poll(self) -> int | None:
        return self.returncode

    def stop(self) -> None:
        self.told = True

    def end(self, wait_s: float = 0.0) -> None:
        if self.returncode is None:
            self.killed = not (self.told and wait_s)
            self.returncode = -9 if self.killed else 0


class Yard:
    """A supervisor over fake processes, with its clock."""

    def __init__(self, queue: Queue, clock: Clock, awake: Callable[[], float] | None = None) -> None:
        self.clock, self.steady = clock, awake or clock
        self.started: list[FakeProcess] = []
        self.rolled: list[Any] = []
        self.supervisor = Supervisor(queue, self, WorkerGroup("daemon-1-aa"), start=self._start, clock=self.steady)  # type: ignore[arg-type]

    def roll_forward(self, is_gone: Callable[[str], bool]) -> None:
        """In the publisher's place."""
        self.rolled.append(is_gone)

    def _start(self, owner: str, spec: WorkerSpec, clock: Callable[[], float]) -> Any:
        assert owner == "daemon-1-aa/0"
        self.started.append(FakeProcess(self.steady))
        return self.started[-1]

    def look(self, forward: float = 0.0) -> None:
        self.clock.forward(forward)
        self.supervisor.tend()


@pytest.fixture
def yard(queue: Queue, clock: Clock) -> Yard:
    return Yard(queue, clock)


def test_a_worker_is_started_and_left_alone_while_it_lives(yard: Yard) -> None:
    yard.look()
    yard.look(100)
    assert len(yard.started) == 1


def test_a_worker_that_ended_in_order_comes_back_when_there_is_something_to_do(
    yard: Yard, queue: Queue, catalog: Catalog
) -> None:
    yard.look()
    yard.started[0].returncode = 0
    for _ in range(3):
        yard.look(100)
    assert len(yard.started) == 1
    make_job(queue, catalog)
    yard.look()
    assert len(yard.started) == 2


def test_a_daemon_that_slept_with_its_workers_waits_before_it_judges_them(
    queue: Queue, catalog: Catalog, clock: Clock
) -> None:
    job = make_job(queue, catalog)
    yard = Yard(queue, clock, AwakeClock(clock))
    yard.look()
    queue.claim("daemon-1-aa/0")
    yard.look(3600)
    assert not yard.started[0].killed
    for _ in range(int(LEASE_S)):
        yard.look(1)
    assert yard.started[0].killed  # it gave no sign afterwards either
    assert queue.get(job.id).strikes == 1


def test_a_dead_workers_job_gets_a_strike_and_a_new_worker_comes(yard: Yard, queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    yard.look()
    queue.claim("daemon-1-aa/0")
    yard.started[0].returncode = -11
    yard.look()
    assert (queue.get(job.id).state, queue.get(job.id).strikes) == (JobState.QUEUED, 1)
    yard.look(1)
    assert len(yard.started) == 2


def test_committed_publishes_are_finished_before_a_strike_is_given(yard: Yard, queue: Queue, catalog: Catalog) -> None:
    yard.look()
    yard.started[0].returncode = 1
    yard.look()
    (may_finish,) = yard.rolled
    assert may_finish("daemon-1-aa/0")
    assert not may_finish("daemon-1-aa/1")


def test_a_hung_render_is_ended(yard: Yard, queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    yard.look()
    queue.claim("daemon-1-aa/0")
    yard.look(LEASE_S + 1)
    assert yard.started[0].killed
    assert queue.get(job.id).strikes == 1


def test_a_worker_that_keeps_dying_is_started_less_and_less_often(yard: Yard) -> None:
    for _ in range(5):
        yard.look(10)
        yard.started[-1].returncode = 1
        yard.look()
    count = len(yard.started)
    yard.look(5)
    assert len(yard.started) == count
    yard.look(5)
    assert len(yard.started) == count + 1


def test_a_worker_that_left_for_fresh_memory_is_replaced_at_once(yard: Yard, queue: Queue, catalog: Catalog) -> None:
    make_job(queue, catalog)
    for _ in range(5):
        yard.look()
        yard.started[-1].returncode = 0
        yard.look()
    yard.look()
    assert len(yard.started) == 6


def test_stopping_tells_the_workers_and_gives_their_jobs_back(yard: Yard, queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    yard.look()
    queue.claim("daemon-1-aa/0")
    yard.supervisor.start()
    yard.supervisor.stop()
    assert yard.started[0].told
    assert not yard.started[0].killed
    assert (queue.get(job.id).state, queue.get(job.id).strikes) == (JobState.QUEUED, 0)


# -- when the state file cannot be used --------------------------------------------------------


def test_a_worker_that_lives_is_left_alone_though_its_lease_lapsed(yard: Yard, queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    yard.look()
    queue.claim("daemon-1-aa/0")
    for _ in range(8):
        yard.clock.forward(15)
        yard.started[0].sign()
        yard.look()
    assert queue.stalled("daemon-1-aa/0")
    assert not yard.started[0].killed
    assert (queue.get(job.id).state, queue.get(job.id).strikes) == (JobState.RUNNING, 0)
    yard.look(LEASE_S + 1)  # now it hangs
    assert yard.started[0].killed
    assert queue.get(job.id).strikes == 1


def test_a_worker_that_says_that_it_stands_still_is_ended_at_once(yard: Yard, queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    yard.look()
    queue.claim("daemon-1-aa/0")
    yard.started[0].stalled = True
    yard.look()
    assert yard.started[0].killed
    assert queue.get(job.id).strikes == 1


def test_a_death_while_the_state_file_is_locked_is_judged_when_it_is_not(
    yard: Yard, queue: Queue, catalog: Catalog, other_process: OtherProcess, caplog: pytest.LogCaptureFixture
) -> None:
    job = make_job(queue, catalog)
    yard.look()
    queue.claim("daemon-1-aa/0")
    other_process.lock()
    yard.started[0].returncode = -11
    for _ in range(3):
        yard.look(LEASE_S)
    assert len(yard.started) == 1  # who comes after it must not be taken for it
    assert caplog.text.count("locked") == 1
    other_process.unlock()
    yard.look()
    assert (queue.get(job.id).state, queue.get(job.id).strikes) == (JobState.QUEUED, 1)
    yard.look()
    assert len(yard.started) == 2


def test_leases_that_lapsed_while_nobody_could_write_accuse_nobody(
    yard: Yard, queue: Queue, catalog: Catalog, other_process: OtherProcess
) -> None:
    jobs = [make_job(queue, catalog, f"/photos/{name}.jpg") for name in "AB"]
    yard.look()
    for _ in jobs:
        queue.claim("daemon-1-aa/0")
    other_process.lock()
    yard.clock.forward(2 * LEASE_S)
    yard.started[0].returncode = -11
    yard.look()
    other_process.unlock()
    yard.look()
    after = [queue.get(job.id) for job in jobs]
    assert [(job.strikes, job.exclusive) for job in after] == [(0, True)] * 2


def test_stopping_while_the_state_file_is_locked_raises_nothing(yard: Yard, other_process: OtherProcess) -> None:
    yard.look()
    other_process.lock()
    yard.supervisor.start()
    yard.supervisor.stop()
    assert yard.started[0].told
