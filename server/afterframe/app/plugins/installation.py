"""Plugins installed, upgraded, removed and inspected.

Each gets a folder that bears our name; in it, only the files that we put there are touched.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from afterframe import __version__
from afterframe.app.plugins import luarc
from afterframe.app.plugins.hosts import HOSTS, host_folders
from afterframe.app.plugins.source import checksums, plugin_files
from afterframe.app.plugins.store_python import redirected
from afterframe.config import Home
from afterframe.errors import UsageError, WrongState
from afterframe.system.files import write_file
from afterframe.system.hashing import sha256_of

MANIFEST = "installed.json"
"""What we put into the plugin's folder: {"version", "files": {name: SHA-256}}."""
LOG = "afterframe.log"
"""Written by the plugin itself."""
HOME_NOTE = "home"
"""Names AFTERFRAME_HOME for the plugin: a host started from the desktop does not see the shell's environment."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin in one of its host's folders."""

    host: str
    folder: str
    """Where it is, or would be."""
    version: str | None
    """None: it is not installed."""
    state: str
    """installed, upgraded, unchanged, removed, absent; when inspected: current, outdated, absent."""
    redirected: str | None = None
    """Where it really lies, unseen by the host, when Windows redirects what this Python writes."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def inspect_plugin(host: str, folder: Path) -> Plugin:
    """Whether the plugin is installed and up to date in one of the host's folders."""
    target = folder / HOSTS[host].folder
    manifest = _read_manifest(target)
    if manifest is None:
        return Plugin(host, str(target), None, "absent")
    started = host != "darktable" or luarc.has_line(folder)
    current = started and manifest["files"] == checksums(host) and not _is_modified(target, manifest)
    version = str(manifest["version"])
    return Plugin(host, str(target), version, "current" if current else "outdated", redirected(str(target)))


def inspect_everywhere() -> list[Plugin]:
    """The plugins in all the folders of the hosts that this system can have."""
    found = []
    for host in HOSTS:
        try:
            found += [inspect_plugin(host, folder) for folder in host_folders(host)]
        except UsageError as error:
            if error.error_code != "no_host":
                raise
    return found


def install(host: str, folder: Path, home: Home) -> Plugin:
    """Install the plugin in one of the host's folders, over an earlier version of it.

    Raises:
        WrongState: something that is not ours is in its place.
        UsageError: the plugin did not come with this installation, or the folder cannot be written to.
    """
    plugin_files(host)  # raises before anything is looked at
    target = folder / HOSTS[host].folder
    with _reported(folder):
        _check_ours(host, target)
        if host == "darktable":
            luarc.luarc_of(folder)  # before anything is written
        earlier = inspect_plugin(host, folder)
        fresh = not target.exists()
        try:
            _write_files(host, target, home)
            if host == "darktable":
                luarc.add_line(folder)
        except OSError:
            if fresh:
                shutil.rmtree(target, ignore_errors=True)
            raise
    state = {"absent": "installed", "outdated": "upgraded", "current": "unchanged"}
    return Plugin(host, str(target), __version__, state[earlier.state], redirected(str(target)))


def remove(host: str, folder: Path) -> Plugin:
    """Remove what we put into one of the host's folders; what the user added stays.

    Raises:
        WrongState: the plugin in its place is not ours.
        UsageError: the folder cannot be written to.
    """
    target = folder / HOSTS[host].folder
    with _reported(folder):
        manifest = _read_manifest(target)
        if manifest or (target / HOSTS[host].entry_file).is_file():
            _check_ours(host, target)
        if host == "darktable":
            luarc.remove_line(folder)
        if manifest is None:
            return Plugin(host, str(target), None, "absent")
        for name in (*_names(manifest), HOME_NOTE, LOG, MANIFEST):
            _delete(target, name)
    return Plugin(host, str(target), None, "removed")


@contextmanager
def _reported(folder: Path) -> Iterator[None]:
    """Turn errors of the file system into ours."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"The plugin's files in {folder} cannot be read or written: {error.strerror or error}.",
            "Name a folder that you may write to with --folder.",
            code="not_writable",
        ) from error


def _write_files(host: str, target: Path, home: Home) -> None:
    shipped = checksums(host)
    target.mkdir(parents=True, exist_ok=True)
    # Old files go first: two names that differ in case alone may be one file.
    for name in set(_names(_read_manifest(target))) - set(shipped):
        _delete(target, name)
    for name, path in plugin_files(host).items():
        _write(target / name, path.read_bytes())
    _write(target / HOME_NOTE, f"{home.root}\n".encode())
    _write(target / MANIFEST, json.dumps({"version": __version__, "files": shipped}, indent=1).encode())


def _check_ours(host: str, target: Path) -> None:
    """Raise WrongState when the plugin's folder is a link or holds something that is not ours."""
    subfolders = {(target / name).parent for name in (*_names(_read_manifest(target)), *plugin_files(host))}
    for folder in sorted({target, *subfolders}):
        if folder.is_symlink():
            raise WrongState(f"{folder} is a link.", "Remove the link first; what it leads to stays.", code="not_ours")
    if not (_is_empty(target) or _is_ours(host, target)):
        raise WrongState(
            f"{target} already exists and is not Afterframe's.", "Move it away, and try again.", code="not_ours"
        )


def _is_empty(target: Path) -> bool:
    try:
        return not any(target.iterdir())
    except FileNotFoundError:
        return True
    except NotADirectoryError:
        if not target.exists():
            raise  # a folder above it is a file
        return False


def _is_ours(host: str, target: Path) -> bool:
    """Unpacked by hand, it has no manifest: the file that the host loads first tells whose plugin it is."""
    entry = target / HOSTS[host].entry_file
    return HOSTS[host].signature in entry.read_bytes() if entry.is_file() else _read_manifest(target) is not None


def _read_manifest(target: Path) -> dict[str, Any] | None:
    try:
        manifest = json.loads((target / MANIFEST).read_text("utf-8"))
        return manifest if isinstance(manifest["files"], dict) and manifest["version"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _names(manifest: dict[str, Any] | None) -> list[str]:
    """The files that a manifest lists inside the plugin's folder."""
    names = [Path(name) for name in (manifest or {"files": {}})["files"]]
    return [name.as_posix() for name in names if not name.is_absolute() and ".." not in name.parts]


def _is_modified(target: Path, manifest: dict[str, Any]) -> bool:
    return any(
        not (target / name).is_file() or sha256_of(target / name) != manifest["files"][name]
        for name in _names(manifest)
    )


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, content)


def _delete(target: Path, name: str) -> None:
    """Delete a file of ours, and the folders that are empty without it."""
    path = target / name
    path.unlink(missing_ok=True)
    for folder in path.parents:
        if not folder.is_relative_to(target) or not folder.is_dir() or any(folder.iterdir()):
            return
        folder.rmdir()
