"""The programs that load a plugin of ours, and the folders in which they look for one.

Lightroom Classic SDK Guide ("The standard plug-ins folder"); darktable's ``src/common/file_location.c`` and the
chapter on Lua in its manual.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from afterframe.errors import UsageError


@dataclass(frozen=True, slots=True)
class PluginHost:
    """A program that loads a plugin of ours."""

    title: str
    source: str
    """The folder of the plugin's files in `lrplugin`."""
    folder: str
    """The plugin's folder inside the host's."""
    entry_file: str
    """The file that the host loads first."""
    signature: bytes
    """What that file contains in every version of ours."""


HOSTS = {
    "lightroom": PluginHost(
        title="Lightroom Classic",
        source="afterframe.lrplugin",
        folder="afterframe.lrplugin",
        entry_file="Info.lua",
        signature=b'"org.afterframe.lightroom"',
    ),
    "darktable": PluginHost(
        title="darktable",
        source="darktable",
        folder="afterframe",
        entry_file="afterframe.lua",
        signature=b"--- Afterframe for darktable",
    ),
}
"""By the names that commands take."""


def host_folders(host: str, environ: Mapping[str, str] | None = None, system: str = sys.platform) -> list[Path]:
    """The folders in which a host looks for plugins: those that exist, else the usual one.

    Args:
        host: a key of HOSTS.
        environ: the environment; this process's by default.
        system: as ``sys.platform`` names it.
    Raises:
        UsageError: this system has no such host.
    """
    environ = os.environ if environ is None else environ
    home = Path(environ.get("USERPROFILE" if system == "win32" else "HOME", "") or Path.home())
    if host == "lightroom":
        return [_lightroom_folder(environ, home, system)]
    return _darktable_folders(environ, home, system)


def _lightroom_folder(environ: Mapping[str, str], home: Path, system: str) -> Path:
    if system == "win32":
        data = Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
    elif system == "darwin":
        data = home / "Library" / "Application Support"
    else:
        raise UsageError(
            "Lightroom Classic runs on Windows and macOS only.",
            "Install the plugin there, or name a folder with --folder.",
            code="no_host",
        )
    return data / "Adobe" / "Lightroom" / "Modules"


def _darktable_folders(environ: Mapping[str, str], home: Path, system: str) -> list[Path]:
    if system == "win32":
        return [Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "darktable"]
    usual = home / ".config" / "darktable"
    if system == "darwin":
        return [usual]
    usual = Path(environ.get("XDG_CONFIG_HOME") or usual.parent) / "darktable"
    packaged = [
        home / ".var" / "app" / "org.darktable.Darktable" / "config" / "darktable",  # Flatpak
        home / "snap" / "darktable" / "current" / ".config" / "darktable",
    ]
    return [folder for folder in (usual, *packaged) if folder.is_dir()] or [usual]
