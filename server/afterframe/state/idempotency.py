"""Answers to requests that carried an idempotency key, so that a repeated request gets the same one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from afterframe.state.database import Database

KEPT_S = 86_400.0
"""Seconds that an answer is kept."""


class IdempotencyStore:
    """The answers in the state file.

    Args:
        database: the state file.
        clock: Unix time, seconds; injected by tests.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._db = database
        self._clock = clock

    def get(self, key: str) -> Any | None:
        """The answer given earlier to the same idempotency key."""
        row = self._db.connection.execute("SELECT answer FROM requests WHERE key = ?", (key,)).fetchone()
        return json.loads(row["answer"]) if row else None

    def put(self, key: str, answer: Any) -> None:
        """Keep an answer, as JSON, for a day."""
        with self._db.transaction() as connection:
            connection.execute("DELETE FROM requests WHERE at < ?", (self._clock() - KEPT_S,))
            connection.execute(
                "INSERT OR REPLACE INTO requests VALUES (?, ?, ?)", (key, json.dumps(answer), self._clock())
            )
