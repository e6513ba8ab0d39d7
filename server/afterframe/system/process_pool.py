"""Function calls in processes that can be killed: for parsers that may hang, crash or run out of memory."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from afterframe.system import logs
from afterframe.system.awake_clock import AwakeClock
from afterframe.system.signals import allow_interrupts, interrupts_blocked

START_S = 120.0
"""An interpreter that takes longer to start never will, seconds."""
LOOK_S = 1.0
"""How often it is looked whether a call takes too long, seconds."""


class CallKilled(Exception):
    """The call was killed: it took too long, or its process died."""


class PoolClosed(Exception):
    """The pool was closed, before the call or while it ran: nothing is known of what it was asked."""


class ProcessPool:
    """Processes that are started when first needed, and reused until a call is killed.

    Calls may come from several threads; each waits for a free process.

    Args:
        function: importable by name: a fresh interpreter looks it up.
        time_s: calls that take longer are killed, seconds.
        memory_mb: limit of a process's address space, MiB, if the system has such limits; 0: none.
        size: how many processes.
    """

    def __init__(self, function: Callable[..., Any], *, time_s: float, memory_mb: int = 0, size: int = 1) -> None:
        self._members = [_PooledProcess(function, time_s, memory_mb) for _ in range(size)]
        self._free: queue.LifoQueue[_PooledProcess] = queue.LifoQueue()
        for member in self._members:
            self._free.put(member)

    def call(self, *args: Any) -> Any:
        """Call the function in one of the processes.

        Raises:
            CallKilled: it took longer than ``time_s``, or its process died.
            PoolClosed: the pool is closed by now.
            Whatever the function raises.
        """
        member = self._free.get()
        try:
            return member.call(args)
        finally:
            self._free.put(member)  # a closed one, too: whoever waits for it has to be refused

    def rest(self, idle_s: float) -> None:
        """End the processes that nobody has called for this long, seconds. The next call starts one."""
        free = []
        with contextlib.suppress(queue.Empty):
            while True:
                free.append(self._free.get_nowait())
        for member in reversed(free):
            member.rest(idle_s)
            self._free.put(member)

    def close(self) -> None:
        """End the processes, whatever they are at; calls that run or wait are refused, and no process is started."""
        for member in self._members:
            member.close()


class _PooledProcess:
    """One process and the pipe to it. One thread calls; another may close it meanwhile."""

    def __init__(self, function: Callable[..., Any], time_s: float, memory_mb: int) -> None:
        self._function = function
        self._time_s = time_s
        self._memory_mb = memory_mb
        self._process: SpawnProcess | None = None
        self._pipe: Connection[Any, Any] | None = None
        self._closed = False
        self._clock = time.monotonic
        self._used_at = self._clock()
        self._guard = threading.Lock()
        """Held to start a process and to kill it: none is started once the pool is closed."""

    def call(self, args: tuple[Any, ...]) -> Any:
        try:
            pipe = self._pipe if self._process and self._process.is_alive() and self._pipe else self._start()
            pipe.send(args)
            self._wait(pipe)
            worked, result = pipe.recv()
        except (EOFError, OSError) as error:
            self._end()
            if self._closed:
                raise PoolClosed from error
            raise CallKilled("the process that read it died") from error
        except BaseException:
            self._end()
            raise
        finally:
            self._used_at = self._clock()
        if worked:
            return result
        raise result

    def _wait(self, pipe: Connection[Any, Any]) -> None:
        """Wait for an answer, as long as a call may take; the time that this machine sleeps does not count."""
        awake_s = AwakeClock(self._clock)
        while not pipe.poll(max(0.0, min(LOOK_S, self._time_s - awake_s()))):
            if awake_s() >= self._time_s:
                raise CallKilled(f"it took longer than {self._time_s:g} seconds")

    def rest(self, idle_s: float) -> None:
        """End the process if it was not called for this long, seconds. Nobody may call meanwhile."""
        if self._process is not None and self._clock() - self._used_at >= idle_s:
            self._end()

    def _start(self) -> Connection[Any, Any]:
        self._end()
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_serve, args=(theirs, self._function, self._memory_mb), daemon=True, name="afterframe-reader"
        )
        self._pipe = ours
        with theirs, self._guard:
            if self._closed:
                raise PoolClosed
            with interrupts_blocked():
                process.start()
            self._process = process
        # The start of an interpreter does not count as time of the first call.
        if not ours.poll(START_S):
            raise CallKilled("its process did not start")
        ours.recv()
        return ours

    def close(self) -> None:
        """Kill the process. A call that runs finds its pipe at an end; else this ends it."""
        with self._guard:
            self._closed = True
            if self._process is not None:
                self._process.kill()
                self._process.join()

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        with self._guard:
            if self._process is not None:
                self._process.kill()
                self._process.join()
                self._process.close()
                self._process = None


def _serve(pipe: Connection[Any, Any], function: Callable[..., Any], memory_mb: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to the whole process group; our parent ends us
        signal.signal(number, signal.SIG_IGN)
    allow_interrupts()
    logs.to_terminal()
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
