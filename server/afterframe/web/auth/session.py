"""Browser sessions: a cookie, and a second secret that only the storage of our own origin holds.

A cookie knows no ports: the browser sends it to every server on this machine's address. So it opens nothing by itself.
The second secret is given to the page when it logs in; its scripts keep it in localStorage, which is bound to scheme,
name and port, and send it as a header. What a browser fetches without scripts has a short-lived key in its address.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import replace

from flask import Request, Response
from itsdangerous import BadSignature, TimestampSigner

from afterframe.errors import NotFound
from afterframe.web.auth.device import device_words
from afterframe.web.auth.login_codes import same
from afterframe.web.auth.session_file import Session, SessionFile

SESSION_S = 30 * 86_400
"""A session ends this long after its last use, seconds; the cookie has the same lifetime."""
RENEW_S = 86_400
"""Use renews a cookie that is older than this, seconds: not with every answer."""
SEEN_STEP_S = 60
"""A use that follows the last noted one this closely is not noted: not every request writes a file."""
SESSIONS_KEPT = 64
SECRET = "Afterframe-Secret"  # noqa: S105 - a header's name
"""The header with which our own scripts send the second secret."""
KEY = "key"
"""The parameter of an address that holds its key."""
MEDIA = "media"
"""What the key of media and events opens."""
PAGE_KEY_S = 60
"""A page's key opens it for so long: the page is fetched at once."""
MEDIA_KEY_S = 3600
MEDIA_STEP_S = 900
"""For so long the same key is given, so that the browser's cache knows an address again."""


class Sessions:
    """The browsers that were let in. They outlive a restart of the daemon; a replaced token ends them all.

    Args:
        file: where they are kept.
        token: the secret that plugins send.
        clock: Unix time, seconds; injected by tests.
    """

    def __init__(self, file: SessionFile, token: str, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._clock = clock
        self._key = hmac.digest(token.encode(), b"afterframe session", "sha256")
        # Cookies ignore ports: a name of its own keeps two daemons on one machine apart.
        self.cookie = f"afterframe_{hashlib.sha256(b'cookie name' + self._key).hexdigest()[:8]}"

    def begin(self, request: Request, response: Response, secret: str) -> Session:
        """Begin a session for this browser. It takes the place of one that it has, which somebody may have given it.

        Args:
            secret: the second secret, for the page to keep.
        """
        now, cookie = self._clock(), secrets.token_urlsafe(24)
        session = Session(
            id=secrets.token_hex(8),
            device=device_words(request.headers.get("User-Agent", "")),
            began_at=now,
            seen_at=now,
            renewed_at=now,
            cookie=self._digest(cookie),
            secret=self._digest(secret),
        )
        before = self.of(request)
        others = [known for known in self.all() if known != before]
        lasting = {known.id for known in others[: SESSIONS_KEPT - 1]}
        self._file.add(session, instead_of={known.id for known in self._file.all()} - lasting)
        self._set_cookie(request, response, f"{session.id}.{cookie}")
        return session

    def use(self, request: Request, response: Response, session: Session) -> None:
        """Extend a session that is in use, and its cookie once a day."""
        now = self._clock()
        renewing = now - session.renewed_at > RENEW_S and "Set-Cookie" not in response.headers
        if renewing:
            self._set_cookie(request, response, request.cookies[self.cookie])
        if renewing or now - session.seen_at > SEEN_STEP_S:
            self._file.change(replace(session, seen_at=now, renewed_at=now if renewing else session.renewed_at))

    def of(self, request: Request) -> Session | None:
        """The session whose cookie a request carries, if it has not ended."""
        session_id, _, cookie = request.cookies.get(self.cookie, "").partition(".")
        session = self.get(session_id)
        return session if session and same(session.cookie, self._digest(cookie)) else None

    def ended(self, request: Request) -> bool:
        """Whether a request shows a session that does not hold: it has ended, or was never ours."""
        return self.cookie in request.cookies and self.of(request) is None

    def proves(self, request: Request, session: Session) -> bool:
        """Whether a request also carries the session's second secret."""
        return same(session.secret, self._digest(request.headers.get(SECRET, "")))

    def get(self, session_id: str) -> Session | None:
        """A session that has not ended."""
        session = self._file.get(session_id)
        return session if session and self._clock() - session.seen_at <= SESSION_S else None

    def all(self) -> list[Session]:
        """Every session that has not ended, the one used last first."""
        return [session for session in self._file.all() if self.get(session.id)]

    def end(self, session_id: str) -> None:
        """End one.

        Raises:
            NotFound: there is none.
            NotRemovedError: it would hold again after a restart.
        """
        if self.get(session_id) is None:
            raise NotFound("There is no such session.", "GET /api/sessions lists them.")
        self._file.remove(session_id)

    def key(self, session: Session, scope: str) -> str:
        """A short-lived key for addresses, good together with the session's cookie.

        Args:
            scope: :data:`MEDIA`, or a page's path.
        """
        now = int(self._clock())
        return self._signer(session, scope, now - now % MEDIA_STEP_S if scope == MEDIA else now).sign(b"").decode()

    def opens(self, key: str, session: Session, scope: str) -> bool:
        """Whether a key was given to this session for this, and still holds."""
        try:
            signer = self._signer(session, scope, int(self._clock()))
            signer.unsign(key, max_age=MEDIA_KEY_S if scope == MEDIA else PAGE_KEY_S)
        except BadSignature:
            return False
        return True

    def _signer(self, session: Session, scope: str, now: int) -> _Signer:
        return _Signer(self._key, f"address\n{session.id}\n{scope}", now)

    def _digest(self, secret: str) -> str:
        return hmac.new(self._key, secret.encode("utf-8", "surrogateescape"), "sha256").hexdigest()

    def _set_cookie(self, request: Request, response: Response, value: str) -> None:
        response.set_cookie(
            self.cookie,
            value,
            max_age=SESSION_S,
            httponly=True,
            samesite="Strict",
            secure=request.is_secure,
            path="/",
        )


class _Signer(TimestampSigner):
    """itsdangerous's signer at a moment of ours."""

    def __init__(self, key: bytes, salt: str, now: int) -> None:
        super().__init__(key, salt=salt.encode(), key_derivation="hmac", digest_method=hashlib.sha256)
        self._now = now

    def get_timestamp(self) -> int:
        return self._now
