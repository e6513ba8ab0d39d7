from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_supervisor import FakeProcess

from afterframe.config import ClusterConfig, Config, EndpointConfig, RemoteConfig, RenderConfig, read_config
from afterframe.domain import Job, JobState
from afterframe.errors import Unavailable
from afterframe.publish.publisher import Publisher
from afterframe.render import slots
from afterframe.render.heartbeat import Heartbeat, WorkerContext
from afterframe.render.loop import WorkerLoop
from afterframe.render.slots import POLL_INTERVAL_S, STAGGER_S, GpuStagger, WorkerGroup, WorkerSpec, worker_specs
from afterframe.render.supervisor import Supervisor
from afterframe.render.worker_handle import start_worker
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.queue import LOCAL, NewJob, Queue
from afterframe.system.gpus import VISIBLE, Gpu
from factories import Clock, make_job, make_photo, make_recipe, make_settings


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def have(*uuids: str) -> None:
        monkeypatch.setattr(slots, "find_gpus", lambda: [Gpu(uuid, n, 1, 1) for n, uuid in enumerate(uuids)])

    return have


def lanes(config: Config) -> list[str]:
    return [place.lane for place in worker_specs(config)]


def test_without_a_gpu_one_worker_and_one_for_each_lane_elsewhere(gpus: Callable[..., None]) -> None:
    gpus()
    assert worker_specs(Config()) == [WorkerSpec(), WorkerSpec("remote"), WorkerSpec("ray")]


def test_each_gpu_has_a_worker_of_its_own(gpus: Callable[..., None]) -> None:
    gpus("A", "B", "C")
    local = [place.devices for place in worker_specs(Config()) if place.lane == LOCAL]
    assert local == [("A", "B", "C"), ("B", "C", "A"), ("C", "A", "B")]


def test_the_only_gpu_needs_no_choice(gpus: Callable[..., None]) -> None:
    gpus("A")
    assert worker_specs(Config())[0] == WorkerSpec()


def test_the_settings_say_how_many(gpus: Callable[..., None]) -> None:
    gpus()
    endpoints = (EndpointConfig("http://a", slots=2), EndpointConfig("http://b"))
    config = Config(render=RenderConfig(slots=2), remote=RemoteConfig(endpoints), cluster=ClusterConfig(slots=4))
    assert lanes(config) == [*[LOCAL] * 2, *["remote"] * 3, *["ray"] * 4]


# -- lanes -------------------------------------------------------------------------------------


def jobs_of_each_kind(queue: Queue, catalog: Catalog) -> dict[str, str]:
    made = {}
    for number, kind in enumerate(("remote:box2", "diffusers:wan-5b", "ray", "parallax", "remotely")):
        order = NewJob(make_photo(catalog, f"/photos/{number}.jpg"), make_recipe(), kind)
        made[kind] = queue.enqueue(order)[0].id
    return made


@pytest.mark.parametrize(
    ("lane", "kinds"),
    [(LOCAL, ["diffusers:wan-5b", "parallax", "remotely"]), ("remote", ["remote:box2"]), ("ray", ["ray"])],
)
def test_a_worker_takes_only_the_jobs_of_its_lane(lane: str, kinds: list[str], queue: Queue, catalog: Catalog) -> None:
    jobs_of_each_kind(queue, catalog)
    taken = []
    while job := queue.claim("daemon-1-aa/0", lane=lane):
        taken.append(job.generator)
    assert taken == kinds


def test_processes_for_elsewhere_start_when_they_are_needed(database: Database, queue: Queue, catalog: Catalog) -> None:
    started = []

    def start(owner: str, spec: WorkerSpec, clock: Callable[[], float]) -> FakeProcess:
        started.append(spec.lane)
        return FakeProcess()

    group = WorkerGroup("daemon-1-aa", [WorkerSpec(), WorkerSpec("ray")])
    supervisor = Supervisor(queue, Publisher(database, make_settings()), group, start=start)  # type: ignore[arg-type]
    supervisor.tend()
    assert started == [LOCAL]
    jobs_of_each_kind(queue, catalog)
    supervisor.tend()
    assert started == [LOCAL, "ray"]


