"""The log files: bounded in size, shared by processes, one line for each message whatever a file is called."""

from __future__ import annotations

import contextlib
import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from filelock import FileLock

from afterframe.system.printable import printable

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
LARGEST = 2_000_000
"""Bytes of a log file; a full one is kept beside it."""
OLDER = 2
"""Full ones that are kept."""
LOCK_S = 5.0
"""So long another process may take to put a full file aside, seconds."""


def to_file(path: Path, level: int = logging.INFO) -> None:
    """Write this process's log lines to a file, which other processes may write, too; also other packages' warnings."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _add(SharedLog(path))
    logging.getLogger("afterframe").setLevel(level)


def to_terminal() -> None:
    """Write this process's warnings to standard error: nothing else hears what the reader of a photo has to say."""
    _add(logging.StreamHandler())


def _add(handler: logging.Handler) -> None:
    handler.setFormatter(OneLineFormatter(FORMAT))
    logging.getLogger().addHandler(handler)


class OneLineFormatter(logging.Formatter):
    """Writes a message in one line, and a traceback indented: nothing in it can pass for another message."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line."""
        return printable(super().formatMessage(record))

    def formatException(  # noqa: N802 - logging's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        """The traceback."""
        return "\n".join(f"    {printable(line)}" for line in super().formatException(ei).splitlines())


class SharedLog(RotatingFileHandler):
    """A log file of several processes: who finds it full puts it aside, and the others follow.

    What cannot be written is lost: a full disk must not end who only wanted to say something.
    """

    def __init__(self, path: Path, largest: int = LARGEST) -> None:
        super().__init__(path, maxBytes=largest, backupCount=OLDER, encoding="utf-8", errors="replace", delay=True)
        self._turn = FileLock(path.with_name(f".{path.name}.lock"), timeout=LOCK_S)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line to the file that has the name now."""
        self._follow()
        super().emit(record)

    def doRollover(self) -> None:  # noqa: N802 - logging's name
        """Put the full file aside, if no other process has done it meanwhile."""
        with contextlib.suppress(OSError), self._turn:  # filelock's Timeout is one, too
            self._follow()
            self.stream = self.stream or self._open()
            if os.fstat(self.stream.fileno()).st_size >= self.maxBytes // 2:
                super().doRollover()

    def _follow(self) -> None:
        if self.stream is None:
            return
        with contextlib.suppress(OSError):
            ours = os.fstat(self.stream.fileno())
            try:
                named = os.stat(self.baseFilename)  # noqa: PTH116 - once for every line
            except FileNotFoundError:
                named = None
            if named is None or (named.st_dev, named.st_ino) != (ours.st_dev, ours.st_ino):
                self.stream.close()
                self.stream = None  # the next line opens it again

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Nobody is told: who would be, is the log."""
