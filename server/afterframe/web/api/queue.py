"""The queue: its order, pause and resume, cancel all."""

from __future__ import annotations

from afterframe.domain import JobState
from afterframe.web.http import schemas
from afterframe.web.http.resources import render_json
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form, listed, ref
from afterframe.web.http.services import Services

ROUTES = Routes()


def depth(counts: dict[str, int]) -> int:
    """How many renders wait or run."""
    return sum(counts[state] for state in JobState if not state.ended)


def queue_json(services: Services) -> Json:
    """The queue as it is now, in the order in which it will be done."""
    counts = services.queue.counts()
    return {
        "paused": services.queue.paused,
        "depth": depth(counts),
        "counts": counts,
        "renders": [render_json(job) for job in services.queue.waiting()],
    }


@ROUTES.add("GET", "/api/queue", "What runs and what waits, in order; at most 500.", answer=ref("Queue"))
def get_queue(call: Call) -> Json:
    """The queue."""
    return queue_json(call.context.services)


@ROUTES.add(
    "POST",
    "/api/queue",
    "Put waiting renders first, pause or resume, cancel everything.",
    body=form(
        {
            "order": {
                **listed(schemas.ID, at_most=500),
                "description": "Renders to be done first, in this order.",
            },
            "paused": {"type": "boolean", "description": "Hold back new work; what runs is not stopped."},
            "cancel_all": {"type": "boolean", "description": "True: cancel all that waits or runs."},
        },
        needs=(),
        at_least=1,
    ),
    answer=ref("Queue"),
)
def steer_queue(call: Call) -> Json:
    """Change the queue; all of the request, or nothing."""
    services = call.context.services
    with services.database.transaction():
        if "order" in call.body:
            services.queue.arrange(call.body["order"])
        if "paused" in call.body:
            services.queue.pause(paused=call.body["paused"])
        if call.body.get("cancel_all"):
            services.queue.cancel_all()
    return queue_json(services)
