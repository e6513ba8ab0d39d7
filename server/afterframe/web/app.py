"""The daemon's web side: the API for plugins and tools, and the review page."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from flask import Flask, Request, Response, g, has_request_context, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException

from afterframe.errors import AfterframeError, StateDamaged
from afterframe.formats.strict_json import without_nan
from afterframe.intake.audit import score_cache
from afterframe.state.database import Database
from afterframe.state.listings import ClipListing, RenderListing
from afterframe.web.all_routes import ROUTES
from afterframe.web.auth.allowed_paths import AllowedPaths
from afterframe.web.auth.gate import HEADERS, Gate, SecretMissing
from afterframe.web.auth.login_codes import LoginCodes
from afterframe.web.auth.session import Sessions
from afterframe.web.auth.session_file import SessionFile
from afterframe.web.connections.channel import OUT_OF_SPACE
from afterframe.web.door import RouteDoor, admit
from afterframe.web.http import errors
from afterframe.web.http.context import Services, WebContext
from afterframe.web.http.openapi import contract
from afterframe.web.http.routes import Route, max_body
from afterframe.web.metrics import Metrics
from afterframe.web.pages.opening import opening_page
from afterframe.web.pages.pages import is_page, no_page, page_problem, wants_page

log = logging.getLogger(__name__)

MAX_BODY = 4 << 20
"""Bytes; 500 long paths fit."""
IN_MEMORY = 512 << 10
"""Bytes of an uploaded file that stay in memory."""


def create_app(services: Services, codes: LoginCodes | None = None, *, clock: Callable[[], float] = time.time) -> Flask:
    """Make the app over the daemon's parts.

    Args:
        codes: the one-time login codes, when the daemon issues some itself.
        clock: Unix time, seconds; injected by tests.
    """
    sessions = Sessions(SessionFile(services.home.sessions, services.token), services.token, clock)
    gate = Gate(services.config.server, services.token, sessions)
    context = WebContext(
        services=services,
        gate=gate,
        codes=codes or LoginCodes(),
        paths=AllowedPaths(lambda: [*(folder.path for folder in services.folders.all()), services.home.uploads]),
        clips=ClipListing(services.database, together=services.home.uploads),
        renders=RenderListing(services.database, services.queue, together=services.home.uploads),
        scores=score_cache(services.home),
        metrics=Metrics(
            services.queue, lambda: [services.home.root, *(known.path for known in services.folders.all())]
        ),
        contract=contract(ROUTES, sessions.cookie),
    )
    app = Flask(__name__, static_folder=None)
    app.json = StrictJson(app)
    app.url_map.merge_slashes = False  # an odd address is no page's, rather than a redirect's
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.request_class = _requests_in(services.home.received)
    app.extensions["afterframe"] = context
    routes = {f"{route.method} {route.rule}": route for route in ROUTES}
    app.extensions["afterframe_door"] = RouteDoor(
        app, gate, routes, max_body=MAX_BODY, max_form=max_body(services.config.limits)
    )
    for name, route in routes.items():
        _add(app, context, name, route)
    _guard(app, context, routes)
    _explain(app, services.database, services.home.received)
    return app


class StrictJson(DefaultJSONProvider):
    """Browsers and plugins refuse a whole document for one NaN: none leaves this door."""

    def dumps(self, obj: Any, **options: Any) -> str:
        """JSON text without NaN."""
        try:
            return super().dumps(obj, allow_nan=False, **options)
        except ValueError:
            log.warning("an answer to %s held NaN", request.path if has_request_context() else "nobody")
            return super().dumps(without_nan(obj), allow_nan=False, **options)


def _add(app: Flask, context: WebContext, name: str, route: Route) -> None:
    def view(**args: str) -> Response:
        return route.run(context, request, args)

    app.add_url_rule(route.rule, name, view, methods=[route.method], provide_automatic_options=False)


def _requests_in(folder: Path) -> type[Request]:
    class SpooledRequest(Request):
        """Its files lie in a folder of ours: the system's own for temporary files may be small."""

        def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return cast(IO[bytes], SpooledTemporaryFile(IN_MEMORY, "w+b", dir=str(folder)))

    return SpooledRequest


def _guard(app: Flask, context: WebContext, routes: dict[str, Route]) -> None:
    services = context.services

    @app.before_request
    def check() -> None:
        route = routes.get(request.endpoint or "")
        g.page = is_page(route) or (route is None and wants_page(request))
        g.session = admit(context.gate, request, route)
        if OUT_OF_SPACE in request.environ:
            raise errors.no_room(services.home.received, request.environ[OUT_OF_SPACE])

    @app.after_request
    def finish(response: Response) -> Response:
        if session := g.get("session"):
            context.gate.sessions.use(request, response, session)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        rule = request.url_rule.rule if request.url_rule else ""
        context.metrics.count_request(request.method, rule, response.status_code)
        return response


def _explain(app: Flask, database: Database, received: Path) -> None:
    @app.errorhandler(AfterframeError)
    def ours(error: AfterframeError) -> Response:
        if isinstance(error, StateDamaged):
            database.damage = database.damage or error
        if not g.get("page"):
            return errors.of_afterframe(error)
        if not isinstance(error, SecretMissing):
            return page_problem(request, error)
        return opening_page(request) if request.url_rule else page_problem(request, no_page())

    @app.errorhandler(sqlite3.Error)
    def of_state(error: sqlite3.Error) -> Response:
        log.warning("the state file, in a request", exc_info=error)
        return ours(database.note(error))

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        nowhere = error.code == 404 and g.get("page")
        return page_problem(request, no_page()) if nowhere else errors.of_http(error)

    @app.errorhandler(OSError)
    def system(error: OSError) -> Response:
        """A form's files, or a table of ours, on a full disk: no bug, and there is a remedy."""
        return errors.of_afterframe(errors.no_room(received, error)) if error.errno in errors.FULL else surprise(error)

    @app.errorhandler(Exception)
    def surprise(error: Exception) -> Response:
        return errors.of_surprise(error)
