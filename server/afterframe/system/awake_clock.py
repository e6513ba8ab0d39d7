"""A clock for what is judged by silence: it stands still while this process did."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

LONGEST_S = 2.0
"""A longer time between two looks at the clock was sleep, seconds."""


class AwakeClock:
    """Seconds, steady, that this process was awake. Looked at more rarely than every two seconds, it goes slow.

    A laptop that slept, a process that was stopped and a clock that was set look alike: no look for a long time. Of
    such a time only the first two seconds count, so that whoever was away does not take the silence of the others, who
    were away too, for their end. Safe to share between threads.

    Args:
        clock: seconds, steady.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._looked_at = clock()
        self._awake_s = 0.0

    def __call__(self) -> float:
        """Seconds since this clock was made."""
        with self._guard:
            now = self._clock()
            self._awake_s += min(max(0.0, now - self._looked_at), LONGEST_S)
            self._looked_at = now
            return self._awake_s
