"""The plugins for Lightroom Classic and darktable: where they belong, put there, upgraded, taken away.

Each gets a folder that bears our name, and nothing else in it is touched than what we put there. darktable
also needs one line in its ``luarc``, which is the user's file: that line is ours, the rest stays byte for byte.

Where the hosts look: Lightroom Classic SDK Guide ("The standard plug-ins folder"), darktable's
``src/common/file_location.c`` and the manual's chapter on Lua.
"""

from __future__ import annotations

import codecs
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from afterframe import __version__
from afterframe.config import Home
from afterframe.errors import UsageError, WrongState
from afterframe.system.files import write_file
from afterframe.system.hashing import sha256_of

MANIFEST = "installed.json"
"""What stands in the plugin's folder because of us: {"version", "files": {name: SHA-256}}."""
HOME_NOTE = "home"
"""Names AFTERFRAME_HOME for the plugin: a host started from the desktop does not see the shell's environment."""
LUARC_MARK = b"-- put here by: afterframe plugin install"
LUARC_LINE = (
    b'do local dt = require "darktable"; '
    b'local ok, why = pcall(dofile, dt.configuration.config_dir .. "/afterframe/afterframe.lua"); '
    b"if not ok then dt.print_error(tostring(why)) end end " + LUARC_MARK
)

HOSTS = ("lightroom", "darktable")
NAMES = {"lightroom": "Lightroom Classic", "darktable": "darktable"}
SOURCES = {"lightroom": "afterframe.lrplugin", "darktable": "darktable"}
FOLDERS = {"lightroom": "afterframe.lrplugin", "darktable": "afterframe"}
"""The plugin's folder inside the host's."""
FIRST_FILES = {"lightroom": "Info.lua", "darktable": "afterframe.lua"}
SIGNS = {"lightroom": b'"org.afterframe.lightroom"', "darktable": b"--- Afterframe for darktable"}
"""What stands in the first file of ours, in every version."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin in a host's folder."""

    host: str
    folder: str
    """Where it stands, or would."""
    version: str | None
    """None: it is not installed."""
    state: str
    """installed, upgraded, unchanged, removed, absent; for a look: current, outdated, absent."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def source(host: str) -> Path:
    """Where the plugin's files come with this installation: in the wheel, or in the source tree.

    Raises:
        UsageError: they did not come.
    """
    package = Path(__file__).parents[1]
    for root in (package / "lrplugin", package.parents[1] / "lrplugin"):
        if (root / SOURCES[host] / FIRST_FILES[host]).is_file():
            return root / SOURCES[host]
    raise UsageError(
        f"The plugin for {NAMES[host]} did not come with this installation.",
        "Install Afterframe again.",
        code="no_plugin",
    )


def host_folders(host: str, environ: Mapping[str, str] | None = None, system: str = sys.platform) -> list[Path]:
    """The folders in which a host looks for plugins: those that there are, else the usual one.

    Args:
        environ: the environment; this process's by default.
        system: as ``sys.platform`` names it.
    Raises:
        UsageError: this system has no such host.
    """
    environ = os.environ if environ is None else environ
    home = Path(environ.get("USERPROFILE" if system == "win32" else "HOME", "") or Path.home())
    if host == "lightroom":
        return [_lightroom_folder(environ, home, system)]
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


def _lightroom_folder(environ: Mapping[str, str], home: Path, system: str) -> Path:
    if system == "win32":
        data = Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
    elif system == "darwin":
        data = home / "Library" / "Application Support"
    else:
        raise UsageError(
            "Lightroom Classic runs on Windows and macOS only.",
            "Install there, or name the folder with --folder.",
            code="no_host",
        )
    return data / "Adobe" / "Lightroom" / "Modules"


def inspect_plugin(host: str, folder: Path) -> Plugin:
    """How the plugin stands in one of the host's folders."""
    place = folder / FOLDERS[host]
    manifest = _manifest(place)
    if manifest is None:
        return Plugin(host, str(place), None, "absent")
    wired = host != "darktable" or _is_wired(folder)
    current = wired and manifest["files"] == _shipped(source(host)) and not _changed(place, manifest)
    return Plugin(host, str(place), str(manifest["version"]), "current" if current else "outdated")


def inspect_everywhere() -> list[Plugin]:
    """How the plugins stand in all the folders of the hosts that this system can have."""
    found = []
    for host in HOSTS:
        try:
            found += [inspect_plugin(host, folder) for folder in host_folders(host)]
        except UsageError as error:
            if error.error_code != "no_host":
                raise
    return found


def install(host: str, folder: Path, home: Home) -> Plugin:
    """Put the plugin into one of the host's folders, over an earlier version of it.

    Raises:
        WrongState: something that is not ours stands there.
        UsageError: the plugin did not come with this installation, or the folder cannot be written to.
    """
    files, place = source(host), folder / FOLDERS[host]
    with _in_words(folder):
        _check_ours(host, place)
        if host == "darktable":
            _luarc(folder)  # before anything is written
        earlier = inspect_plugin(host, folder)
        fresh = not place.exists()
        try:
            _put_all(files, place, home)
            if host == "darktable":
                _change_luarc(folder, _with_our_line)
        except OSError:
            if fresh:
                shutil.rmtree(place, ignore_errors=True)
            raise
    state = {"absent": "installed", "outdated": "upgraded", "current": "unchanged"}
    return Plugin(host, str(place), __version__, state[earlier.state])


