"""Who may ask: Host and Origin, the token, sessions of browsers, one-time login codes.

The daemon answers on localhost, where any web page that the user visits can send requests too.
So the Host must be a name of ours (against DNS rebinding), an Origin must be the page's own
(against requests forged by other pages), and everything but the health check needs the token or
a session that was begun with a one-time code.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Request, Response

from afterframe.config import ALL_INTERFACES, ServerConfig
from afterframe.errors import NotAllowed
from afterframe.web.http.errors import NotLoggedIn

CODE_VALID_S = 600.0
CODES_KEPT = 32
SESSION_S = 365 * 86_400
SAFE_METHODS = frozenset({"GET", "HEAD"})

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
        "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # Not no-referrer: browsers would then send "Origin: null" with some of the page's own requests.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
"""On every answer."""

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:\[\]/@,]+)(?::([0-9]{1,5}))?")


class LoginCodes:
    """Codes that let a browser in once, for ten minutes.

    Args:
        clock: seconds, steady; injected by tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._until: dict[str, float] = {}

    def issue(self) -> str:
        """A new code. The oldest ones give way when there are very many."""
        code = secrets.token_urlsafe(24)
        with self._guard:
            self._until[code] = self._clock() + CODE_VALID_S
            for old in list(self._until)[:-CODES_KEPT]:
                del self._until[old]
        return code

    def redeem(self, code: str) -> bool:
        """Whether the code is good; it is not good a second time."""
        with self._guard:
            found = next((known for known in self._until if same(known, code)), None)
            return found is not None and self._until.pop(found) >= self._clock()


class Sessions:
    """Browser sessions without a store: a nonce, signed with a key that comes from the token.

    So a session outlives a restart of the daemon, and ends when the token is replaced.
    """

    def __init__(self, token: str) -> None:
        self._key = hmac.digest(token.encode(), b"afterframe session", "sha256")
        # Cookies ignore ports: a name of its own keeps two daemons on one machine apart.
        self.cookie = f"afterframe_{hashlib.sha256(b'cookie name' + self._key).hexdigest()[:8]}"

    def begin(self, response: Response, *, secure: bool) -> None:
        """Let this browser in from now on."""
        nonce = secrets.token_urlsafe(24)
        response.set_cookie(
            self.cookie,
            f"{nonce}.{self._sign(nonce)}",
            max_age=SESSION_S,
            httponly=True,
            samesite="Strict",
            secure=secure,
            path="/",
        )

    def holds(self, request: Request) -> bool:
        """Whether a request comes from a browser that we let in."""
        nonce, _, signature = request.cookies.get(self.cookie, "").partition(".")
        return bool(nonce) and same(self._sign(nonce), signature)

    def _sign(self, nonce: str) -> str:
        return hmac.new(self._key, nonce.encode("utf-8", "surrogateescape"), "sha256").hexdigest()


class Gate:
    """Checks each request before any route sees it.

    Args:
        server: the names by which we may be called.
        token: the secret that plugins send.
    """

    def __init__(self, server: ServerConfig, token: str) -> None:
        self._token = token
        self.sessions = Sessions(token)
        names = {"localhost", *server.allowed_hosts}
        if server.host not in ALL_INTERFACES:
            names.add(server.host)
        self._names = {_plain(name) for name in names}

    def check_addresses(self, request: Request) -> None:
        """The Host must be ours, and the Origin, where there is one, the same.

        Raises:
            NotAllowed: a foreign Host or Origin.
        """
        host = request.environ.get("HTTP_HOST", "")
        if not self._is_ours(host):
            raise NotAllowed(
                f"Afterframe does not answer to the name “{host[:100]}”.",
                "Call it by localhost, or add the name to server.allowed_hosts in config.toml.",
                code="foreign_host",
            )
        origin = request.headers.get("Origin")
        if origin is not None and not _same_origin(origin, host):
            raise NotAllowed(
                f"A page of “{origin[:100]}” may not talk to Afterframe.",
                "Open Afterframe's own page instead.",
                code="foreign_origin",
            )

    def check_caller(self, request: Request, *, token_only: bool = False) -> None:
        """The caller must have the token or, except where it says otherwise, a session.

        Raises:
            NotLoggedIn: neither.
            NotAllowed: a session asks for a change without saying which page it comes from.
        """
        if "Authorization" in request.headers:
            kind, _, given = request.headers["Authorization"].partition(" ")
            if kind.lower() == "bearer" and same(given.strip(), self._token):
                return
            raise NotLoggedIn(
                "The token is not the right one.", "It stands in the file “token” of Afterframe's own folder."
            )
        if token_only or not self.sessions.holds(request):
            raise NotLoggedIn(
                "The token is missing.",
                "Send “Authorization: Bearer TOKEN”; for a browser, `afterframe status --open` gives a link.",
            )
        if request.method not in SAFE_METHODS and "Origin" not in request.headers:
            raise NotAllowed("A change from a browser must say which page it comes from.", code="no_origin")

    def _is_ours(self, host: str) -> bool:
        parts = _HOST.fullmatch(host)
        if parts is None or int(parts[2] or 80) > 65_535:
            return False
        name = _plain(parts[1])
        return name in self._names or _is_loopback(name)


def same(one: str, other: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell how much of them is."""
    return hmac.compare_digest(one.encode("utf-8", "surrogateescape"), other.encode("utf-8", "surrogateescape"))


def _plain(name: str) -> str:
    return name.strip("[]").rstrip(".").casefold()


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _same_origin(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or parts.path or parts.query or parts.fragment:
        return False
    # A proxy in front may speak https to the browser and http to us, so the schemes may differ.
    default = ":80" if parts.scheme == "http" else ":443"
    return parts.netloc.casefold().removesuffix(default) == host.casefold().removesuffix(default)
