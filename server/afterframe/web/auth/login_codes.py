"""One-time codes that let a browser in."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable

CODE_VALID_S = 600.0
CODES_KEPT = 32


class LoginCodes:
    """Codes that log a browser in, once and within ten minutes.

    Args:
        clock: seconds, steady; injected by tests.
        used: called with a code that was used.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, used: Callable[[str], None] = lambda code: None
    ) -> None:
        self._clock = clock
        self._used = used
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
            valid = found is not None and self._until.pop(found) >= self._clock()
        if found is not None:
            self._used(found)
        return valid


def same(one: str, other: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell how much of them is."""
    return hmac.compare_digest(one.encode("utf-8", "surrogateescape"), other.encode("utf-8", "surrogateescape"))
