"""Access control: our own Host and Origin, and the token or a browser's session.

The daemon answers on localhost, where any web page that the user visits can send requests too.
So the Host must be one of our names (against DNS rebinding), an Origin must be the page's own
(against requests forged by other pages), and everything but the health check needs the token (or the key of this run,
see :mod:`.boot`) or a session that was begun with a one-time code. A session's cookie alone opens nothing: see
:mod:`.session`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from flask import Request

from afterframe.config import ALL_INTERFACES, ServerConfig
from afterframe.errors import NotAllowed
from afterframe.web.auth.boot import Boot
from afterframe.web.auth.login_codes import same
from afterframe.web.auth.session import KEY, SECRET, Sessions
from afterframe.web.auth.session_file import Session
from afterframe.web.http.errors import NotLoggedIn

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


class SecretMissing(NotLoggedIn):
    """A session's cookie, and nothing that shows that it is our own page which sends it."""

    code = "no_secret"


class Gate:
    """Checks each request before any route sees it.

    Args:
        server: the names by which we may be called.
        token: the secret that plugins send.
        sessions: the browsers that were let in.
    """

    def __init__(self, server: ServerConfig, token: str, sessions: Sessions) -> None:
        self._token = token
        self.boot = Boot(token)
        self.sessions = sessions
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
                "Use localhost, or add the name to server.allowed_hosts in config.toml.",
                code="foreign_host",
            )
        origin = request.headers.get("Origin")
        if origin is not None and not _same_origin(origin, host):
            raise NotAllowed(
                f"A page of “{origin[:100]}” may not talk to Afterframe.",
                "Open Afterframe's own page instead.",
                code="foreign_origin",
            )

    def check_caller(
        self, request: Request, *, token_only: bool = False, opened_by: Collection[str] = ()
    ) -> Session | None:
        """The caller must have the token or, except where it says otherwise, a session.

        Args:
            opened_by: scopes of keys that open this address without the session's second secret.
        Returns:
            The session; None: the caller has the token.
        Raises:
            NotLoggedIn: neither.
            SecretMissing: a session's cookie alone.
            NotAllowed: a session asks for a change without saying which page it comes from.
        """
        if "Authorization" in request.headers:
            self._check_token(request.headers["Authorization"])
            return None
        if not token_only and self.sessions.ended(request):
            raise NotLoggedIn(
                "The session of this browser has ended.",
                "`afterframe status --open` gives a new link.",
                code="session_ended",
            )
        session = self.sessions.of(request)
        if token_only or session is None:
            raise NotLoggedIn(
                "The token is missing.",
                "Send “Authorization: Bearer TOKEN”; for a browser, `afterframe status --open` gives a link.",
            )
        self._check_secret(request, session, opened_by if request.method in SAFE_METHODS else ())
        if request.method not in SAFE_METHODS and "Origin" not in request.headers:
            raise NotAllowed("A change from a browser must have an Origin header.", code="no_origin")
        return session

    def _check_token(self, given: str) -> None:
        kind, _, token = given.partition(" ")
        known = same(token.strip(), self._token) or same(token.strip(), self.boot.key)
        if kind.lower() != "bearer" or not known:
            raise NotLoggedIn("The token is wrong.", "It is in the file “token” in Afterframe's own folder.")

    def _check_secret(self, request: Request, session: Session, opened_by: Collection[str]) -> None:
        if self.sessions.proves(request, session):
            return
        key = request.args.get(KEY, "")
        if not any(self.sessions.opens(key, session, scope) for scope in opened_by):
            raise SecretMissing(
                "This browser did not show that Afterframe's own page sends this.",
                f"Open Afterframe's page; its scripts send the header {SECRET}. "
                "`afterframe status --open` gives a new link.",
            )

    def _is_ours(self, host: str) -> bool:
        parts = _HOST.fullmatch(host)
        if parts is None or int(parts[2] or 80) > 65_535:
            return False
        name = _plain(parts[1])
        return name in self._names or _is_loopback(name)


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