def _put_all(files: Path, place: Path, home: Home) -> None:
    shipped = _shipped(files)
    place.mkdir(parents=True, exist_ok=True)
    for name in shipped:
        _put(place / name, (files / name).read_bytes())
    for name in set(_files(_manifest(place))) - set(shipped):
        _drop(place, name)
    _put(place / HOME_NOTE, f"{home.root}\n".encode())
    _put(place / MANIFEST, json.dumps({"version": __version__, "files": shipped}, indent=1).encode())


def remove(host: str, folder: Path) -> Plugin:
    """Take away what we put into one of the host's folders; what the user added stays.

    Raises:
        WrongState: what stands there is not ours.
        UsageError: the folder cannot be written to.
    """
    place = folder / FOLDERS[host]
    with _in_words(folder):
        manifest = _manifest(place)
        if manifest or (place / FIRST_FILES[host]).is_file():
            _check_ours(host, place)
        if host == "darktable":
            _change_luarc(folder, _without_our_line)
        if manifest is None:
            return Plugin(host, str(place), None, "absent")
        for name in (*_files(manifest), HOME_NOTE, MANIFEST):
            _drop(place, name)
    return Plugin(host, str(place), None, "removed")


@contextmanager
def _in_words(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"The plugin's files in {folder} cannot be read or written: {error.strerror or error}.",
            "Name a folder that you may write to with --folder.",
            code="not_writable",
        ) from error


def _check_ours(host: str, place: Path) -> None:
    """Raise WrongState where something stands that is not ours, or that leads elsewhere."""
    subfolders = {(place / name).parent for name in (*_files(_manifest(place)), *_shipped(source(host)))}
    for folder in sorted({place, *subfolders}):
        if folder.is_symlink():
            raise WrongState(f"{folder} is a link.", "Remove it first; what it leads to stays.", code="not_ours")
    try:
        empty = not any(place.iterdir())
    except FileNotFoundError:
        return
    except NotADirectoryError:
        if not place.exists():
            raise  # a folder above it is a file
        empty = False
    first = place / FIRST_FILES[host]
    # Unpacked by hand, there is no manifest; the file that the host starts with tells whose plugin it is.
    ours = SIGNS[host] in first.read_bytes() if first.is_file() else _manifest(place) is not None
    if not (empty or ours):
        raise WrongState(
            f"{place} is there already and is not Afterframe's.", "Move it away, and try again.", code="not_ours"
        )


def _manifest(place: Path) -> dict[str, Any] | None:
    try:
        manifest = json.loads((place / MANIFEST).read_text("utf-8"))
        return manifest if isinstance(manifest["files"], dict) and manifest["version"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _files(manifest: dict[str, Any] | None) -> list[str]:
    """The names in a manifest that lie inside the plugin's folder."""
    names = [Path(name) for name in (manifest or {"files": {}})["files"]]
    return [name.as_posix() for name in names if not name.is_absolute() and ".." not in name.parts]


def _shipped(files: Path) -> dict[str, str]:
    return {
        path.relative_to(files).as_posix(): sha256_of(path)
        for path in sorted(files.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(files).parts)
    }


def _changed(place: Path, manifest: dict[str, Any]) -> bool:
    return any(
        not (place / name).is_file() or sha256_of(place / name) != manifest["files"][name] for name in _files(manifest)
    )


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, content)


def _drop(place: Path, name: str) -> None:
    """Delete a file of ours, and the folders that are empty without it."""
    path = place / name
    path.unlink(missing_ok=True)
    for folder in path.parents:
        if not folder.is_relative_to(place) or not folder.is_dir() or any(folder.iterdir()):
            return
        folder.rmdir()


def _luarc(folder: Path) -> Path:
    """darktable's luarc, or the file that it is a link to.

    Raises:
        WrongState: something that is no file stands there.
    """
    luarc = Path(os.path.realpath(folder / "luarc"))  # dotfiles are often links; a loop leads nowhere
    if luarc.is_symlink() or (luarc.exists() and not luarc.is_file()):
        raise WrongState(
            f"{folder / 'luarc'} is no file; darktable reads its Lua scripts from there.",
            "Move it away, and try again.",
            code="not_ours",
        )
    return luarc


def _is_wired(folder: Path) -> bool:
    try:
        return LUARC_LINE in _luarc(folder).read_bytes()
    except (OSError, WrongState):
        return False


def _change_luarc(folder: Path, change: Callable[[bytes], bytes]) -> None:
    """Rewrite darktable's luarc, through a link if it is one."""
    luarc = _luarc(folder)
    before = luarc.read_bytes() if luarc.is_file() else b""
    after = change(before)
    if after == before:
        return
    if not after and luarc == folder.resolve() / "luarc":
        luarc.unlink()
        return
    write_file(luarc, after)


def _with_our_line(luarc: bytes) -> bytes:
    """First, because a luarc may end with a return."""
    rest = _without_our_line(luarc)
    mark = codecs.BOM_UTF8 if rest.startswith(codecs.BOM_UTF8) else b""
    ending = b"\r\n" if b"\r\n" in rest else b"\n"
    return mark + LUARC_LINE + ending + rest.removeprefix(mark)


def _without_our_line(luarc: bytes) -> bytes:
    mark = codecs.BOM_UTF8 if luarc.startswith(codecs.BOM_UTF8) else b""
    lines = luarc.removeprefix(mark).splitlines(keepends=True)
    return mark + b"".join(line for line in lines if LUARC_MARK not in line)
