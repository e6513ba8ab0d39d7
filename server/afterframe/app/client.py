"""Asking the running daemon, as plugins do: by its address and token."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from afterframe.config import Home
from afterframe.errors import AfterframeError, WrongState
from afterframe.system.runtime_files import make_token

ASK_S = 10.0


def ask(home: Home, daemon: Mapping[str, Any], method: str, route: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Send one request and give its answer.

    Args:
        daemon: what :func:`afterframe.system.runtime_files.read_daemon` found.
        body: sent as JSON.
    Raises:
        AfterframeError: the daemon's own error.
        WrongState: it does not answer.
    """
    request = urllib.request.Request(  # noqa: S310 - our own daemon's address
        f"{daemon['url']}{route}",
        method=method,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {make_token(home)}", "Content-Type": "application/json"},
    )
    try:
        with _direct().open(request, timeout=ASK_S) as answer:
            found: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        raise _told(error) from error
    except (OSError, ValueError) as error:
        raise WrongState(f"The daemon does not answer ({error}).", "Stop it and start it again.") from error
    return found


def _direct() -> urllib.request.OpenerDirector:
    """No proxy stands between us and our own daemon."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _told(error: urllib.error.HTTPError) -> AfterframeError:
    try:
        told = json.load(error)["error"]
        return AfterframeError(told["message"], told["hint"], code=told["code"])
    except (OSError, ValueError, KeyError, TypeError):
        return WrongState(f"The daemon does not answer ({error}).", "Stop it and start it again.")
