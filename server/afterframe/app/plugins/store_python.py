"""Python from the Microsoft Store: Windows lets it write into AppData, but puts the files elsewhere.

A packaged program sees its own files under AppData as if they lay there; every other program finds nothing (Microsoft,
"Understanding how packaged desktop apps run on Windows", section "AppData operations").
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import PureWindowsPath

_PACKAGE = re.compile(r"[\\/]WindowsApps[\\/]([^\\/_]+)_[^\\/]*_([0-9a-z]{13})(?:[\\/]|$)", re.IGNORECASE)
"""A package's full name: name, version, architecture, resource and publisher, joined by "_"."""
_KEPT_AS = {"LOCALAPPDATA": "Local", "APPDATA": "Roaming"}


def redirected(folder: str, environ: Mapping[str, str] | None = None, prefix: str = sys.base_prefix) -> str | None:
    """Where a folder really lies that this Python made; None: where it seems to.

    Args:
        folder: a whole path.
        environ: the environment; this process's by default.
        prefix: where this Python is installed, its virtual environment aside.
    """
    environ = os.environ if environ is None else environ
    package = _PACKAGE.search(prefix)
    if package is None or not environ.get("LOCALAPPDATA"):
        return None
    cache = PureWindowsPath(environ["LOCALAPPDATA"], "Packages", f"{package[1]}_{package[2]}", "LocalCache")
    for variable, name in _KEPT_AS.items():
        data = PureWindowsPath(environ.get(variable) or "?")
        if PureWindowsPath(folder).is_relative_to(data):
            return str(cache / name / PureWindowsPath(folder).relative_to(data))
    return None
