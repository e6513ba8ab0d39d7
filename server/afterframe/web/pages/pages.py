"""The pages: review, queue, folders, audit, settings. Rendered here, kept live by scripts."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import urlencode

from flask import Request, Response, make_response, redirect, render_template
from platformdirs import user_pictures_path
from werkzeug.wrappers import Response as AnyResponse

from afterframe import __version__
from afterframe.config import default_folder
from afterframe.domain import JobState
from afterframe.errors import AfterframeError, NotFound
from afterframe.generators import registry
from afterframe.imaging.decode import SUFFIXES
from afterframe.intake.foreign_names import KNOWN_NAMES
from afterframe.recipe import SETTINGS
from afterframe.state.list_index import SORTS, ListFilter
from afterframe.system.cli_hints import program
from afterframe.vision.detectors import may_be_there
from afterframe.web.api.clip_list import FILTERS
from afterframe.web.api.queue import queue_json
from afterframe.web.api.render_list import STATE
from afterframe.web.api.sessions import asking
from afterframe.web.api.settings import FIELDS, read_settings
from afterframe.web.auth.session import KEY, MEDIA
from afterframe.web.http import errors, schemas
from afterframe.web.http.context import Services
from afterframe.web.http.errors import NotLoggedIn
from afterframe.web.http.resources import render_json
from afterframe.web.http.routes import Call, Caller, Route, Routes
from afterframe.web.http.schemas import one_of
from afterframe.web.pages.i18n import LANGUAGES, STATES, dictionary, language_of, shown, time_left, translator
from afterframe.web.pages.opening import login_page

ROUTES = Routes()
PAGE = "text/html"
SHOWN_WORKS = 4
SHOWN_RENDERS = 100
SHOWN_PROBLEMS = 100
SUGGESTED = 20
STATIC = Path(__file__).parents[1] / "static"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
SHORTCUTS = (
    (("←", "→", "↑", "↓"), "Move; with Shift select"),
    (("Enter",), "Open the clip"),
    (("Space",), "Play or pause"),
    (("P",), "Pick"),
    (("X",), "Reject"),
    (("U",), "Undecided"),
    (("1", "–", "5"), "Rate; 0 takes the stars away"),
    (("Shift", "P"), "Pick and go on; the same with X"),
    (("Ctrl", "Z"), "Take the last verdict back"),
    (("C",), "Compare: side by side, wipe, clip"),
    (("V",), "Next variant"),
    (("Z",), "Actual size"),
    (("E",), "Make another: the sliders"),
    ((",", "."), "One frame back, on"),
    (("[", "]"), "Slower, faster"),
    (("L",), "Loop"),
    (("F",), "Full screen"),
    (("O",), "What was seen, over the photo"),
    (("D",), "Download"),
    (("S",), "Select"),
    (("Ctrl", "A"), "Select everything"),
    (("/",), "Search"),
    (("?",), "Keys"),
    (("Esc",), "Close; select nothing"),
)


def is_page(route: Route | None) -> bool:
    """Whether the answer is a page for a person, rather than data for a program."""
    return route is not None and PAGE in route.media


def wants_page(request: Request) -> bool:
    """Whether somebody typed an address: a browser asks for a page, at an address that is no program's."""
    programs = ("/api/", "/v1/", "/static/")
    return (
        request.method == "GET" and PAGE in request.accept_mimetypes.values() and not request.path.startswith(programs)
    )


def no_page() -> NotFound:
    """There is no such page."""
    return NotFound("There is nothing at this address.", "The clips are on the first page.", code="no_route")


def page_problem(request: Request, error: AfterframeError) -> Response:
    """An error as a page."""
    response = errors.of_afterframe(error)
    language = language_of(request)
    login = isinstance(error, NotLoggedIn)
    response.set_data(
        render_template("problem.html", error=error, login=login, language=language, t=translator(language))
    )
    response.mimetype = "text/html"
    return response


def _page(call: Call, name: str, **more: Any) -> Response:
    folders = call.services.folders.all()
    language = language_of(call.request)
    key = media_key(call)
    context: dict[str, Any] = {
        **_words(language),
        **_queue(call.services),
        "here": call.request.path,
        "damage": call.services.database.damage,
        "keyed": partial(keyed, key=key),
        "script": name,
        "version": __version__,
        "shortcuts": SHORTCUTS,
        "photo_suffixes": ",".join(sorted(SUFFIXES)),
        "drafts": call.services.config.render.draft,
        "folders": [{"path": str(folder.path), "watch": folder.watch, "waiting": folder.waiting} for folder in folders],
        "suggestions": list(_suggestions({folder.path for folder in folders})),
        "example": str(default_folder()),
        "data": {
            "words": dictionary(language),
            "language": language,
            "key": key,
            "cursor": call.services.database.last_cursor(),
            "folders": [{"path": str(folder.path), "watch": folder.watch} for folder in folders],
            "videos": str(call.services.home.uploads),
        },
    }
    return make_response(render_template(f"{name}.html", **{**context, **more}))


def media_key(call: Call) -> str:
    """The key of media and events for the session that asks; empty: the token needs none."""
    session = asking()
    return call.context.gate.sessions.key(session, MEDIA) if session else ""


