"""Every error as the same JSON, {"error": {"code", "message", "hint"}}, with the right status.

Under /v1 it has OpenAI's form, which its clients read: {"error": {"message", "type", "param", "code"}}.
"""

from __future__ import annotations

import errno
import logging
from pathlib import Path

from flask import Response, jsonify, request
from werkzeug.exceptions import HTTPException

from afterframe.errors import AfterframeError, NotAllowed, UsageError

log = logging.getLogger(__name__)
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
"""The system's words for a full disk."""


class NotLoggedIn(NotAllowed):
    """Neither the token nor a session."""

    code = "not_logged_in"
    status = 401


class NotJsonError(UsageError):
    """A body that is not declared to be JSON: a form on a foreign page could have sent it."""

    code = "not_json"
    status = 415


class FileTooLargeError(UsageError):
    """A file of a form is larger than what is taken."""

    code = "too_large"
    status = 413


class NotMultipartError(UsageError):
    """A body that should be a form with a file."""

    code = "not_multipart"
    status = 415


class BusyError(UsageError):
    """Too many of these at once; it works later."""

    code = "busy"
    status = 503


class NoRoomError(AfterframeError):
    """What is sent does not fit on the disk."""

    code = "disk_full"
    status = 507


def no_room(folder: Path, error: OSError) -> NoRoomError:
    """Why something that is sent could not be received in a folder."""
    if error.errno in FULL:
        return NoRoomError(f"The disk that holds {folder} is full.", "Free some space there, then send it again.")
    why = error.strerror or error
    return NoRoomError(f"{folder} cannot be written: {why}.", "Check the disk and its permissions.", code="not_kept")


WORDS: dict[int, tuple[str, str, str]] = {
    400: (
        "bad_request",
        "The request cannot be understood.",
        "GET /api/openapi.json says what each route takes.",
    ),
    404: ("no_route", "There is nothing at this address.", "GET /api/openapi.json lists every route."),
    405: ("wrong_method", "This address does not support that method.", "See the Allow header."),
    413: ("too_large", "The request is too large.", "Send fewer or smaller photos at a time."),
    416: ("range", "The requested range is outside the file.", "Request it without a range."),
}
"""HTTP's own refusals -> (code, message, hint)."""

OUR_FAULT = {
    "code": "internal",
    "message": "Something went wrong inside Afterframe.",
    "hint": "Please report it, with the zip that `afterframe support` writes.",
}


def of_afterframe(error: AfterframeError) -> Response:
    """Our own errors, which carry code, message and hint."""
    if error.status >= 500 and not isinstance(error, BusyError):
        log.warning("%s: %s", error.error_code, error.message)
    response = _answer(error.to_dict(), error.status)
    if isinstance(error, NotLoggedIn):
        response.headers["WWW-Authenticate"] = 'Bearer realm="Afterframe"'
    if isinstance(error, BusyError):
        response.headers["Retry-After"] = "10"
    return response


def of_http(error: HTTPException) -> Response:
    """Flask's refusals, with the headers that belong to them (Allow, Content-Range)."""
    status = error.code or 500
    code, message, hint = WORDS.get(status, (f"http_{status}", error.name + ".", ""))
    response = _answer({"code": code, "message": message, "hint": hint}, status)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def of_surprise(error: Exception) -> Response:
    """A bug of ours: the log gets the traceback, the caller a plain sentence."""
    log.error("unexpected error in a request", exc_info=error)
    return _answer(OUR_FAULT, 500)


def _answer(error: dict[str, str], status: int) -> Response:
    response = jsonify(error=_as_openai(error, status) if speaks_openai(request.path) else error)
    response.status_code = status
    return response


def speaks_openai(path: str) -> bool:
    """Whether an address belongs to OpenAI's protocol."""
    return path.startswith("/v1/")


def _as_openai(error: dict[str, str], status: int) -> dict[str, str | None]:
    """Its clients show only the message, so it must contain the remedy too."""
    return {
        "message": f"{error['message']} {error['hint']}".strip(),
        "type": "invalid_request_error" if status < 500 else "server_error",
        "param": None,
        "code": error["code"],
    }
