"""Bars on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from afterframe.cli.output import err

if TYPE_CHECKING:
    from afterframe.app.animate import AnimateResult


class ProgressBar:
    """One bar for the batch: photos done, and the share of those under way."""

    def __init__(self) -> None:
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[count]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=err,
            disable=err.quiet or not err.is_terminal,
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> ProgressBar:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def show(self, results: Sequence[AnimateResult]) -> None:
        """Bring the bar up to date."""
        if self._task is None:
            self._task = self._bars.add_task("Animating", total=1, count="")
        jobs = [job for result in results for job in result.jobs]
        ended = sum(result.state != "queued" for result in results)
        self._bars.update(
            self._task,
            total=max(1, len(jobs)),
            completed=sum(1.0 if job.state.ended else job.progress for job in jobs),
            count=f"{ended}/{len(results)} photos",
        )


class Counter:
    """A bar for work that is counted.

    Args:
        total: how much there is, when that is known.
    """

    def __init__(self, what: str, *, total: int | None = None) -> None:
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=err,
            disable=err.quiet or not err.is_terminal,
            transient=True,
        )
        self._task = self._bars.add_task(what, total=total)

    def __enter__(self) -> Counter:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def set(self, done: int) -> None:
        """So many are done."""
        self._bars.update(self._task, completed=done)

    def add(self, path: Path) -> None:
        """One more."""
        self._bars.advance(self._task)
