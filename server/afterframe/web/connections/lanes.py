"""The server's threads, in lanes: a few for each kind of request, started when they are first needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from waitress.task import ThreadedTaskDispatcher

from afterframe.web.connections.entry import Lane


class Lanes:
    """Waitress's dispatcher of tasks, one for each lane.

    Args:
        threads: how many requests of each lane are answered at a time.
    """

    def __init__(self, threads: Mapping[Lane, int]) -> None:
        self._lanes = {lane: _LazyDispatcher(threads[lane]) for lane in Lane}

    def add_task(self, channel: Any) -> None:
        """Have a channel's first request answered."""
        self._lanes[channel.requests[0].lane].add_task(channel)

    def shutdown(self, timeout: float) -> None:
        """Let the requests that are being answered end, for so many seconds in all, and drop those that wait."""
        until = time.monotonic() + timeout
        for lane in self._lanes.values():
            lane.close()
        for lane in self._lanes.values():
            lane.shutdown(timeout=max(0.0, until - time.monotonic()))


class _LazyDispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Starts a thread when all that there are have work, until there are enough."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._closed = False
        self._growing = threading.Lock()

    def add_task(self, task: Any) -> None:
        """Queue a task."""
        with self._growing:
            with self.lock:
                self.queue.append(task)
                there = len(self.threads)
                needed = len(self.queue) > there - self.active_count
                self.queue_cv.notify()
            if needed and there < self._most and not self._closed:
                self.set_thread_count(there + 1)

    def close(self) -> None:
        """Begin nothing new."""
        with self._growing:
            self._closed = True
            self.set_thread_count(0)
