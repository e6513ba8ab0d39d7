from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from render_fixtures import Studio, make_studio  # noqa: F401 - a fixture

from afterframe.domain import Job, JobState, Recipe
from afterframe.encode import encode as encode_module
from afterframe.errors import Cancelled, EncodeError, GenerateError, OutOfMemory
from afterframe.generators.interface import Capabilities
from afterframe.imaging.frames import Frames, PreparedPhoto
from afterframe.render import state_outage
from afterframe.render.heartbeat import Heartbeat
from afterframe.state.queue import Queue
from afterframe.system.hashing import sha256_of


def run_once(studio: Studio, render: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the loop take one job, whose render does what ``render`` does."""

    def once(job: Job, beat: Heartbeat) -> None:
        studio.stopping.set()
        render(job, beat)

    monkeypatch.setattr(studio.renderer, "render", once)
    studio.loop().run()


def raising(error: BaseException) -> Callable[..., None]:
    def render(job: Job, beat: Heartbeat) -> None:
        raise error

    return render


def test_out_of_memory_is_its_own_class_and_never_retried(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    job = studio.order()
    run_once(studio, raising(MemoryError()), monkeypatch)
    failed = studio.queue.get(job.id)
    assert failed.state == JobState.FAILED
    assert failed.error is not None
    assert failed.error.code == OutOfMemory.code


@pytest.mark.logs_errors
def test_an_unexpected_error_costs_a_strike_and_the_loop_goes_on(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = studio.order()
    run_once(studio, raising(ZeroDivisionError("oops")), monkeypatch)
    again = studio.queue.get(job.id)
    assert (again.state, again.strikes) == (JobState.QUEUED, 1)


def test_stopping_the_worker_gives_the_job_back_without_a_strike(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = studio.order()
    run_once(studio, raising(Cancelled("Stopped.")), monkeypatch)
    back = studio.queue.get(job.id)
    assert (back.state, back.strikes) == (JobState.QUEUED, 0)


def test_a_failure_names_the_photo(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    job = studio.order()
    run_once(studio, raising(GenerateError("no weights")), monkeypatch)
    error = studio.queue.get(job.id).error
    assert error is not None
    assert "DSC_0042.jpg" in error.message


def test_queue_is_empty_and_the_loop_ends_when_told(studio: Studio) -> None:
    threading.Timer(0.05, studio.stopping.set).start()
    studio.loop().run()


def test_after_out_of_memory_a_fresh_process_goes_on(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    job = studio.order()
    monkeypatch.setattr(studio.renderer, "render", raising(OutOfMemory("too much", smaller_plan=1)))
    studio.loop().run()  # returns by itself
    assert (studio.queue.get(job.id).state, studio.queue.get(job.id).plan) == (JobState.QUEUED, 1)


def test_a_worker_that_has_nothing_to_do_for_long_ends_by_itself(studio: Studio) -> None:
    job = studio.order()
    studio.loop(keep_warm_s=0).run()
    assert studio.queue.get(job.id).state == JobState.DONE
    assert not studio.stopping.is_set()


def serve_all(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the worker's loop run until every job has ended."""
    claim = studio.queue.claim

    def claimed(*given: Any, **named: Any) -> Job | None:
        job = claim(*given, **named)
        counts = studio.queue.counts()
        if job is None and not counts["queued"] + counts["running"] + counts["publishing"]:
            studio.stopping.set()
        return job

    monkeypatch.setattr(studio.queue, "claim", claimed)
    studio.loop().run()


def test_the_next_clip_is_begun_while_the_last_is_finished(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.generator.capabilities = Capabilities(ahead=True)
    jobs = [studio.order(seed=seed, origin="request") for seed in (1, 2)]
    begun: list[int] = []
    second_begun = threading.Event()
    generate, verify = studio.generator.generate, encode_module.verify

    def counted(photo: PreparedPhoto, recipe: Recipe, *told: Any) -> Frames:
        begun.append(recipe.seed)
        if len(begun) == 2:
            second_begun.set()
        return generate(photo, recipe, *told)

    def held(*given: Any) -> None:
        assert second_begun.wait(30)
        verify(*given)

    monkeypatch.setattr(studio.generator, "generate", counted)
    monkeypatch.setattr(encode_module, "verify", held)
    serve_all(studio, monkeypatch)
    assert [studio.queue.get(job.id).state for job in jobs] == [JobState.DONE] * 2


def test_a_generator_that_streams_is_not_overtaken(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in (1, 2):
        studio.order(seed=seed, origin="request")
    running: list[int] = []
    verify = encode_module.verify

    def counted(*given: Any) -> None:
        running.append(studio.queue.counts()["running"])
        verify(*given)

    monkeypatch.setattr(encode_module, "verify", counted)
    serve_all(studio, monkeypatch)
    assert running == [1, 1]


def test_a_clip_that_fails_at_its_end_does_not_harm_the_next(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.generator.capabilities = Capabilities(ahead=True)
    for seed in (1, 2):
        studio.order(seed=seed, origin="request")
    verify, seen = encode_module.verify, []

    def fails_once(*given: Any) -> None:
        seen.append(1)
        if len(seen) == 1:
            raise EncodeError("it does not decode")
        verify(*given)

    monkeypatch.setattr(encode_module, "verify", fails_once)
    serve_all(studio, monkeypatch)
    counts = studio.queue.counts()
    assert (counts["failed"], counts["done"]) == (1, 1)


# -- when the state file cannot be used --------------------------------------------------------


def locked_twice(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A step of the queue finds the state file locked, twice."""
    step, tries = getattr(Queue, name), []

    def locked(*given: Any, **named: Any) -> Any:
        tries.append(1)
        if len(tries) <= 2:
            raise sqlite3.OperationalError("database is locked")
        return step(*given, **named)

    monkeypatch.setattr(state_outage, "RETRY_S", 0)
    monkeypatch.setattr(Queue, name, locked)


@pytest.mark.parametrize("step", ["claim", "begin_publish", "finish"])
def test_a_locked_state_file_costs_no_strike_and_no_second_clip(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    job = studio.order()
    locked_twice(monkeypatch, step)
    serve_all(studio, monkeypatch)
    done = studio.queue.get(job.id)
    assert (done.state, done.strikes) == (JobState.DONE, 0)
    assert studio.files() == {"DSC_0042.jpg", "DSC_0042_motion.mp4", "DSC_0042_motion.mp4.xmp"}
    clip = studio.clip_of(job)
    assert sha256_of(Path(clip.path)) == clip.sha256
    packet = Path(clip.sidecar_path).read_bytes()
    assert Path(clip.path).read_bytes().count(packet) == 1


def test_a_failure_is_recorded_as_soon_as_it_can_be(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    job = studio.order()
    studio.generator.error = GenerateError("no weights")
    locked_twice(monkeypatch, "fail")
    serve_all(studio, monkeypatch)
    assert studio.queue.get(job.id).state == JobState.FAILED


def test_who_is_stopped_during_an_outage_leaves_the_publication_to_the_next(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = studio.order()

    def locked(*_: Any) -> None:
        studio.stopping.set()
        raise sqlite3.OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(Queue, "finish", locked)
        studio.loop().run()
    assert studio.queue.get(job.id).state == JobState.PUBLISHING
    studio.publisher.roll_forward(lambda owner: True)
    assert (studio.queue.get(job.id).state, studio.queue.get(job.id).strikes) == (JobState.DONE, 0)
    assert len(studio.files()) == 3
