"""The browsers that were let in: listed, logged out one by one, and given keys for what they fetch without scripts."""

from __future__ import annotations

from flask import g

from afterframe.errors import WrongState
from afterframe.web.auth.session import MEDIA, MEDIA_KEY_S, MEDIA_STEP_S, PAGE_KEY_S
from afterframe.web.auth.session_file import Session
from afterframe.web.http import schemas
from afterframe.web.http.routes import Call, Routes
from afterframe.web.http.schemas import Json, form, listed

ROUTES = Routes()


@ROUTES.add(
    "GET",
    "/api/sessions",
    "The browsers that were let in, the one used last first.",
    answer=form(
        {
            "sessions": listed(
                form(
                    {
                        "id": schemas.ID,
                        "device": {**schemas.TEXT, "description": "As the browser names itself; empty: unknown."},
                        "began_at": schemas.TIME,
                        "seen_at": {**schemas.TIME, "description": "Unix time, seconds; of the last use."},
                        "current": {**schemas.BOOLEAN, "description": "The browser that asks."},
                    }
                )
            )
        }
    ),
)
def list_sessions(call: Call) -> Json:
    """All sessions."""
    mine = asking()
    return {
        "sessions": [
            {
                "id": session.id,
                "device": session.device,
                "began_at": session.began_at,
                "seen_at": session.seen_at,
                "current": mine is not None and session.id == mine.id,
            }
            for session in call.context.gate.sessions.all()
        ]
    }


@ROUTES.add(
    "DELETE",
    "/api/sessions/<session_id>",
    "Log a browser out.",
    answer=form({"id": schemas.ID}),
)
def end_session(call: Call) -> Json:
    """End one session, at once."""
    session_id = call.args["session_id"]
    call.context.gate.sessions.end(session_id)
    return {"id": session_id}


@ROUTES.add(
    "POST",
    "/api/keys",
    "A key for what a browser fetches without scripts: a page, or media and events. It is added to the address.",
    body=form(
        {
            "page": {
                "type": "string",
                "minLength": 1,
                "maxLength": 2000,
                "description": "The page's path; omitted: media and events.",
            }
        },
        needs=(),
    ),
    answer=form({"key": schemas.TEXT, "valid_s": schemas.NUMBER}),
)
def make_key(call: Call) -> Json:
    """Give the session that asks a key.

    Raises:
        WrongState: no session asks.
    """
    session = asking()
    if session is None:
        raise WrongState("Keys are for a browser's session.", "With the token no address needs one.", code="no_session")
    key = call.context.gate.sessions.key(session, call.body.get("page", MEDIA))
    return {"key": key, "valid_s": PAGE_KEY_S if "page" in call.body else MEDIA_KEY_S - MEDIA_STEP_S}


def asking() -> Session | None:
    """The session that asks; None: somebody with the token."""
    session: Session | None = g.get("session")
    return session
