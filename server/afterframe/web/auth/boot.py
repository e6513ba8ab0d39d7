"""How the daemon shows who it is before a client sends anything that opens it.

A daemon that was killed leaves its address behind, and whoever listens there next would be sent the token. So a client
sends a challenge first, with nothing else; only who holds the token can answer with its proof (HMAC, RFC 2104). What
the client sends from then on is not the token either but the boot key, which dies with the daemon's run: a stranger who
takes the port a moment after the proof gets what no daemon accepts any more.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Boot:
    """One run of the daemon."""

    token: str = field(repr=False)
    """The secret that plugins know too."""
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    """Another one at each start; public."""

    def proof(self, challenge: str) -> str:
        """What only a holder of the token can answer to a challenge: 64 hexadecimal digits."""
        return self._digest(f"proof {challenge} {self.id}")

    @property
    def key(self) -> str:
        """What opens this run of the daemon, as the token opens every one: 64 hexadecimal digits."""
        return self._digest(f"key {self.id}")

    def _digest(self, message: str) -> str:
        return hmac.digest(self.token.encode(), message.encode(), "sha256").hex()
