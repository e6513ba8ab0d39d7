"""Logging a browser in: a one-time code begins a session, which a signed cookie carries."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable

from flask import Request, Response
from itsdangerous import BadSignature, TimestampSigner

CODE_VALID_S = 600.0
CODES_KEPT = 32
SESSION_S = 30 * 86_400
"""A session ends this long after its last use, seconds; the cookie has the same lifetime."""
RENEW_S = 86_400
"""Use renews a session that is older than this, seconds: not with every answer."""


class LoginCodes:
    """Codes that log a browser in, once and within ten minutes.

    Args:
        clock: seconds, steady; injected by tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._until: dict[str, float] = {}

    def issue(self) -> str:
        """A new code. When there are too many, the oldest ones expire."""
        code = secrets.token_urlsafe(24)
        with self._guard:
            self._until[code] = self._clock() + CODE_VALID_S
            for old in list(self._until)[:-CODES_KEPT]:
                del self._until[old]
        return code

    def redeem(self, code: str) -> bool:
        """Whether the code is valid; it is not valid a second time."""
        with self._guard:
            found = next((known for known in self._until if same(known, code)), None)
            return found is not None and self._until.pop(found) >= self._clock()


class Sessions:
    """Browser sessions without a store: a nonce and a time, signed with a key that comes from the token.

    So a session outlives a restart of the daemon. It ends when it was not used for :data:`SESSION_S`, or when the
    token is replaced.

    Args:
        token: the secret that plugins send.
        clock: Unix time, seconds; injected by tests.
    """

    def __init__(self, token: str, clock: Callable[[], float] = time.time) -> None:
        key = hmac.digest(token.encode(), b"afterframe session", "sha256")
        self._signer = _Signer(key, clock)
        # Cookies ignore ports: a name of its own keeps two daemons on one machine apart.
        self.cookie = f"afterframe_{hashlib.sha256(b'cookie name' + key).hexdigest()[:8]}"

    def begin(self, response: Response, *, secure: bool) -> None:
        """Begin a session for this browser."""
        response.set_cookie(
            self.cookie,
            self._signer.sign(secrets.token_urlsafe(24)).decode(),
            max_age=SESSION_S,
            httponly=True,
            samesite="Strict",
            secure=secure,
            path="/",
        )

    def renew(self, request: Request, response: Response) -> None:
        """Extend a session that is in use."""
        if self.holds(request) and not self._holds(request, RENEW_S) and "Set-Cookie" not in response.headers:
            self.begin(response, secure=request.is_secure)

    def holds(self, request: Request) -> bool:
        """Whether a request comes from a browser whose session has not ended."""
        return self._holds(request, SESSION_S)

    def ended(self, request: Request) -> bool:
        """Whether a request shows a session that does not hold: it has ended, or was never ours."""
        return self.cookie in request.cookies and not self.holds(request)

    def _holds(self, request: Request, max_age: float) -> bool:
        try:
            self._signer.unsign(request.cookies.get(self.cookie, ""), max_age=int(max_age))
        except BadSignature:
            return False
        return True


class _Signer(TimestampSigner):
    """itsdangerous's signer with a clock of ours."""

    def __init__(self, key: bytes, clock: Callable[[], float]) -> None:
        super().__init__(key, salt=b"afterframe session", key_derivation="hmac", digest_method=hashlib.sha256)
        self._clock = clock

    def get_timestamp(self) -> int:
        return int(self._clock())


def same(one: str, other: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell how much of them is."""
    return hmac.compare_digest(one.encode("utf-8", "surrogateescape"), other.encode("utf-8", "surrogateescape"))
