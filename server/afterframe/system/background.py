"""Work on folders that may never answer, a network share whose server is gone say."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")

WAIT_S = 0.2
"""So long is an answer waited for at once: a disk gives it by then, seconds."""


class Background(Generic[T]):
    """Runs work in threads that the process does not wait for, one at a time under each name.

    Args:
        name: of the threads.
        at_most: threads; beyond them nothing new is begun.
    """

    def __init__(self, name: str, at_most: int = 16) -> None:
        self._name = name
        self._at_most = at_most
        self._under_way: dict[Hashable, Future[T]] = {}

    def ask(self, what: Hashable, work: Callable[[], T]) -> Future[T] | None:
        """Begin some work unless it is under way; its result once it is done, and None until then.

        Args:
            what: names it.
        """
        future = self._under_way.get(what) or self._begin(what, work)
        if future is None:
            return None
        try:
            future.exception(WAIT_S)
        except TimeoutError:
            return None
        del self._under_way[what]
        return future

    def _begin(self, what: Hashable, work: Callable[[], T]) -> Future[T] | None:
        if len(self._under_way) >= self._at_most:
            return None
        future = self._under_way[what] = Future[T]()
        threading.Thread(target=_run, args=(work, future), name=self._name, daemon=True).start()
        return future


def _run(work: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - whoever asks gets it
        future.set_exception(error)
