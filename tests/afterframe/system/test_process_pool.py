from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from afterframe.errors import PhotoError
from afterframe.system.process_pool import CallKilled, PoolClosed, ProcessPool


def work(what: str) -> object:
    """Runs in the other process."""
    if what == "pid":
        return os.getpid()
    if what == "stall":
        threading.Event().wait(60)
    if what == "crash":
        os._exit(3)
    if what == "refuse":
        raise PhotoError("a.jpg is empty.", "Export it again.", code="empty")
    if what == "memory":
        return len(bytearray(1 << 33))
    return what


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPool]:
    pool = ProcessPool(work, time_s=2.0, memory_mb=2048)
    yield pool
    pool.close()


@pytest.fixture(autouse=True)
def nothing_left_running() -> None:
    """The pool's process lives as long as the module."""


def test_calls_run_in_one_process_used_again(pool: ProcessPool) -> None:
    assert pool.call("pid") == pool.call("pid") != os.getpid()


def test_a_process_that_nobody_calls_ends_and_comes_back(pool: ProcessPool) -> None:
    first = pool.call("pid")
    pool.rest(3600)
    assert pool.call("pid") == first
    pool.rest(0)
    assert not psutil.pid_exists(first)
    assert pool.call("pid") != first


def test_an_error_comes_through_whole(pool: ProcessPool) -> None:
    with pytest.raises(PhotoError) as caught:
        pool.call("refuse")
    assert (caught.value.message, caught.value.hint, caught.value.error_code) == (
        "a.jpg is empty.",
        "Export it again.",
        "empty",
    )


def test_a_call_that_stalls_is_ended_and_the_next_one_works(pool: ProcessPool) -> None:
    with pytest.raises(CallKilled, match="longer than 2 seconds"):
        pool.call("stall")
    assert pool.call("hello") == "hello"


def test_a_call_that_crashes_its_process_is_told_and_the_next_one_works(pool: ProcessPool) -> None:
    with pytest.raises(CallKilled, match="died"):
        pool.call("crash")
    assert pool.call("hello") == "hello"


def test_memory_is_limited(pool: ProcessPool) -> None:
    pytest.importorskip("resource", reason="this system has no such limit")
    with pytest.raises(MemoryError):
        pool.call("memory")
    assert pool.call("hello") == "hello"


@pytest.mark.parametrize("first", ["pid", None])
def test_a_closed_pool_refuses_calls_and_starts_nothing(first: str | None) -> None:
    before = _readers()
    pool = ProcessPool(work, time_s=2.0)
    if first:
        pool.call(first)
    pool.close()
    with pytest.raises(PoolClosed):
        pool.call("hello")
    assert _readers() == before


def test_closing_ends_a_call_that_stalls_and_refuses_those_that_wait() -> None:
    before = _readers()
    pool = ProcessPool(work, time_s=60.0)
    pool.call("pid")
    with ThreadPoolExecutor(4) as callers:
        calls = [callers.submit(pool.call, "stall") for _ in range(4)]
        pool.close()
        assert [type(call.exception()) for call in calls] == [PoolClosed] * 4
    assert _readers() == before


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no process can be stopped here")
def test_closing_ends_a_process_that_no_longer_runs() -> None:
    before = _readers()
    pool = ProcessPool(work, time_s=60.0)
    os.kill(pool.call("pid"), signal.SIGSTOP)
    pool.close()
    assert _readers() == before


def _readers() -> list[psutil.Process]:
    return [p for p in psutil.Process().children() if "spawn_main" in " ".join(p.cmdline())]
