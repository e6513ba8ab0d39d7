"""Requests to the running daemon, made as plugins make them: by its address, once it has proved that it is ours."""

from __future__ import annotations

import hmac
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from afterframe.config import Home
from afterframe.errors import AfterframeError, WrongState
from afterframe.system.runtime_files import make_token
from afterframe.web.auth.boot import Boot

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
    key = _proven(str(daemon["url"]), make_token(home)).key
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    url, data = f"{daemon['url']}{route}", json.dumps(body).encode()
    return _ask(urllib.request.Request(url, data, headers, method=method))  # noqa: S310 - our own daemon's address


def _proven(url: str, token: str) -> Boot:
    """The run of the daemon at an address, which has shown that it holds our token.

    Raises:
        WrongState: somebody else answers there, or nobody.
    """
    challenge = secrets.token_hex(16)
    answer = _ask(urllib.request.Request(f"{url}/api/health?challenge={challenge}"))  # noqa: S310 - as above
    boot = Boot(token, str(answer.get("boot")))
    if not hmac.compare_digest(boot.proof(challenge).encode(), str(answer.get("proof")).encode()):
        raise WrongState(
            f"The server at {url} is not this Afterframe's daemon.",
            "Find out what answers there; then start the daemon again.",
            code="stranger",
        )
    return boot


def _ask(request: urllib.request.Request) -> dict[str, Any]:
    try:
        with _direct().open(request, timeout=TIMEOUT_S) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        raise _error_of(error) from error
    except (OSError, ValueError) as error:
        raise WrongState(f"The daemon does not answer ({error}).", "Stop it and start it again.") from error
    if not isinstance(found, dict):
        raise WrongState("The daemon does not answer in its own words.", "Stop it and start it again.")
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