def keyed(address: str, *, key: str) -> str:
    """An address with its key."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode({KEY: key})}" if key else address


def _words(language: str) -> dict[str, Any]:
    """The words and functions that templates use for the reader's language."""
    t = translator(language)
    return {"language": language, "t": t, "shown": shown, "time_left": partial(time_left, t=t), "states": STATES}


def _queue(services: Services) -> dict[str, Any]:
    queue = queue_json(services)
    return {**queue, "renders": queue["renders"][:SHOWN_RENDERS]}


def _suggestions(known: set[Path]) -> Iterator[str]:
    """Folders that photos are likely exported to: those of the user's Pictures."""
    pictures = user_pictures_path()
    try:
        found = sorted(
            entry.path for entry in os.scandir(pictures) if entry.is_dir() and not KNOWN_NAMES.has_folder(entry.name)
        )
    except OSError:
        found = []
    for path in [str(default_folder()), *found][:SUGGESTED]:
        if Path(path) not in known:
            yield path


@ROUTES.add(
    "GET",
    "/",
    "The review page.",
    query={**FILTERS, "state": STATE, "sort": one_of(*SORTS)},
    media=("text/html",),
)
def show_review(call: Call) -> Response:
    """Clips to review."""
    services = call.services
    queue = services.queue.unfinished(SHOWN_WORKS)
    return _page(
        call,
        "review",
        renders=[render_json(job) for job in queue if job.state != JobState.QUEUED],
        unfinished=bool(call.context.renders.sections(ListFilter(), "newest")),
        known=bool(call.context.clips.sections(ListFilter(), "newest")),
        settings=SETTINGS,
        generators=registry.available(),
    )


@ROUTES.add("GET", "/queue", "Running, queued, failed and cancelled renders.", media=("text/html",))
def show_queue(call: Call) -> Response:
    """The queue."""
    services = call.services
    return _page(
        call,
        "queue",
        left=time_left(services.queue.eta_s(), translator(language_of(call.request))),
        failed=services.queue.page(states=[JobState.FAILED], limit=SHOWN_RENDERS)[0],
        cancelled=services.queue.page(states=[JobState.CANCELLED], limit=SHOWN_RENDERS)[0],
        refused=services.catalog.problems(limit=SHOWN_PROBLEMS),
    )


@ROUTES.add("GET", "/folders", "The folders and their disk usage.", media=("text/html",))
def show_folders(call: Call) -> Response:
    """The folders."""
    folders = [
        {
            "path": str(folder.path),
            "watch": folder.watch,
            "waiting": folder.waiting,
            "there": folder.path.is_dir(),
            "query": urlencode({"folder": str(folder.path)}),
        }
        for folder in call.services.folders.all()
    ]
    return _page(call, "folders", folders=folders)


@ROUTES.add(
    "GET",
    "/audit",
    "Which photos of a folder are worth animating.",
    query={"folder": schemas.PATH},
    media=("text/html",),
)
def show_audit(call: Call) -> Response:
    """The audit."""
    return _page(call, "audit", wanted=call.query.get("folder"))


@ROUTES.add("GET", "/settings", "Language, colours, settings of new clips, models.", media=("text/html",))
def show_settings(call: Call) -> Response:
    """The settings."""
    services = call.services
    values = read_settings(services.home.config)
    return _page(
        call,
        "settings",
        languages=LANGUAGES,
        config=services.home.config,
        fields=[replace(field, value=values.get(field.name)) for field in FIELDS],
        generator=registry.resolve(services.config.render.generator, services.settings),
        generators=registry.available(),
        eyes=may_be_there(services.settings.detectors),
        pull_detectors=f"{program()} models pull detectors",
    )


@ROUTES.add(
    "GET",
    "/login",
    "Log a browser in with a one-time code.",
    caller=Caller.ANYBODY,
    query={"code": {"type": "string", "maxLength": 200}},
    media=("text/html",),
    also={303: "The code was used before, by this browser: the page."},
)
def log_in(call: Call) -> Response:
    """Begin a session. A HEAD request does not use the code up."""
    sessions = call.context.gate.sessions
    if call.request.method == "GET" and call.context.codes.redeem(call.query.get("code", "")):
        secret = secrets.token_urlsafe(32)
        response = login_page(call.request, secret)
        sessions.begin(call.request, response, secret)
        return response
    if sessions.of(call.request):
        return _to_page()
    raise NotLoggedIn(
        "This link has already been used, or is more than ten minutes old.", "Ask for a new one.", code="old_link"
    )


def _to_page() -> Response:
    answer: AnyResponse = redirect("/", 303)
    return make_response(answer)


@ROUTES.add(
    "GET",
    "/static/<path:name>",
    "The pages' style and scripts.",
    caller=Caller.ANYBODY,
    media=tuple(KINDS.values()),
    also={304: "Not modified."},
)
def get_static(call: Call) -> Response:
    """One of the page's own files."""
    name = call.args["name"]
    if name not in {file.name for file in STATIC.iterdir()}:
        raise NotFound(f"The page has no file {name}.")
    response = Response((STATIC / name).read_bytes(), mimetype=KINDS[PurePath(name).suffix])
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(call.request)
    return response
