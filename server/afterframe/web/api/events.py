"""What happens, as it happens: server-sent events for browsers, JSON for plugins, with one cursor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from flask import Request, Response

from afterframe.formats import strict_json
from afterframe.state.database import Database
from afterframe.web.api.sessions import asking
from afterframe.web.connections.entry import Lane
from afterframe.web.http import schemas
from afterframe.web.http.errors import BusyError
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form, listed

ROUTES = Routes()
POLL_S = 0.5
KEEP_ALIVE_S = 15.0
STREAM_S = 300.0
"""A stream ends after this long; the browser opens the next one where it ended."""
BATCH = 500
SLOT_WAIT_S = 3 * POLL_S
"""A page that is loaded again and again waits so long for the places of its readers that are gone."""

EVENT: Json = {
    "type": "object",
    "description": "It has more keys depending on its kind: render, clip, clip_gone, verdict, refused, folders, queue.",
    "properties": {"cursor": schemas.COUNT, "at": schemas.TIME, "kind": schemas.TEXT},
    "required": ["cursor", "at", "kind"],
}


@ROUTES.add(
    "GET",
    "/api/events",
    "Events after a cursor. With “Accept: text/event-stream” as a stream, as they happen.",
    lane=Lane.STREAMS,
    query={
        "since": {
            "type": "integer",
            "minimum": 0,
            "maximum": schemas.LARGEST,
            "description": "The last cursor seen; omitted: from now on.",
        }
    },
    answer=form(
        {
            "events": listed(EVENT),
            "cursor": schemas.COUNT,
            "reset": {"type": "boolean", "description": "Events were missed: reload everything."},
        }
    ),
    media=("application/json", "text/event-stream"),
)
def get_events(call: Call) -> Response | Json:
    """The events so far, or a stream of them."""
    database = call.services.database
    if "text/event-stream" in call.request.headers.get("Accept", "").lower():
        return _stream(call, _since(call))
    since = _since(call)
    last = database.last_cursor()
    if since is None:
        return {"events": [], "cursor": last, "reset": False}
    if missed(database, since):
        return {"events": [], "cursor": last, "reset": True}
    events = database.events_since(since, BATCH)
    return {"events": events, "cursor": events[-1]["cursor"] if events else since, "reset": False}


def missed(database: Database, since: int) -> bool:
    """Whether events after a cursor are gone, or the cursor comes from another state file."""
    last = database.last_cursor()
    first = database.events_since(0, 1)
    return since > last or (since < last and bool(first) and first[0]["cursor"] > since + 1)


def _since(call: Call) -> int | None:
    """The cursor to continue from; a browser that reconnects sends it in a header."""
    last_id = _last_id(call.request)
    return last_id if last_id is not None else call.query.get("since")


def _last_id(request: Request) -> int | None:
    value = request.headers.get("Last-Event-ID", "")
    return min(int(value), schemas.LARGEST) if value.isascii() and value.isdigit() and len(value) < 20 else None


def _stream(call: Call, since: int | None) -> Response:
    context = call.context
    if call.request.method == "HEAD":
        return Response(mimetype="text/event-stream")
    if not context.stream_slots.acquire(timeout=SLOT_WAIT_S):
        raise BusyError("Too many Afterframe pages are open.", "Close some of them.", code="too_many_streams")
    lines = stream(context.services.database, since, _listener(call), context.monotonic)
    response = Response(lines, mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(_once(context.stream_slots.release))
    return response


def _listener(call: Call) -> Callable[[float], bool]:
    """Waits for so many seconds; True: the daemon is ending, or nobody may listen any more, or nobody does."""
    stopping, sessions, session = call.services.stopping, call.context.gate.sessions, asking()
    gone: Callable[[], bool] = call.request.environ.get("waitress.client_disconnected", lambda: False)

    def wait(seconds: float) -> bool:
        return stopping.wait(seconds) or gone() or (session is not None and sessions.get(session.id) is None)

    return wait


def stream(
    database: Database, since: int | None, wait: Callable[[float], bool], monotonic: Callable[[], float]
) -> Iterator[str]:
    """Events as lines of text/event-stream, until ``wait`` returns True or the time is up.

    Args:
        since: the last cursor that the reader has; None: from now on.
        wait: waits this many seconds; True: nobody listens any more.
        monotonic: seconds, steady.
    """
    cursor = database.last_cursor() if since is None else since
    began = spoke = monotonic()
    yield "retry: 2000\n\n"
    if missed(database, cursor):
        cursor = database.last_cursor()
        yield _frame(cursor, {"kind": "reset", "cursor": cursor})
    while monotonic() - began < STREAM_S:
        events = database.events_since(cursor, BATCH)
        for event in events:
            cursor = event["cursor"]
            yield _frame(cursor, event)
        if events:
            spoke = monotonic()
        elif monotonic() - spoke >= KEEP_ALIVE_S:
            spoke = monotonic()
            yield ": still here\n\n"
        if wait(0 if len(events) == BATCH else POLL_S):
            return


def _frame(cursor: int, event: Json) -> str:
    return f"id: {cursor}\ndata: {strict_json.dumps(event)}\n\n"


def _once(action: Callable[[], None]) -> Callable[[], None]:
    done = threading.Lock()

    def run() -> None:
        if done.acquire(blocking=False):
            action()

    return run
