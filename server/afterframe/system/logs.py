"""The log file of a process, bounded in size."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def to_file(path: Path, level: int = logging.INFO) -> None:
    """Write this process's log lines to a file, and keep two older ones: at most 2 MB each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=2_000_000, backupCount=2, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(FORMAT))
    root = logging.getLogger("afterframe")
    root.addHandler(handler)
    root.setLevel(level)
