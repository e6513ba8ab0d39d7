"""What every command prints with: the terminal, one-line texts, errors, durations."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.markup import escape

from afterframe.system.cli_hints import spelled
from afterframe.system.printable import printable

out = Console(highlight=False, soft_wrap=True)
err = Console(highlight=False, soft_wrap=True, stderr=True)


class Unfailing:
    """A stream for a process that goes on though nobody listens any more: a closed pipe, a dead terminal, a full disk.

    Whatever cannot be written is lost.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream if stream is not None else open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115

    def write(self, text: str) -> int:
        """Write, if that is possible."""
        with suppress(OSError, ValueError):  # ValueError: it is closed
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if that is possible."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def never_fail() -> None:
    """What is printed from now on, here and by others, cannot end this process."""
    for name in ("stdout", "stderr"):
        setattr(sys, name, Unfailing(getattr(sys, name)))


@contextmanager
def silent(*, when: bool) -> Iterator[None]:
    """Nothing is printed for people inside, where a program is to read the output."""
    out.quiet = err.quiet = when
    try:
        yield
    finally:
        out.quiet = err.quiet = False


def shown(text: object) -> str:
    """A text that can be printed on one line: no control characters, no markup."""
    return escape(printable(text))


def hinted(hint: str) -> str:
    """A remedy whose commands can be typed as they stand, ready to be printed."""
    return shown(spelled(hint, Path.cwd()))


def named(path: str, message: str) -> str:
    """What is wrong with a file, its path named once: most messages name the file, but not where it lies."""
    name = Path(path).name
    if path in message or str(Path(path).absolute()) in message:
        return message
    return message.replace(name, path, 1) if name and name in message else f"{path}: {message}"


def print_error(message: str, hint: str = "") -> None:
    """One line to standard error, and its remedy."""
    err.print(f"[red]{shown(message)}[/] {hinted(hint)}".rstrip())


def count(n: int, one: str, more: str) -> str:
    """'1 clip was', '2 clips were'."""
    return f"{n} {one if n == 1 else more}"


def duration(seconds: float) -> str:
    """'40 s', '3 min', '2 h 5 min'."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
