"""What the Videos protocol has and Afterframe does not do: refused in its own form, with what to do instead."""

from __future__ import annotations

from afterframe.errors import NotFound, UsageError
from afterframe.web.http import schemas
from afterframe.web.http.forms import FILE
from afterframe.web.http.routes import Call, Caller, Routes
from afterframe.web.http.schemas import Json, form

ROUTES = Routes()


def _unsupported(what: str, hint: str) -> UsageError:
    return UsageError(what, hint, code="not_supported")


@ROUTES.add(
    "POST",
    "/v1/videos/characters",
    "Refused: Afterframe animates photographs.",
    caller=Caller.TOKEN,
    form=form({"name": schemas.TEXT, "video": FILE}, needs=()),
    answer={"type": "object"},
)
def create_character(_call: Call) -> Json:
    """Refuse it."""
    raise _unsupported("Afterframe has no characters: it animates photographs.", "Send a photo to POST /v1/videos.")


@ROUTES.add(
    "GET",
    "/v1/videos/characters/<character_id>",
    "Refused: Afterframe animates photographs.",
    caller=Caller.TOKEN,
    answer={"type": "object"},
)
def get_character(_call: Call) -> Json:
    """Refuse it."""
    raise NotFound("Afterframe has no characters: it animates photographs.")
