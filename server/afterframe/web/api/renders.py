"""Renders: listed, followed, stopped and queued again, one by one or many at once."""

from __future__ import annotations

import contextlib

from afterframe.domain import JobState
from afterframe.errors import NotFound, WrongState
from afterframe.intake.reseed import with_another_seed
from afterframe.state.queue import Queue
from afterframe.web.api.clips import recipes_of, source_photo
from afterframe.web.http import schemas
from afterframe.web.http.resources import render_json
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form, listed, one_of, ref

ROUTES = Routes()
PAGE = {
    "after": {"type": "integer", "minimum": 0, "maximum": schemas.LARGEST},
    "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
}
PAGE_SIZE = 500
RETRYABLE = tuple(state for state in JobState if state.retryable)


@ROUTES.add(
    "GET",
    "/api/renders",
    "Renders, newest first.",
    query={**PAGE, "state": one_of(*JobState)},
    answer=form({"renders": listed(ref("Render")), "next": schemas.CURSOR}),
)
def list_renders(call: Call) -> Json:
    """A page of renders."""
    states = [call.query["state"]] if "state" in call.query else []
    jobs, following = call.services.queue.page(after=call.query.get("after"), limit=call.query["limit"], states=states)
    return {"renders": [render_json(job) for job in jobs], "next": following}


@ROUTES.add("GET", "/api/renders/<render_id>", "One render.", answer=ref("Render"))
def get_render(call: Call) -> Json:
    """One render."""
    return render_json(call.services.queue.get(call.args["render_id"]))


@ROUTES.add(
    "POST",
    "/api/renders/<render_id>/cancel",
    "Stop a render: at once if it is queued, within a frame if it is running.",
    answer=ref("Render"),
)
def cancel_render(call: Call) -> Json:
    """Stop one render."""
    return render_json(call.services.queue.cancel(call.args["render_id"]))


@ROUTES.add(
    "POST",
    "/api/renders/cancel",
    "Stop many renders at once. Unknown and finished ones are left alone.",
    body=form({"renders": listed(schemas.ID, at_most=schemas.MAX_PHOTOS)}),
    answer=form({"renders": {**listed(ref("Render")), "description": "Those that were stopped."}}),
)
def cancel_renders(call: Call) -> Json:
    """Stop those that are queued or running."""
    services = call.services
    stopped = []
    with services.database.transaction():
        for render_id in dict.fromkeys(call.body["renders"]):
            with contextlib.suppress(NotFound, WrongState):
                stopped.append(services.queue.cancel(render_id))
    return {"renders": [render_json(job) for job in stopped]}


@ROUTES.add(
    "POST",
    "/api/renders/<render_id>/retry",
    "Queue a failed or cancelled render again.",
    answer=ref("Render"),
)
def retry_render(call: Call) -> Json:
    """Queue one render again."""
    return render_json(call.services.queue.retry(call.args["render_id"]))


@ROUTES.add(
    "POST",
    "/api/renders/retry",
    "Queue many renders again: those named, or all in a state. Unknown and unfinished ones are left alone.",
    body=form(
        {
            "renders": listed(schemas.ID, at_most=schemas.MAX_PHOTOS),
            "state": {**one_of(*RETRYABLE), "description": "All renders in this state."},
        },
        needs=(),
        at_least=1,
    ),
    answer=form({"retried": {**listed(schemas.ID), "description": "Those queued again, in order."}}),
)
def retry_renders(call: Call) -> Json:
    """Queue those again that have failed or were cancelled."""
    services = call.services
    retried = []
    with services.database.transaction():
        in_state = _all_in(services.queue, call.body["state"]) if "state" in call.body else []
        for render_id in dict.fromkeys([*call.body.get("renders", ()), *in_state]):
            with contextlib.suppress(NotFound, WrongState):
                retried.append(services.queue.retry(render_id).id)
    return {"retried": retried}


@ROUTES.add(
    "POST",
    "/api/renders/<render_id>/reseed",
    "Stop a render, and make the same clip with another seed instead, next.",
    answer=ref("Render"),
    status=202,
)
def reseed_render(call: Call) -> Json:
    """Another chance for what did not look right while it was made."""
    services = call.services
    job = services.queue.get(call.args["render_id"])
    photo = source_photo(call, job)
    with services.database.transaction():
        if job.state.cancellable:
            services.queue.cancel(job.id)
        fresh, _ = services.queue.enqueue(with_another_seed(photo, job, recipes_of(call, photo.id)))
        services.queue.arrange([fresh.id])
        return render_json(services.queue.get(fresh.id))


def _all_in(queue: Queue, state: str) -> list[str]:
    """Ids of every render in a state, oldest first."""
    found: list[str] = []
    after: int | None = None
    while True:
        jobs, after = queue.page(after=after, limit=PAGE_SIZE, states=[state])
        found += [job.id for job in jobs]
        if after is None:
            return found[::-1]
