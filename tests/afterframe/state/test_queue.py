from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from afterframe.domain import JobState
from afterframe.errors import Cancelled, GenerateError, NotFound, OutOfMemory, WrongState
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.queue import LEASE_S, LeaseLost, NewJob, Queue
from afterframe.state.queue_transitions import MAX_STRIKES
from factories import Clock, make_clip, make_job, make_order, make_photo, make_recipe

OWNER = "daemon-1-aa/0"


def test_a_queued_job_is_claimed_once(queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    claimed = queue.claim(OWNER)
    assert claimed is not None
    assert claimed.id == job.id
    assert claimed.state == JobState.RUNNING
    assert queue.claim("daemon-1-aa/1") is None


def test_jobs_are_claimed_in_the_order_they_came(queue: Queue, catalog: Catalog) -> None:
    ids = [make_job(queue, catalog, f"/photos/{n}.jpg").id for n in range(3)]
    claimed = [queue.claim(OWNER) for _ in range(3)]
    assert [job.id for job in claimed if job] == ids


def test_the_same_wish_twice_is_one_job(queue: Queue, catalog: Catalog) -> None:
    first, new = queue.enqueue(make_order(catalog))
    second, again = queue.enqueue(make_order(catalog))
    assert (new, again) == (True, False)
    assert second.id == first.id


@pytest.mark.parametrize("changes", [{"seed": 8}, {"motion_intensity": 0.9}, {"prompt": "tea"}])
def test_another_recipe_is_another_job(queue: Queue, catalog: Catalog, changes: dict[str, object]) -> None:
    make_job(queue, catalog)
    _, new = queue.enqueue(make_order(catalog, recipe=make_recipe(**changes)))
    assert new


def test_a_copy_in_another_folder_gets_its_own_clip(queue: Queue, catalog: Catalog) -> None:
    make_job(queue, catalog, "/a/x.jpg")
    _, new = queue.enqueue(make_order(catalog, "/b/x.jpg"))
    assert new


def test_a_finished_wish_is_not_rendered_again_while_its_clip_is_there(queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    queue.claim(OWNER)
    clip = make_clip(make_photo(catalog))
    catalog.put_clip(clip)
    queue.finish(job.id, clip.id)
    assert queue.enqueue(make_order(catalog))[1] is False
    catalog.mark_absent(clip.id)
    assert queue.enqueue(make_order(catalog))[1] is True


def test_a_reserved_job_is_only_claimed_by_its_owner(queue: Queue, catalog: Catalog) -> None:
    make_job(queue, catalog, reserved_for="animate-2-bb")
    assert queue.claim(OWNER) is None
    assert queue.claim("animate-2-bb/0", reserved_only=True) is not None


def test_asking_again_for_a_waiting_job_reserves_it(queue: Queue, catalog: Catalog) -> None:
    make_job(queue, catalog)
    make_job(queue, catalog, reserved_for="animate-2-bb")
    assert queue.claim("animate-2-bb/0", reserved_only=True) is not None


def test_a_heartbeat_extends_the_lease_and_tells_progress(queue: Queue, catalog: Catalog, clock: Clock) -> None:
    job = make_job(queue, catalog)
    queue.claim(OWNER)
    clock.forward(LEASE_S - 1)
    queue.heartbeat(job.id, OWNER, 0.25, 12.0)
    clock.forward(LEASE_S - 1)
    assert not queue.stalled(OWNER)
    assert (queue.get(job.id).progress, queue.get(job.id).eta_s) == (0.25, 12.0)
    clock.forward(2)
    assert queue.stalled(OWNER)


def test_a_heartbeat_of_a_lost_job_is_refused(queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    queue.claim(OWNER)
    queue.release("daemon-1-aa")
    with pytest.raises(LeaseLost):
        queue.heartbeat(job.id, OWNER, 0.5, None)


def test_three_deaths_park_a_job_and_it_says_why(queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    for _ in range(MAX_STRIKES):
        assert queue.claim(OWNER) is not None
        queue.strike(OWNER, "the worker died")
    parked = queue.get(job.id)
    assert parked.state == JobState.FAILED
    assert parked.error is not None
    assert "3 tries" in parked.error.message
    assert parked.error.hint


def test_a_restart_costs_no_strike_and_sends_the_job_to_the_back(queue: Queue, catalog: Catalog) -> None:
    first = make_job(queue, catalog, "/photos/1.jpg")
    second = make_job(queue, catalog, "/photos/2.jpg")
    for _ in range(10):
        queue.claim(OWNER)
        queue.release_dead(lambda process: False)
    assert queue.get(first.id).strikes == queue.get(second.id).strikes == 0
    queue.claim(OWNER)
    queue.release_dead(lambda process: False)
    assert {job.id for job in queue.unfinished()} == {first.id, second.id}


def test_leases_of_the_living_are_left_alone(queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    queue.claim(OWNER)
    queue.release_dead(lambda process: process == "daemon-1-aa")
    assert queue.get(job.id).state == JobState.RUNNING


def test_the_reservation_of_a_dead_process_is_void(queue: Queue, catalog: Catalog) -> None:
    make_job(queue, catalog, reserved_for="animate-2-bb")
    queue.release_dead(lambda process: False)
    assert queue.claim(OWNER) is not None


def test_a_committed_publish_is_not_rendered_again_after_a_death(queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    queue.claim(OWNER)
    queue.begin_publish(job.id, OWNER, "/photos/x_motion.mp4", {"clip": "x"})
    queue.strike(OWNER, "the worker died")
    queue.release_dead(lambda process: False)
    assert queue.get(job.id).state == JobState.PUBLISHING
    assert queue.intents() == [(job.id, OWNER, {"clip": "x"})]
    queue.requeue_publication(job.id)
    assert queue.get(job.id).state == JobState.QUEUED
    assert queue.intents() == []


def test_a_name_is_promised_to_one_publish_only(queue: Queue, catalog: Catalog) -> None:
    jobs = [make_job(queue, catalog, f"/photos/{n}.jpg") for n in range(2)]
    for slot, job in enumerate(jobs):
        queue.claim(f"daemon-1-aa/{slot}")
        if slot == 0:
            queue.begin_publish(job.id, OWNER, "/photos/A_motion.mp4", {})
    assert queue.is_reserved("/photos/a_MOTION.mp4")
    with pytest.raises(WrongState):
        queue.begin_publish(jobs[1].id, "daemon-1-aa/1", "/photos/a_motion.mp4", {})


def test_a_failure_that_a_retry_can_help_is_tried_again(queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    for _ in range(MAX_STRIKES - 1):
        queue.claim(OWNER)
        assert queue.fail(job.id, OWNER, GenerateError("busy", transient=True)) == JobState.QUEUED
    queue.claim(OWNER)
    assert queue.fail(job.id, OWNER, GenerateError("busy", transient=True)) == JobState.FAILED


def test_each_complete_render_that_came_to_nothing_is_a_strike(queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    for rendered, state in ((2, JobState.QUEUED), (1, JobState.FAILED)):
        assert queue.claim(OWNER) is not None
        assert queue.fail(job.id, OWNER, GenerateError("no clip", transient=True, rendered=rendered)) == state
    assert queue.get(job.id).strikes == 3


def test_a_failure_that_no_retry_can_help_is_final(queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    queue.claim(OWNER)
    assert queue.fail(job.id, OWNER, GenerateError("no weights", "Pull them.")) == JobState.FAILED
    error = queue.get(job.id).error
    assert error is not None
    assert (error.message, error.hint) == ("no weights", "Pull them.")


def test_cancelling_a_waiting_job_ends_it_at_once(queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    assert queue.cancel(job.id).state == JobState.CANCELLED
    assert queue.claim(OWNER) is None


def test_cancelling_a_running_job_is_heard_by_its_heartbeat(queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    queue.claim(OWNER)
    queue.cancel(job.id)
    assert queue.heartbeat(job.id, OWNER, 0.5, None) is True
    assert queue.fail(job.id, OWNER, Cancelled("Stopped.")) == JobState.CANCELLED


def test_a_cancelled_job_does_not_come_back_when_its_worker_dies(queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    queue.claim(OWNER)
    queue.cancel(job.id)
    queue.strike(OWNER, "died")
    assert queue.get(job.id).state == JobState.CANCELLED


def test_an_ended_job_cannot_be_cancelled_and_a_waiting_one_not_retried(queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    with pytest.raises(WrongState):
        queue.retry(job.id)
    queue.cancel(job.id)
    with pytest.raises(WrongState):
        queue.cancel(job.id)
    assert queue.retry(job.id).state == JobState.QUEUED


def test_cancel_all_ends_waiting_and_running(queue: Queue, catalog: Catalog) -> None:
    for n in range(3):
        make_job(queue, catalog, f"/photos/{n}.jpg")
    running = queue.claim(OWNER)
    assert running is not None
    assert queue.cancel_all() == 3
    assert queue.get(running.id).cancel_requested
    assert queue.counts()["cancelled"] == 2


def test_a_paused_queue_hands_out_nothing_but_reserved_jobs(queue: Queue, catalog: Catalog) -> None:
    make_job(queue, catalog)
    make_job(queue, catalog, "/photos/2.jpg", reserved_for="animate-2-bb")
    queue.pause(paused=True)
    assert queue.claim(OWNER) is None
    assert queue.claim("animate-2-bb/0", reserved_only=True) is not None
    queue.pause(paused=False)
    assert queue.claim(OWNER) is not None


@pytest.mark.parametrize(
    ("generator", "lane"),
    [("parallax", "local"), ("remotely", "local"), ("remote:box", "remote"), ("ray:remote:box", "ray"), ("ray", "ray")],
)
def test_a_job_is_taken_in_the_lane_of_its_generator_alone(
    queue: Queue, catalog: Catalog, generator: str, lane: str
) -> None:
    job, _ = queue.enqueue(NewJob(make_photo(catalog), make_recipe(), generator))
    others = {"local", "remote", "ray"} - {lane}
    assert (queue.has_queued(lane), any(map(queue.has_queued, others))) == (True, False)
    assert not any(queue.claim(OWNER, lane=other) for other in others)
    claimed = queue.claim(OWNER, lane=lane)
    assert claimed is not None
    assert claimed.id == job.id


def test_a_lane_is_looked_up_in_an_index(queue: Queue, database: Database) -> None:
    """An idle daemon asks for each lane all the time, however many jobs wait in others."""
    asked: list[str] = []
    database.connection.set_trace_callback(asked.append)
    queue.has_queued("remote")
    queue.claim(OWNER, lane="remote")
    database.connection.set_trace_callback(None)
    plans = [
        str(tuple(row))
        for sql in asked
        if "'remote'" in sql
        for row in database.connection.execute(f"EXPLAIN QUERY PLAN {sql}")
    ]
    assert sum("jobs_lane" in plan for plan in plans) == 2
    assert not any("SCAN" in plan or "TEMP B-TREE" in plan for plan in plans)


def test_the_order_can_be_changed(queue: Queue, catalog: Catalog) -> None:
    ids = [make_job(queue, catalog, f"/photos/{n}.jpg").id for n in range(4)]
    queue.arrange([ids[2], ids[1]])
    assert [job.id for job in queue.unfinished()] == [ids[2], ids[1], ids[0], ids[3]]
    with pytest.raises(NotFound):
        queue.arrange(["no-such-job"])


def test_pages_follow_each_other_without_gap_or_repeat(queue: Queue, catalog: Catalog) -> None:
    ids = [make_job(queue, catalog, f"/photos/{n}.jpg").id for n in range(7)]
    seen, cursor = [], None
    while True:
        jobs, cursor = queue.page(after=cursor, limit=3)
        seen += [job.id for job in jobs]
        if cursor is None:
            break
    assert seen == ids[::-1]


def test_every_change_is_an_event(queue: Queue, catalog: Catalog, database: Database) -> None:
    job = make_job(queue, catalog)
    queue.claim(OWNER)
    queue.cancel(job.id)
    states = [event["state"] for event in database.events_since(0) if event["kind"] == "render"]
    assert states == ["queued", "running", "running"]


def test_a_job_that_ran_out_of_memory_goes_on_with_the_smaller_plan(queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    queue.claim(OWNER)
    queue.fail(job.id, OWNER, OutOfMemory("memory ran out with everything on the GPU", smaller_plan=2))
    again = queue.get(job.id)
    assert (again.state, again.plan, again.strikes) == (JobState.QUEUED, 2, 0)
    assert "everything on the GPU" in again.note


@pytest.mark.parametrize("smaller_plan", [None, 1, 2])
def test_a_plan_that_was_too_much_is_never_tried_again(
    queue: Queue, catalog: Catalog, smaller_plan: int | None
) -> None:
    job = make_job(queue, catalog)
    queue.claim(OWNER)
    queue.fail(job.id, OWNER, OutOfMemory("too much", smaller_plan=2))
    queue.claim(OWNER)
    queue.fail(job.id, OWNER, OutOfMemory("still too much", smaller_plan=smaller_plan))
    assert queue.get(job.id).state == JobState.FAILED


def test_a_retry_begins_with_the_fastest_plan_again(queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog)
    queue.claim(OWNER)
    queue.fail(job.id, OWNER, OutOfMemory("too much", smaller_plan=1))
    queue.cancel(job.id)
    again = queue.retry(job.id)
    assert (again.plan, again.note) == (0, "")


def test_of_two_jobs_in_a_dead_worker_neither_is_blamed_but_both_are_done_alone(queue: Queue, catalog: Catalog) -> None:
    jobs = [make_job(queue, catalog, recipe_changes={"seed": seed}) for seed in (1, 2)]
    for _ in jobs:
        queue.claim(OWNER)
    queue.strike(OWNER, "it died")
    back = [queue.get(job.id) for job in jobs]
    assert [(job.state, job.strikes, job.exclusive) for job in back] == [(JobState.QUEUED, 0, True)] * 2
    queue.claim(OWNER)
    queue.strike(OWNER, "it died")
    assert sorted(queue.get(job.id).strikes for job in jobs) == [0, 1]


def test_of_two_jobs_the_one_that_stood_still_is_blamed(queue: Queue, catalog: Catalog) -> None:
    hung, other = [make_job(queue, catalog, recipe_changes={"seed": seed}) for seed in (1, 2)]
    for _ in range(2):
        queue.claim(OWNER)
    queue.expire_lease(hung.id, OWNER)
    queue.strike(OWNER, "it hung")
    assert (queue.get(hung.id).strikes, queue.get(other.id).strikes) == (1, 0)
    assert queue.get(other.id).state == JobState.QUEUED
    assert not queue.get(other.id).exclusive


class QueueMachine(RuleBasedStateMachine):
    """Whatever happens in whatever order: no job is lost, none is held twice, none ends twice."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.database = Database(Path(self._folder.name) / "state.db")
        self.queue = Queue(self.database, self.clock)
        self.catalog = Catalog(self.database, self.clock)
        self.known: set[str] = set()
        self.held: dict[str, str] = {}
        self.done: set[str] = set()

    def teardown(self) -> None:
        self.database.close()
        self._folder.cleanup()

    @rule(target=jobs, number=st.integers(0, 5))
    def enqueue(self, number: int) -> str:
        photo = make_photo(self.catalog, f"/photos/{number}.jpg")
        job, _ = self.queue.enqueue(NewJob(photo, make_recipe(), "parallax"))
        self.known.add(job.id)
        return job.id

    @rule(slot=st.integers(0, 2))
    def claim(self, slot: int) -> None:
        owner = f"daemon-1-aa/{slot}"
        if owner in self.held.values():
            return
        job = self.queue.claim(owner)
        if job is not None:
            assert job.id not in self.held
            assert job.id not in self.done
            self.held[job.id] = owner

    @precondition(lambda self: self.held)
    @rule(data=st.data(), how=st.sampled_from(["finish", "fail", "transient", "strike", "release", "publish"]))
    def end(self, data: st.DataObject, how: str) -> None:
        job_id = data.draw(st.sampled_from(list(self.held)))  # in the order of claims: ids differ from run to run
        owner = self.held.pop(job_id)
        if how == "finish":
            self.queue.finish(job_id, "some-clip")
        elif how == "publish":
            if not self.queue.get(job_id).cancel_requested:
                self.queue.begin_publish(job_id, owner, f"/photos/{job_id}_motion.mp4", {})
                self.queue.finish(job_id, "some-clip")
            else:
                self.queue.fail(job_id, owner, Cancelled("Stopped."))
        elif how in ("fail", "transient"):
            self.queue.fail(job_id, owner, GenerateError("no", transient=how == "transient"))
        elif how == "strike":
            self.queue.strike(owner, "died")
        else:
            self.queue.release(owner)
        if self.queue.get(job_id).state == JobState.DONE:
            self.done.add(job_id)

    @rule(job=consumes(jobs))
    def cancel(self, job: str) -> None:
        if self.queue.get(job).state in (JobState.QUEUED, JobState.RUNNING):
            self.queue.cancel(job)

    @rule()
    def crash(self) -> None:
        self.queue.release_dead(lambda process: False)
        self.held.clear()

    @invariant()
    def nothing_is_lost(self) -> None:
        assert sum(self.queue.counts().values()) == len(self.known)

    @invariant()
    def only_held_jobs_run(self) -> None:
        running = {job.id for job in self.queue.unfinished() if job.state != JobState.QUEUED}
        assert running == set(self.held)

    @invariant()
    def done_stays_done(self) -> None:
        assert all(self.queue.get(job_id).state == JobState.DONE for job_id in self.done)


QueueMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
test_queue_under_any_order_of_events = QueueMachine.TestCase
