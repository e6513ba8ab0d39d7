"""The page: clips to look at and judge, the queue, refused photos, folders. Rendered here, live by script."""

from __future__ import annotations

import time
from pathlib import Path, PurePath
from typing import Any

from flask import Request, Response, make_response, redirect, render_template
from werkzeug.wrappers import Response as AnyResponse

from afterframe import __version__
from afterframe.errors import AfterframeError, NotFound
from afterframe.models import JobState, Verdict
from afterframe.web import problems, shapes
from afterframe.web.problems import NotLoggedIn
from afterframe.web.routes import Call, Caller, Routes
from afterframe.web.shapes import one_of
from afterframe.web.steering import queue_json
from afterframe.web.words import WORDS

ROUTES = Routes()
PAGE_CLIPS = 24
SHOWN_RENDERS = 12
SHOWN_PROBLEMS = 100
PAGES = frozenset({"/", "/login"})
STATIC = Path(__file__).parent / "static"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def is_page(request: Request) -> bool:
    """Whether a person sees the answer, rather than a program."""
    return request.path in PAGES


def page_problem(error: AfterframeError) -> Response:
    """An error as a page."""
    response = problems.of_afterframe(error)
    response.set_data(render_template("problem.html", error=error, login=isinstance(error, NotLoggedIn)))
    response.mimetype = "text/html"
    return response


@ROUTES.add(
    "GET",
    "/",
    "The review page.",
    query={
        "after": {"type": "integer", "minimum": 0, "maximum": shapes.LARGEST},
        "verdict": one_of(*Verdict),
    },
    media=("text/html",),
)
def show_review(call: Call) -> Response:
    """Clips, newest first, and all that goes on."""
    services = call.site.services
    verdict = call.query.get("verdict")
    clips, following = services.catalog.page(after=call.query.get("after"), limit=PAGE_CLIPS, verdict=verdict)
    queue = queue_json(services)
    context: dict[str, Any] = {
        "clips": clips,
        "next": following,
        "first": "after" not in call.query,
        "verdict": verdict,
        "queue": queue,
        "more": queue["depth"] - len(queue["renders"][:SHOWN_RENDERS]),
        "renders": queue["renders"][:SHOWN_RENDERS],
        "failed": services.queue.page(states=[JobState.FAILED], limit=SHOWN_RENDERS)[0],
        "refused": services.catalog.problems(limit=SHOWN_PROBLEMS),
        "folders": services.catalog.folders(),
        "cursor": services.database.last_cursor(),
        "version": __version__,
        "now": time.time(),
        **WORDS,
    }
    return make_response(render_template("review.html", **context))


@ROUTES.add(
    "GET",
    "/login",
    "Lets a browser in with a one-time code, and goes on to the page.",
    caller=Caller.ANYBODY,
    query={"code": {"type": "string", "maxLength": 200}},
    status=303,
    media=("text/html",),
)
def log_in(call: Call) -> Response:
    """Begin a session. Asking for the headers alone does not use the code up."""
    sessions = call.site.gate.sessions
    code = call.query.get("code", "")
    if call.request.method == "GET" and call.site.codes.redeem(code):
        response = _to_page()
        sessions.begin(response, secure=call.request.is_secure)
        return response
    if sessions.holds(call.request):
        return _to_page()
    raise NotLoggedIn(
        "This link was used already, or is older than ten minutes.", "Ask for a new one.", code="old_link"
    )


def _to_page() -> Response:
    answer: AnyResponse = redirect("/", 303)
    return make_response(answer)


@ROUTES.add(
    "GET",
    "/static/<path:name>",
    "The page's style and script.",
    caller=Caller.ANYBODY,
    media=tuple(KINDS.values()),
    also={304: "It is as it was."},
)
def get_static(call: Call) -> Response:
    """One of our own files, which are few and small."""
    name = call.args["name"]
    if name not in {file.name for file in STATIC.iterdir()}:
        raise NotFound(f"The page has no file {name}.")
    response = Response((STATIC / name).read_bytes(), mimetype=KINDS[PurePath(name).suffix])
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(call.request)
    return response