def test_a_worker_sees_only_its_own_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = (
        f"import os, sys; open({str(out)!r}, 'w').write(os.environ.get({VISIBLE!r}, 'all') + ' ' + str(sys.argv[4:]))"
    )
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    for place, seen in (
        (WorkerSpec(LOCAL, ("B", "A")), "B ['any', 'local', 'B', 'A']"),
        (WorkerSpec(), "all ['any', 'local']"),
    ):
        process = start_worker("daemon-1-aa/0", place, time.monotonic)
        process.end(20)
        assert out.read_text() == seen


# -- whose turn --------------------------------------------------------------------------------


def test_the_gpu_with_most_free_memory_goes_first(clock: Clock) -> None:
    free = {"A": 8_000, "B": 70_000, "C": 20_000}
    waits = {own: GpuStagger((own, *(free.keys() - {own})), lambda: free, clock).wait_s() for own in free}
    assert waits == {"B": 0.0, "C": STAGGER_S, "A": 2 * STAGGER_S}


def test_equals_do_not_wait_for_each_other(clock: Clock) -> None:
    assert GpuStagger(("A", "B"), lambda: {"A": 24_000, "B": 24_100}, clock).wait_s() == 0.0


def test_memory_is_looked_at_now_and_then(clock: Clock) -> None:
    free = {"A": 8_000, "B": 70_000}
    turn = GpuStagger(("A", "B"), lambda: free, clock)
    assert turn.wait_s() == STAGGER_S
    free["A"] = 80_000
    assert turn.wait_s() == STAGGER_S
    clock.forward(POLL_INTERVAL_S)
    assert turn.wait_s() == 0.0


def test_one_gpu_waits_for_nobody() -> None:
    def never() -> dict[str, int]:
        raise AssertionError

    assert GpuStagger(("A",), never).wait_s() == GpuStagger((), never).wait_s() == 0.0


# -- when the machine is not there -----------------------------------------------------------------


def test_a_postponed_job_has_no_strike_and_says_why(queue: Queue, catalog: Catalog) -> None:
    first, second = (make_job(queue, catalog, f"/photos/{n}.jpg") for n in range(2))
    queue.claim("daemon-1-aa/0")
    queue.postpone(first.id, "daemon-1-aa/0", Unavailable("No server answers.", "Start one."))
    job = queue.get(first.id)
    assert (job.state, job.strikes) == (JobState.QUEUED, 0)
    assert job.error is not None
    assert job.error.message == "No server answers."
    assert [job.id for job in queue.unfinished()] == [second.id, first.id]
    queue.claim("daemon-1-aa/0")
    queue.claim("daemon-1-aa/1")
    assert queue.get(first.id).error is None


def test_a_postponed_job_that_was_cancelled_stays_so(queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    queue.claim("daemon-1-aa/0")
    queue.cancel(job.id)
    queue.postpone(job.id, "daemon-1-aa/0", Unavailable("No server answers."))
    assert queue.get(job.id).state == JobState.CANCELLED


class AwayRenderer:
    """A renderer whose generator finds nobody."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping

    def render(self, job: Job, beat: Heartbeat) -> None:
        self._stopping.set()
        raise Unavailable("No server answers.", "Start one.")


@pytest.mark.parametrize(
    ("reserved", "state", "strikes"),
    [(False, JobState.QUEUED, 0), (True, JobState.QUEUED, 1)],
    ids=["daemon", "animate"],
)
def test_a_photo_waits_for_its_server_but_who_waits_at_the_terminal_does_not_wait_for_ever(
    reserved: bool, state: JobState, strikes: int, queue: Queue, catalog: Catalog
) -> None:
    job = make_job(queue, catalog, reserved_for="daemon-1-aa" if reserved else None)
    worker = WorkerContext("daemon-1-aa/0", threading.Event(), stall_s=60)
    renderer: Any = AwayRenderer(worker.stopping)
    WorkerLoop(renderer, queue, worker, WorkerSpec(lane="", reserved=reserved), keep_warm_s=60).run()
    after = queue.get(job.id)
    assert (after.state, after.strikes) == (state, strikes)


# -- the page ----------------------------------------------------------------------------------


def test_the_settings_that_the_page_shows_can_be_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "studio.md").read_text("utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 4
    for number, block in enumerate(blocks):
        (tmp_path / f"{number}.toml").write_text(block, "utf-8")
        read_config(tmp_path / f"{number}.toml")
