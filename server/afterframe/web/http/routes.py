"""Routes as data: method, address, what they take and give. Server and contract are made from them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NoReturn

from flask import Request, Response, jsonify

from afterframe.config import LimitsConfig
from afterframe.errors import UsageError
from afterframe.formats.json_schema import Schema, check
from afterframe.web.auth.session import KEY, MEDIA
from afterframe.web.connections.entry import Lane
from afterframe.web.http import schemas
from afterframe.web.http.context import Services, WebContext
from afterframe.web.http.errors import NotJsonError, speaks_openai
from afterframe.web.http.forms import MULTIPART, read_form
from afterframe.web.http.resources import SCHEMAS
from afterframe.web.http.schemas import form

NOTHING = form({})
"""The body of a route that takes none: omitted, or {}."""
_WHOLE = re.compile(r"-?[0-9]{1,19}")
FORM_OVERHEAD = 1 << 20
"""Bytes of a form in addition to its file."""


class Caller(Enum):
    """Who may use a route."""

    ANYBODY = "anybody"
    TOKEN_OR_SESSION = "token or session"  # noqa: S105 - a name
    TOKEN = "token"  # noqa: S105 - a name


@dataclass(frozen=True, slots=True)
class Call:
    """One request, checked against its route."""

    context: WebContext
    request: Request
    args: Mapping[str, str]
    """Parts of the address, by name."""
    query: Mapping[str, Any]
    body: Mapping[str, Any]

    @property
    def services(self) -> Services:
        """The daemon's parts."""
        return self.context.services


Handler = Callable[[Call], Response | tuple[dict[str, Any], int] | dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Route:
    """One method at one address."""

    method: str
    rule: str
    """As Flask writes it: /api/clips/<clip_id>."""
    summary: str
    handler: Handler
    caller: Caller = Caller.TOKEN_OR_SESSION
    query: Mapping[str, Schema] = field(default_factory=dict)
    body: Schema = field(default_factory=lambda: NOTHING)
    form: Schema | None = None
    """The fields of a multipart form, instead of the JSON body or beside it; None: it takes no form."""
    answer: Schema | None = None
    """Schema of the JSON that it returns; None: it returns something else."""
    status: int = 200
    lane: Lane = Lane.QUICK
    """The threads that answer it."""
    media: tuple[str, ...] = ("application/json",)
    """The media types that it returns."""
    also: Mapping[int, str] = field(default_factory=dict)
    """Further answers that are not JSON errors: status -> what it means."""

    @property
    def name(self) -> str:
        """The name of the operation."""
        return self.handler.__name__.strip("_")

    @property
    def parameters(self) -> Mapping[str, Schema]:
        """The query that it understands, with the key of an address where one opens it."""
        return {**self.query, KEY: schemas.ADDRESS_KEY} if self._is_opened_by_keys else self.query

    def scopes(self, path: str) -> tuple[str, ...]:
        """The scopes of keys that open it at this address: of what a browser fetches without our scripts."""
        if not self._is_opened_by_keys:
            return ()
        return (path, MEDIA) if path.startswith("/api/") else (path,)

    @property
    def _is_opened_by_keys(self) -> bool:
        return self.method == "GET" and self.caller is Caller.TOKEN_OR_SESSION and self.media != ("application/json",)

    @property
    def error(self) -> str:
        """The name of its errors' schema."""
        return "OpenAIError" if speaks_openai(self.rule) else "Error"

    def run(self, context: WebContext, request: Request, args: Mapping[str, str]) -> Response:
        """Check a request against this route and answer it.

        Raises:
            AfterframeError: it cannot be done, with the reason.
        """
        body = self._body(context, request) if self.method != "GET" else {}
        result = self.handler(Call(context, request, args, read_query(request, self.parameters), body))
        if isinstance(result, Response):
            return result
        data, status = result if isinstance(result, tuple) else (result, self.status)
        response = jsonify(data)
        response.status_code = status
        return response

    def _body(self, context: WebContext, request: Request) -> Mapping[str, Any]:
        if self.form is None:
            return read_body(request, self.body)
        limits = context.services.config.limits
        limit = max_body(limits)
        if self.body is NOTHING or request.mimetype == MULTIPART:
            return read_form(request, self.form, SCHEMAS, max_body=limit, max_file=int(limits.upload_mb * (1 << 20)))
        request.max_content_length = limit
        return read_body(request, self.body)


class Routes(list[Route]):
    """The routes of one part of the API."""

    def add(self, method: str, rule: str, summary: str, **more: Any) -> Callable[[Handler], Handler]:
        """Decorate a handler with its route."""

        def keep(handler: Handler) -> Handler:
            self.append(Route(method, rule, summary, handler, **more))
            return handler

        return keep


def max_body(limits: LimitsConfig) -> int:
    """The longest body of a request with a photo, bytes; Base64 turns three bytes into four."""
    return int(limits.upload_mb * (1 << 20)) * 4 // 3 + FORM_OVERHEAD


def read_body(request: Request, schema: Schema) -> Mapping[str, Any]:
    """The JSON of a request's body, checked.

    Raises:
        NotJsonError: its content type is something else.
        UsageError: it is not what the schema describes.
    """
    data = request.get_data(cache=False)
    if not data and not schema.get("required") and not schema.get("minProperties"):
        return {}
    if request.mimetype != "application/json":
        raise NotJsonError("The body must be JSON.", "Send it with “Content-Type: application/json”.")
    try:
        body = json.loads(data.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            "The body is not valid JSON.", "Check its quotes, commas and brackets.", code="bad_json"
        ) from error
    if not isinstance(body, dict):
        raise UsageError("The body must be a JSON object.", "GET /api/openapi.json says what each route takes.")
    check(body, schema, SCHEMAS)
    return body


def read_query(request: Request, known: Mapping[str, Schema]) -> dict[str, Any]:
    """The part of the address after "?", checked, with the defaults of what it leaves out; unknown names are refused.

    Raises:
        UsageError: an unknown name, one given twice, or a value of the wrong kind.
    """
    query = {name: schema["default"] for name, schema in known.items() if "default" in schema}
    for name, values in request.args.lists():
        if name not in known:
            names = ", ".join(known) or "none"
            raise UsageError(f"“{name[:100]}” is not a known parameter.", f"Known here: {names}.", code="unknown_key")
        if len(values) > 1:
            raise UsageError(f"“{name}” is given twice.")
        value: Any = values[0]
        if known[name].get("type") == "integer":
            value = int(value) if _WHOLE.fullmatch(value) else value
        check(value, known[name], SCHEMAS, name)
        query[name] = value
    return query


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
