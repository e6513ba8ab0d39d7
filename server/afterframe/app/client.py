"""Requests to the running daemon, made as plugins make them: with its address and token."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from afterframe.config import Home
from afterframe.errors import AfterframeError, WrongState
from afterframe.system.runtime_files import make_token

TIMEOUT_S = 10.0


def request(home: Home, daemon: Mapping[str, Any], method: str, route: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Send one request and return its answer.

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
        with _direct().open(request, timeout=TIMEOUT_S) as answer:
            found: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        raise _error_of(error) from error
    except (OSError, ValueError) as error:
        raise WrongState(f"The daemon does not answer ({error}).", "Stop it and start it again.") from error
    return found


def _direct() -> urllib.request.OpenerDirector:
    """No proxy stands between us and our own daemon."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _error_of(error: urllib.error.HTTPError) -> AfterframeError:
    try:
        sent = json.load(error)["error"]
        return AfterframeError(sent["message"], sent["hint"], code=sent["code"])
    except (OSError, ValueError, KeyError, TypeError):
        return WrongState(f"The daemon does not answer ({error}).", "Stop it and start it again.")
