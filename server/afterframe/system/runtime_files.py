"""Small private files in our home: the token; daemon.json and program.json, by which others find a
running daemon, or start one."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

from afterframe import __version__
from afterframe.config import Home
from afterframe.system.locks import DAEMON_LOCK, is_held


def write_privately(path: Path, text: str) -> None:
    """Write a file that the user alone can read, so that nobody ever sees half of it."""
    part = path.with_name(f".{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    part.replace(path)


def make_token(home: Home) -> str:
    """The secret that plugins send, made once."""
    with contextlib.suppress(FileNotFoundError):
        token = home.token.read_text("ascii").strip()
        if len(token) >= 32:
            return token
    token = secrets.token_urlsafe(32)
    write_privately(home.token, token + "\n")
    return token


def write_daemon(home: Home, url: str) -> None:
    """Tell others where the daemon answers, and how to start it when it does not."""
    write_privately(home.program, json.dumps({"command": [sys.executable, "-m", "afterframe"]}))
    write_privately(home.daemon, json.dumps({"url": url, "pid": os.getpid(), "version": __version__}))


def read_daemon(home: Home) -> dict[str, Any] | None:
    """{url, pid, version} of the daemon that runs on this home; None when none does.

    A daemon that was killed leaves its file behind, so its lock decides.
    """
    if not home.daemon.exists() or not is_held(home.root / DAEMON_LOCK):
        return None
    try:
        data: dict[str, Any] = json.loads(home.daemon.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return data
