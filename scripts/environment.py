"""The project's own `.venv`: made, filled, found. Pure standard library; any Python 3 can read it."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections import deque
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
"""Photos, sidecars and nets to measure with lie here, if anywhere."""
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "afterframe-installed"
"""Says what was installed; while that is enough, nothing needs to be done."""
OLDEST = (3, 11)


def say(text: str) -> None:
    """Tell the user what happens, at once."""
    print(text, flush=True)


def require_python() -> None:
    """End with a clear message where this Python is too old or cannot make a virtual environment."""
    if sys.version_info < OLDEST:
        running = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"Afterframe needs Python 3.11 or newer; this is {running}. See https://www.python.org/downloads/")
    if not _works() and (not importlib.util.find_spec("venv") or not importlib.util.find_spec("ensurepip")):
        sys.exit("Python's venv module is missing. On Debian and Ubuntu: apt install python3-venv")


def install(extras: list[str], packages: list[str] | None = None) -> None:
    """Make `.venv` and install the project into it, editable; quick when nothing changed.

    Args:
        extras: the project's optional dependencies to install.
        packages: further requirements.
    Raises:
        SystemExit: pip failed; its last words were printed.
    """
    wanted = {f"[{extra}]" for extra in extras} | set(packages or [])
    there = _installed() if _works() else None
    if there is not None and wanted <= there:
        return
    if not _works():
        say(f"Making {VENV.name} ...")
        shutil.rmtree(VENV, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    say("Installing what Afterframe needs (a few minutes the first time) ...")
    project = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
    _pip("install", "--editable", project, *(packages or []))
    STAMP.write_text("\n".join([_base(), *sorted(wanted | (there or set()))]), "utf-8")


def module_runs(*arguments: str) -> subprocess.Popen[bytes]:
    """Start `.venv`'s Python with these arguments, in the project's folder."""
    return subprocess.Popen([str(PYTHON), *arguments])


def use_venv() -> None:
    """Go on in `.venv`'s Python when this one has not got the project installed."""
    if importlib.util.find_spec("afterframe") is None:
        if Path(sys.prefix).resolve() == VENV or not _works():
            sys.exit("Nothing is installed yet: run scripts/start.py or scripts/test.py first.")
        sys.exit(subprocess.run([str(PYTHON), *sys.argv], check=False).returncode)


def _works() -> bool:
    """Whether `.venv` has a Python that starts; not so after an upgrade of the system's."""
    if not PYTHON.exists():
        return False
    try:
        return subprocess.run([str(PYTHON), "-c", "import pip"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _base() -> str:
    """What every installation depends on: the project's file, where it lies, and the Python."""
    digest = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    return f"{digest} {ROOT} {sys.version}".replace("\n", " ")


def _installed() -> set[str] | None:
    """The extras and packages that were installed; None when the project itself has to be, again."""
    if not STAMP.is_file():
        return None
    base, *rest = STAMP.read_text("utf-8").split("\n")
    return set(rest) if base == _base() else None


def _pip(*arguments: str) -> None:
    """Run pip; on a terminal, one line shows what it is at. Its words are kept for the case of failure."""
    command = [str(PYTHON), "-m", "pip", *arguments, "--disable-pip-version-check", "--no-input"]
    last: deque[str] = deque(maxlen=30)
    shows = sys.stdout.isatty()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last.append(line)
            if shows and line.startswith(("Collecting", "Downloading", "Installing")):
                print(f"\r\033[K  {line.strip()[:76]}", end="", flush=True)
    if shows:
        print("\r\033[K", end="", flush=True)
    if process.returncode != 0:
        print("".join(last), file=sys.stderr)
        sys.exit("pip could not install the packages; its last words are above.")
