"""Where log lines go: a file of bounded size, and the terminal for what matters."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def to_file(path: Path, level: int = logging.INFO) -> None:
    """Send this process's log lines to a file of at most 3 x 2 MB."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=2_000_000, backupCount=2, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(FORM))
    root = logging.getLogger("afterframe")
    root.addHandler(handler)
    root.setLevel(level)
