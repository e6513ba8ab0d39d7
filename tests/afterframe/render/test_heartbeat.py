from __future__ import annotations

import threading

import pytest

from afterframe.domain import Job
from afterframe.render.heartbeat import Heartbeat, WorkerContext
from afterframe.state.catalog import Catalog
from afterframe.state.queue import Queue
from factories import Clock, make_job

OWNER = "daemon-1-aa/0"


@pytest.fixture
def job(queue: Queue, catalog: Catalog) -> Job:
    make_job(queue, catalog)
    claimed = queue.claim(OWNER)
    assert claimed is not None
    return claimed


@pytest.fixture
def beat(queue: Queue, job: Job, clock: Clock) -> Heartbeat:
    return Heartbeat(queue, job, WorkerContext(OWNER, threading.Event(), stall_s=60), clock)


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
