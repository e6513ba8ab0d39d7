"""Who may come in, and with how much: asked by the server of a request's headers, and again by the app."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask import Flask, Request
from werkzeug.exceptions import HTTPException

from afterframe.errors import AfterframeError
from afterframe.web.auth.gate import SAFE_METHODS, Gate
from afterframe.web.auth.session_file import Session
from afterframe.web.connections.entry import Entry, Environ, Lane
from afterframe.web.http.routes import Caller, Route

STREAM = "text/event-stream"
_SHORT = re.compile(r"[0-9]{1,4}")
FEW_PHOTOS_BYTES = 1024
"""A request this short names a few photos: it need not wait behind those that name hundreds."""


class RouteDoor:
    """Decides by the routes of an app: a request that will be refused does not get to send its body.

    Args:
        routes: by the names that they have in the app's map.
        max_body: bytes of a body that is no form.
        max_form: bytes of a form with a photo.
    """

    def __init__(self, app: Flask, gate: Gate, routes: Mapping[str, Route], *, max_body: int, max_form: int) -> None:
        self._app = app
        self._gate = gate
        self._routes = routes
        self._max_body = max_body
        self._max_form = max_form

    def __call__(self, environ: Environ) -> Entry:
        """How a request is taken."""
        route = self._route(environ)
        if route is None:
            return Entry(Lane.QUICK, 0)
        return Entry(_lane_of(route, environ), self._max_body_of(route, environ))

    def _route(self, environ: Environ) -> Route | None:
        try:
            endpoint, _ = self._app.url_map.bind("localhost").match(environ["PATH_INFO"], environ["REQUEST_METHOD"])
        except HTTPException:
            return None
        return self._routes.get(endpoint)

    def _max_body_of(self, route: Route, environ: Environ) -> int:
        if environ["REQUEST_METHOD"] in SAFE_METHODS:
            return 0
        try:
            admit(self._gate, Request(dict(environ)), route)
        except AfterframeError:
            return 0
        return self._max_body if route.form is None else self._max_form


def _lane_of(route: Route, environ: Environ) -> Lane:
    if route.lane is Lane.STREAMS and STREAM not in environ.get("HTTP_ACCEPT", "").lower():
        return Lane.QUICK
    length = environ.get("CONTENT_LENGTH", "")
    is_short = _SHORT.fullmatch(length) is not None and int(length) <= FEW_PHOTOS_BYTES
    return Lane.PICTURES if route.lane is Lane.PHOTOS and route.form is None and is_short else route.lane


def admit(gate: Gate, request: Request, route: Route | None) -> Session | None:
    """Let a request in: by its name, its Origin, and the token or a session.

    Args:
        route: None: there is nothing at this address; those who may not come in do not learn that.
    Returns:
        The session; None: the caller has the token, or needs none.
    Raises:
        NotAllowed, NotLoggedIn: it may not come in.
    """
    gate.check_addresses(request)
    caller = route.caller if route else Caller.TOKEN_OR_SESSION
    if caller is Caller.ANYBODY:
        return None
    scopes = route.scopes(request.path) if route else ()
    return gate.check_caller(request, token_only=caller is Caller.TOKEN, opened_by=scopes)
