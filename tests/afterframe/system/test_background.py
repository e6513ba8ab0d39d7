from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from afterframe.system import background
from afterframe.system.background import Background


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "WAIT_S", 0.0)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What a share that hangs waits for."""
    event = threading.Event()
    yield event
    event.set()
    for thread in threading.enumerate():
        if thread.name == "probe":
            thread.join()


def answer(work: Background[int], what: str, value: int) -> int:
    while (done := work.ask(what, lambda: value)) is None:
        pass
    return done.result()


def test_work_that_hangs_holds_up_nobody_and_is_begun_once(gate: threading.Event) -> None:
    work, begun = Background[int]("probe"), []

    def hang() -> int:
        begun.append(1)
        gate.wait()
        return 7

    assert work.ask("share", hang) is None
    assert work.ask("share", hang) is None
    assert answer(work, "disk", 3) == 3
    gate.set()
    assert answer(work, "share", 0) == 7
    assert len(begun) == 1


def test_an_error_goes_to_whoever_asks(gate: threading.Event) -> None:
    work = Background[int]("probe")
    while (done := work.ask("x", lambda: 1 // 0)) is None:
        pass
    with pytest.raises(ZeroDivisionError):
        done.result()
    assert answer(work, "x", 5) == 5


def test_there_are_never_more_threads_than_allowed(gate: threading.Event) -> None:
    work = Background[int]("probe", at_most=2)

    def hang() -> int:
        gate.wait()
        return 0

    assert [work.ask(n, hang) for n in range(5)] == [None] * 5
    assert sum(thread.name == "probe" for thread in threading.enumerate()) == 2
