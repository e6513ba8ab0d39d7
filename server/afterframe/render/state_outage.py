"""Outages of the state file (locked for long, disk full): wait for their end, and log them once.

An outage ends no worker and costs no photo a strike.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from typing import TypeVar

from afterframe.errors import Cancelled

RETRY_S = 1.0
"""Until the state file is tried again, seconds; SQLite itself has waited for a lock by then."""

log = logging.getLogger(__name__)

T = TypeVar("T")


class OutageLog:
    """One line in the log when an outage begins, and one when it is over.

    Args:
        who: begins each line: an owner id, say.
    """

    def __init__(self, who: str) -> None:
        self.who = who
        self._noted = False

    def note(self, error: Exception) -> None:
        """The state file could not be used."""
        if not self._noted:
            log.warning("%s: the state file cannot be used, it is tried again: %s", self.who, error)
        self._noted = True

    def over(self) -> None:
        """The state file could be used."""
        if self._noted:
            log.info("%s: the state file can be used again", self.who)
        self._noted = False


def is_outage(error: BaseException) -> bool:
    """Whether an error says that the state file cannot be used for now; a mistake in our own SQL does not."""
    return (
        isinstance(error, sqlite3.OperationalError)
        and getattr(error, "sqlite_errorcode", sqlite3.SQLITE_BUSY) != sqlite3.SQLITE_ERROR
    )


def retry_through_outage(step: Callable[[], T], stopping: threading.Event, outages: OutageLog) -> T:
    """Take a step that uses the state file; during an outage, repeat it until it works.

    Args:
        step: all or nothing, so that it can be repeated.
    Raises:
        Cancelled: told to stop during an outage.
        Whatever else ``step`` raises.
    """
    while True:
        try:
            result = step()
        except sqlite3.OperationalError as error:
            if not is_outage(error):
                raise
            outages.note(error)
            if stopping.wait(RETRY_S):
                raise Cancelled("Stopped while the state file could not be used.") from error
        else:
            outages.over()
            return result
