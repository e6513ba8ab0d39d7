"""The commands in hints and on pages, spelled so that they work as they stand on this machine."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path


def program(near: Path | None = None) -> str:
    """`afterframe` if the terminal finds this installation by that name, otherwise its path.

    Args:
        near: the folder that the terminal is in; the path of a program below it is relative.
    """
    script = Path(sys.executable).with_name("afterframe.exe" if os.name == "nt" else "afterframe")
    found = shutil.which("afterframe")
    if not script.is_file() or (found and Path(found).resolve() == script.resolve()):
        return "afterframe"
    if near is not None and script.is_relative_to(near):
        script = script.relative_to(near)
    return _quoted(str(script))


def _quoted(*words: str) -> str:
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def pip_install(*wanted: str) -> str:
    """The command, in backquotes, that installs packages into the Python that runs this."""
    return f"`{_quoted(sys.executable, '-m', 'pip', 'install', *wanted)}`"


def install_extra(extra: str) -> str:
    """The remedy if packages of one of our extras are missing.

    It names the source of this installation: Afterframe is not on PyPI, where anybody could take its name.
    """
    root = Path(__file__).resolve().parents[3]
    if (root / "pyproject.toml").is_file():
        return f"Install them: {pip_install('-e', f'{root}[{extra}]')}"
    return f"Install the wheel that Afterframe came in again, with its extra: {pip_install(f'WHEEL[{extra}]')}"


def spelled(text: str, near: Path | None = None) -> str:
    """A text with its commands (in backquotes) as they can be typed here."""
    return text.replace("`afterframe ", f"`{program(near)} ") if "`afterframe " in text else text
