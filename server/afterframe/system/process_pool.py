"""Calls in a process that can be killed: for parsers that may stall, crash or eat the memory."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from afterframe.system.signals import hear_interrupts, interrupts_held_back

START_S = 120.0
"""An interpreter that has not started by then never will, seconds."""


class CallKilled(Exception):
    """The call was ended: it took too long, or its process died."""


class ProcessPool:
    """Processes that are made when first needed, and used again until a call is stopped.

    Calls may come from several threads; each waits for a free process.

    Args:
        function: importable by name (it is sent to a fresh interpreter).
        time_s: a call that takes longer is killed, seconds.
        memory_mb: address space of a process, MiB, where the system can limit it.
        size: how many processes.
    """

    def __init__(self, function: Callable[..., Any], *, time_s: float, memory_mb: int = 0, size: int = 1) -> None:
        self._members = [_PooledProcess(function, time_s, memory_mb) for _ in range(size)]
        self._free: queue.LifoQueue[_PooledProcess] = queue.LifoQueue()
        for member in self._members:
            self._free.put(member)

    def call(self, *args: Any) -> Any:
        """Call the function there; exceptions that it raises are raised here.

        Raises:
            Stopped: it took longer than ``time_s`` or its process died.
        """
        member = self._free.get()
        try:
            return member.call(args)
        finally:
            self._free.put(member)

    def close(self) -> None:
        """End the processes, when no call is under way."""
        for member in self._members:
            member.end()


class _PooledProcess:
    """One process and the pipe to it."""

    def __init__(self, function: Callable[..., Any], time_s: float, memory_mb: int) -> None:
        self._function = function
        self._time_s = time_s
        self._memory_mb = memory_mb
        self._process: SpawnProcess | None = None
        self._pipe: Connection[Any, Any] | None = None

    def call(self, args: tuple[Any, ...]) -> Any:
        pipe = self._pipe if self._process and self._process.is_alive() and self._pipe else self._start()
        try:
            pipe.send(args)
            if not pipe.poll(self._time_s):
                raise CallKilled(f"it took longer than {self._time_s:g} seconds")
            worked, result = pipe.recv()
        except (EOFError, OSError) as error:
            self.end()
            raise CallKilled("the process that read it died") from error
        except BaseException:
            self.end()
            raise
        if worked:
            return result
        raise result

    def _start(self) -> Connection[Any, Any]:
        self.end()
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_serve, args=(theirs, self._function, self._memory_mb), daemon=True, name="afterframe-reader"
        )
        with interrupts_held_back():
            process.start()
        theirs.close()
        self._process, self._pipe = process, ours
        # The first call must not pay for the start of an interpreter out of its own time.
        if not ours.poll(START_S):
            self.end()
            raise CallKilled("its process did not start")
        ours.recv()
        return ours

    def end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
            self._process = None


def _serve(pipe: Connection[Any, Any], function: Callable[..., Any], memory_mb: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # they reach the whole group; our parent ends us
        signal.signal(number, signal.SIG_IGN)
    hear_interrupts()
    _limit_memory(memory_mb)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pipe.send("ready")
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            args = pipe.recv()
            try:
                answer = (True, function(*args))
            except Exception as error:  # noqa: BLE001 - it is raised again on the other side
                answer = (False, error)
            pipe.send(answer)


def _limit_memory(memory_mb: int) -> None:
    try:
        import resource
    except ImportError:
        return  # Windows has no such limit; the time limit still holds
    if memory_mb:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
