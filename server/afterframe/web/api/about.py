"""The daemon about itself: health, the contract, and links for a browser."""

from __future__ import annotations

import contextlib

from afterframe import __version__
from afterframe.generators import registry
from afterframe.web.api.queue import depth
from afterframe.web.auth.login_codes import CODE_VALID_S
from afterframe.web.auth.login_pages import write_login_page
from afterframe.web.http import schemas
from afterframe.web.http.routes import Call, Caller, Routes
from afterframe.web.http.schemas import Json, form, listed

ROUTES = Routes()


@ROUTES.add(
    "GET",
    "/api/health",
    "Whether the daemon is running, and what it can do.",
    caller=Caller.ANYBODY,
    query={
        "challenge": {
            "type": "string",
            "pattern": "^[0-9A-Za-z-]{16,128}$",
            "description": "Something that nobody can foresee; the answer proves that the daemon holds the token.",
        }
    },
    answer=form(
        {
            "name": schemas.TEXT,
            "version": schemas.TEXT,
            "generators": listed(schemas.TEXT),
            "queue_depth": {**schemas.COUNT, "description": "Renders that are queued or running."},
            "paused": schemas.BOOLEAN,
            "boot": {**schemas.TEXT, "description": "This run of the daemon; given with a proof."},
            "proof": {**schemas.TEXT, "description": "HMAC-SHA256 by the token of “proof CHALLENGE BOOT”."},
        },
        needs=("name", "version", "generators", "queue_depth", "paused"),
    ),
)
def get_health(call: Call) -> Json:
    """Say that it runs, and prove who it is to who asks for that."""
    queue = call.services.queue
    challenge, boot = call.query.get("challenge"), call.context.gate.boot
    proven = {"boot": boot.id, "proof": boot.proof(challenge)} if challenge else {}
    return proven | {
        "name": "afterframe",
        "version": __version__,
        "generators": registry.available(),
        "queue_depth": depth(queue.counts()),
        "paused": queue.paused,
    }


@ROUTES.add(
    "POST",
    "/api/login-code",
    "A one-time link that lets a browser in.",
    caller=Caller.TOKEN,
    body=form(
        {
            "file": {
                **schemas.BOOLEAN,
                "description": "True: also make a private file on the daemon's machine that leads to the link.",
            }
        },
        needs=(),
    ),
    answer=form(
        {
            "path": schemas.TEXT,
            "url": schemas.TEXT,
            "valid_s": schemas.NUMBER,
            "file": {**schemas.TEXT, "description": "The file's address for a browser; empty: there is none."},
        }
    ),
)
def make_login_code(call: Call) -> Json:
    """Issue a code."""
    path = f"/login?code={call.context.codes.issue()}"
    url, file = call.request.host_url.rstrip("/") + path, ""
    if call.body.get("file"):
        with contextlib.suppress(OSError):  # the link itself is there
            file = write_login_page(call.services.home, url).as_uri()
    return {"path": path, "url": url, "valid_s": CODE_VALID_S, "file": file}


@ROUTES.add("GET", "/api/openapi.json", "This contract.", answer={"type": "object"})
def get_contract(call: Call) -> Json:
    """The contract."""
    return call.context.contract
