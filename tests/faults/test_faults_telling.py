"""Nobody listens any more, or the disk of the log is full: the daemon goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from faults_processes import Afterframe, clips_in, until

from factories import make_photo_file

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="terminals of this kind are POSIX's"),
]


def animates(afterframe: Afterframe, folder: Path, count: int) -> None:
    """One photo more, and all have their clips in the end."""
    make_photo_file(folder / f"DSC_{count}.jpg", seed=count)
    until(lambda: afterframe.states() == {"done": count}, f"{afterframe.states()} {afterframe.problems()}")
    assert len(clips_in(folder)) == count


def a_full_disk() -> tuple[int, Callable[[], None]]:
    return os.open("/dev/full", os.O_WRONLY), lambda: None


def a_pipe_that_closes() -> tuple[int, Callable[[], None]]:
    ours, theirs = os.pipe()
    return theirs, lambda: os.close(ours)


def a_terminal_that_goes_away() -> tuple[int, Callable[[], None]]:
    ours, theirs = os.openpty()
    return theirs, lambda: os.close(ours)


@pytest.mark.parametrize(
    "listener", [a_full_disk, a_pipe_that_closes, a_terminal_that_goes_away], ids=lambda listener: listener.__name__
)
def test_it_goes_on_and_ends_in_order_though_nobody_hears_it(
    afterframe: Afterframe, folder: Path, listener: Callable[[], tuple[int, Callable[[], None]]]
) -> None:
    out, go_away = listener()
    daemon = afterframe.serve(folder, out=out)
    os.close(out)
    go_away()
    for count in (1, 2):  # it prints lines for each
        animates(afterframe, folder, count)
    assert daemon.stop() == 0


def test_the_end_of_its_terminal_ends_neither_it_nor_a_render(afterframe: Afterframe, folder: Path) -> None:
    daemon = afterframe.serve(folder)
    animates(afterframe, folder, 1)
    before = {process.pid for process in daemon.members()}
    daemon.signal(signal.SIGHUP)
    animates(afterframe, folder, 2)
    assert before <= {process.pid for process in daemon.members()}
    assert daemon.stop() == 0


def test_a_full_disk_under_its_log_does_not_end_it(afterframe: Afterframe, folder: Path) -> None:
    logs = afterframe.home / "logs"
    logs.mkdir(parents=True)
    for name in ("afterframe.log", "worker.log"):
        (logs / name).symlink_to("/dev/full")
    daemon = afterframe.serve(folder)
    animates(afterframe, folder, 1)
    assert daemon.stop() == 0
    assert "Traceback" not in daemon.said()
