"""The browsers that were let in, as a private file of Afterframe's own folder remembers them."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from afterframe.errors import AfterframeError
from afterframe.system.files import write_file

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that was let in. Of its two secrets only digests are kept."""

    id: str
    device: str
    """The browser in words, as it names itself: "Firefox, Linux"."""
    began_at: float
    """Unix time, seconds."""
    seen_at: float
    """Its last use."""
    renewed_at: float
    """When the browser was last given its cookie."""
    cookie: str
    secret: str


class NotRemovedError(AfterframeError):
    """A session that was to end is still in the file."""

    code = "not_removed"
    status = 500


class SessionFile:
    """The sessions, in memory and in a file that is replaced as a whole.

    Args:
        path: sessions.json.
        token: the secret that plugins send; sessions that another one began are forgotten.
    """

    def __init__(self, path: Path, token: str) -> None:
        self._path = path
        self._of = hashlib.sha256(b"afterframe sessions" + token.encode()).hexdigest()
        self._guard = threading.Lock()
        self._sessions = {session.id: session for session in self._read()}

    def all(self) -> list[Session]:
        """Every session, the one used last first."""
        with self._guard:
            return sorted(self._sessions.values(), key=lambda session: -session.seen_at)

    def get(self, session_id: str) -> Session | None:
        """One session."""
        with self._guard:
            return self._sessions.get(session_id)

    def add(self, session: Session, *, instead_of: Iterable[str] = ()) -> None:
        """Add one, and forget others. A disk that is full costs nothing until the next start."""
        with self._guard:
            for old in instead_of:
                self._sessions.pop(old, None)
            self._sessions[session.id] = session
            self._try_to_write()

    def change(self, session: Session) -> None:
        """Change one, unless it was removed meanwhile."""
        with self._guard:
            if session.id in self._sessions:
                self._sessions[session.id] = session
                self._try_to_write()

    def remove(self, session_id: str) -> None:
        """Forget one.

        Raises:
            NotRemovedError: it has ended, but the file cannot be written: after a restart it would hold again.
        """
        with self._guard:
            self._sessions.pop(session_id, None)
            try:
                self._write()
            except OSError as error:
                raise NotRemovedError(
                    f"{self._path} cannot be written: {error.strerror or error}. "
                    "The browser is logged out only until Afterframe starts again.",
                    "Check the disk's free space and permissions, then log it out again.",
                ) from error

    def _read(self) -> list[Session]:
        try:
            data = json.loads(self._path.read_text("utf-8"))
            return [Session(**kept) for kept in data["sessions"]] if data["of"] == self._of else []
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.warning("%s cannot be read, so every browser must log in again: %s", self._path, error)
            return []

    def _try_to_write(self) -> None:
        try:
            self._write()
        except OSError as error:
            log.warning("%s cannot be written: %s", self._path, error)

    def _write(self) -> None:
        kept = [asdict(session) for session in self._sessions.values()]
        write_file(self._path, json.dumps({"of": self._of, "sessions": kept}).encode(), private=True)
