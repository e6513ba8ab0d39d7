"""Small private files in AFTERFRAME_HOME: the token, and daemon.json and program.json, with which plugins find or start
the daemon."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from afterframe import __version__
from afterframe.config import Home
from afterframe.system.files import write_file
from afterframe.system.locks import DAEMON_LOCK, is_held


def make_token(home: Home) -> str:
    """The secret that plugins send. It is made once."""
    with contextlib.suppress(FileNotFoundError):
        token = home.token.read_text("ascii").strip()
        if len(token) >= 32:
            return token
    token = secrets.token_urlsafe(32)
    write_file(home.token, f"{token}\n".encode(), private=True)
    return token


def write_daemon(home: Home, url: str) -> None:
    """Record where the daemon answers, and how to start it when it does not run."""
    _write(home.program, {"command": [sys.executable, "-m", "afterframe"]})
    _write(home.daemon, {"url": url, "pid": os.getpid(), "version": __version__})


def _write(path: Path, data: Mapping[str, object]) -> None:
    write_file(path, json.dumps(data).encode(), private=True)


def read_daemon(home: Home) -> dict[str, Any] | None:
    """{url, pid, version} of the daemon that runs on this home; None: none does.

    A daemon that was killed leaves its file behind: its lock decides.
    """
    if not home.daemon.exists() or not is_held(home.root / DAEMON_LOCK):
        return None
    try:
        data: dict[str, Any] = json.loads(home.daemon.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return data
