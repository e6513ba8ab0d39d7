"""The queue: its order, pause and resume, cancel all."""

from __future__ import annotations

from afterframe.domain import JobState
from afterframe.state.held_folders import HeldFolders
from afterframe.web.http import schemas
from afterframe.web.http.context import Services
from afterframe.web.http.resources import render_json
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form, listed, ref

ROUTES = Routes()


def depth(counts: dict[str, int]) -> int:
    """How many renders are queued or running."""
    return sum(counts[state] for state in JobState if not state.ended)


def queue_json(services: Services) -> Json:
    """The queue as it is now, in order."""
    counts = services.queue.counts()
    return {
        "paused": services.queue.paused,
        "depth": depth(counts),
        "counts": counts,
        "renders": [render_json(job) for job in services.queue.unfinished()],
        "held_folders": [folder.to_dict() for folder in HeldFolders(services.database).all()],
    }


@ROUTES.add("GET", "/api/queue", "Running and queued renders in order, at most 500.", answer=ref("Queue"))
def get_queue(call: Call) -> Json:
    """The queue."""
    return queue_json(call.services)


@ROUTES.add(
    "POST",
    "/api/queue",
    "Move queued renders to the front, pause or resume, cancel everything.",
    body=form(
        {
            "order": {
                **listed(schemas.ID, at_most=500),
                "description": "Renders to be done first, in this order.",
            },
            "paused": {"type": "boolean", "description": "Start nothing new; what is running continues."},
            "cancel_all": {"type": "boolean", "description": "True: cancel everything queued or running."},
        },
        needs=(),
        at_least=1,
    ),
    answer=ref("Queue"),
)
def change_queue(call: Call) -> Json:
    """Change the queue: the whole request or nothing."""
    services = call.services
    with services.database.transaction():
        if "order" in call.body:
            services.queue.arrange(call.body["order"])
        if "paused" in call.body:
            services.queue.pause(paused=call.body["paused"])
        if call.body.get("cancel_all"):
            services.queue.cancel_all()
    return queue_json(services)
