"""How the user starts `afterframe` in a terminal: hints and pages name a command that works as it stands."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path


def program(near: Path | None = None) -> str:
    """`afterframe` where the terminal finds this installation by that name, else the way to it.

    Args:
        near: the folder that the terminal is in; below it the way is given from there.
    """
    script = Path(sys.executable).with_name("afterframe.exe" if os.name == "nt" else "afterframe")
    found = shutil.which("afterframe")
    if not script.is_file() or (found and Path(found).resolve() == script.resolve()):
        return "afterframe"
    if near is not None and script.is_relative_to(near):
        script = script.relative_to(near)
    return subprocess.list2cmdline([str(script)]) if os.name == "nt" else shlex.quote(str(script))


def spelt(text: str, near: Path | None = None) -> str:
    """A text whose commands (in backquotes) can be typed as they stand here."""
    return text.replace("`afterframe ", f"`{program(near)} ") if "`afterframe " in text else text
