"""The contract, served at /api/openapi.json: OpenAPI 3.1, made of the very routes that the server runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from afterframe import __version__
from afterframe.web.auth.session import KEY, SECRET
from afterframe.web.http.forms import MULTIPART
from afterframe.web.http.resources import SCHEMAS
from afterframe.web.http.routes import NOTHING, Caller, Route
from afterframe.web.http.schemas import ref

_PARAMETER = re.compile(r"<(?:path:)?(\w+)>")
SECURITY: dict[Caller, list[dict[str, list[str]]]] = {
    Caller.ANYBODY: [],
    Caller.TOKEN: [{"token": []}],
    Caller.TOKEN_OR_SESSION: [{"token": []}, {"session": [], "secret": []}],
}


def contract(routes: Iterable[Route], cookie: str) -> dict[str, Any]:
    """The whole document.

    Args:
        cookie: the name of the session cookie.
    """
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(address(route.rule), {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Afterframe",
            "version": __version__,
            "description": "Animates exported photographs. docs/api.md tells it with examples.",
        },
        "paths": paths,
        "components": {"schemas": SCHEMAS, "securitySchemes": _security_schemes(cookie)},
    }


def _security_schemes(cookie: str) -> dict[str, Any]:
    token = {"type": "http", "scheme": "bearer", "description": "The file `token` in AFTERFRAME_HOME."}
    session = {"type": "apiKey", "in": "cookie", "name": cookie, "description": "Begun by a one-time link."}
    secret = {"type": "apiKey", "in": "header", "name": SECRET, "description": "Given to the page that logs in."}
    key = {"type": "apiKey", "in": "query", "name": KEY, "description": "Of POST /api/keys; short-lived."}
    return {"token": token, "session": session, "secret": secret, "key": key}


def address(rule: str) -> str:
    """A Flask rule as OpenAPI writes it: /api/clips/<clip_id> -> /api/clips/{clip_id}."""
    return _PARAMETER.sub(r"{\1}", rule)


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "security": [*SECURITY[route.caller], *([{"session": [], "key": []}] if KEY in route.parameters else [])],
        "responses": {
            str(route.status): _good(route),
            **{str(status): {"description": meaning} for status, meaning in route.also.items()},
            "default": _bad(route),
        },
    }
    if parameters := [*_in_path(route), *_in_query(route)]:
        operation["parameters"] = parameters
    content = {"application/json": {"schema": route.body}} if route.body is not NOTHING else {}
    if route.form is not None:
        content[MULTIPART] = {"schema": route.form}
    if content:
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _in_path(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(route.rule)
    ]


def _in_query(route: Route) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "schema": schema} for name, schema in route.parameters.items()]


def _good(route: Route) -> dict[str, Any]:
    answer = {"schema": route.answer} if route.answer is not None else {}
    return {
        "description": "Done.",
        "content": {kind: answer if kind == "application/json" else {} for kind in route.media},
    }


def _bad(route: Route) -> dict[str, Any]:
    page: dict[str, Any] = {"text/html": {}} if "text/html" in route.media else {}
    return {
        "description": "It could not be done: the reason, and what helps.",
        "content": {"application/json": {"schema": ref(route.error)}, **page},
    }
