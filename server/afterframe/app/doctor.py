"""Is everything here that Afterframe needs? Each check says what it found and what to do about it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from afterframe.config import Config, Home, Settings, read_config
from afterframe.encode.process import Encoding, version
from afterframe.errors import AfterframeError, ConfigError
from afterframe.generators import registry
from afterframe.intake.folder_rules import configured_folders
from afterframe.publish.folder_check import check_folder
from afterframe.state.damage import damaged, explained
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList
from afterframe.state.held_folders import HeldFolders
from afterframe.state.migrations import copies_of
from afterframe.system.runtime_files import read_daemon


@dataclass(frozen=True, slots=True)
class Check:
    """One answer."""

    name: str
    ok: bool
    detail: str
    hint: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def examine(home: Home) -> list[Check]:
    """Run every check. None changes a setting or a photo; a state file of an earlier version is brought up to date."""
    checks: list[tuple[str, Callable[[Home], tuple[str, str]]]] = [
        ("Python", _python),
        ("settings", _settings),
        ("state", _state),
        ("ffmpeg", _ffmpeg),
        ("generators", _generators),
        ("eyes", _eyes),
        ("servers", _servers),
        ("disk", _disk),
        ("folders", _folders),
        ("logs", _logs),
        ("daemon", _daemon),
    ]
    return [_run(name, check, home) for name, check in checks]


def _run(name: str, check: Callable[[Home], tuple[str, str]], home: Home) -> Check:
    try:
        detail, hint = check(home)
    except AfterframeError as error:
        return Check(name, ok=False, detail=error.message, hint=error.hint)
    except sqlite3.Error as error:
        told = explained(error, home.database)
        return Check(name, ok=False, detail=told.message, hint=told.hint)
    except OSError as error:
        return Check(name, ok=False, detail=str(error), hint=f"Check {home.root}.")
    return Check(name, ok=True, detail=detail, hint=hint)


def _python(_: Home) -> tuple[str, str]:
    return f"{sys.version.split()[0]} on {sys.platform}", ""


def _settings(home: Home) -> tuple[str, str]:
    configured_folders(read_config(home.config).watch, home)
    return (str(home.config), "") if home.config.exists() else (f"defaults ({home.config} does not exist)", "")


def _state(home: Home) -> tuple[str, str]:
    if not home.root.exists():
        return f"{home.root} will be created at the first start", ""
    with tempfile.TemporaryFile(dir=home.root):
        pass
    if home.database.exists():
        with closing(Database(home.database)) as database:
            answer = database.quick_check()
        if answer != "ok":
            raise damaged(home.database, answer)
    copies = ", ".join(copy.name for copy in copies_of(home.database))
    return f"{home.root}{f'; kept of earlier versions: {copies}' if copies else ''}", ""


def _config(home: Home) -> Config:
    """The settings; the defaults where they cannot be read, which a check of its own reports."""
    try:
        return read_config(home.config)
    except ConfigError:
        return Config()


def _ffmpeg(home: Home) -> tuple[str, str]:
    encoding = Encoding(_config(home).render.ffmpeg)
    return f"{version(encoding)} ({encoding.program})", ""


def _generators(home: Home) -> tuple[str, str]:
    settings = Settings(home, _config(home))
    wanted = settings.config.render.generator
    meant = registry.resolve(wanted, settings)
    used = f"“{wanted}” is used" if wanted == meant else f"“{wanted}” means {meant} here"
    return f"{', '.join(registry.available())}; {used}", registry.advice(meant, settings)


def _eyes(home: Home) -> tuple[str, str]:
    """Which nets look at photos."""
    from afterframe.vision import load_detectors

    folder = Settings(home, _config(home)).detectors
    nets = load_detectors(folder)
    if nets.rejected:
        raise AfterframeError(
            f"{folder}: {'; '.join(nets.rejected)}.", "Delete it; `afterframe models pull detectors`."
        )
    named = [f"faces by {nets.faces.name}" if nets.faces else "faces by OpenCV's cascades"]
    named += [f"people and things by {nets.objects.name}" if nets.objects else "people and things not seen"]
    return f"{', '.join(named)} ({folder})", "" if nets.complete else "`afterframe models pull detectors` fetches 4 MB."


def _servers(home: Home) -> tuple[str, str]:
    endpoints = _config(home).remote.endpoints
    if not endpoints:
        return "none named", ""
    from afterframe.generators.remote.generator import check_endpoints, keeping

    found = check_endpoints(endpoints)
    if unreachable := {title: why for title, why in found.items() if why}:
        raise AfterframeError(
            "; ".join(f"{title}: {why}" for title, why in unreachable.items()) + ".",
            "Start it, or correct [[remote.endpoints]] in config.toml.",
        )
    answers = f"{', '.join(found)} answer" if len(found) > 1 else f"{next(iter(found))} answers"
    kept = ", ".join(keeping(endpoints))
    return answers, kept and f"Photos and clips stay in the folders of {kept}; docs/studio.md says where."


def _disk(home: Home) -> tuple[str, str]:
    existing = next(folder for folder in (home.root, *home.root.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if free < 1 << 30:
        raise AfterframeError(f"Only {free >> 20} MB are free on the disk of {home.root}.", "Free some space.")
    return f"{free / (1 << 30):.0f} GB free, {os.cpu_count()} CPU cores", ""


def _folders(home: Home) -> tuple[str, str]:
    """Whether clips can be written where photos arrive."""
    if not home.database.exists():
        return "none yet", ""
    try:
        with closing(Database(home.database)) as database:
            folders, held = FolderList(database).all(), HeldFolders(database).all()
    except (AfterframeError, sqlite3.Error):
        return "not known; see state", ""
    away = [str(folder.path) for folder in folders if not folder.path.is_dir()]
    told = {f"{folder.error.message}{_waiting(folder.renders)}": folder.error.hint for folder in held}
    known = {folder.path for folder in held}
    for folder in folders:
        if folder.path.is_dir() and folder.path not in known:
            told |= _fault(folder.path)
    if told:
        raise AfterframeError(" ".join(told), " ".join(dict.fromkeys(told.values())))
    named = f"{len(folders)} known" if folders else "none yet"
    if away:
        return f"{named}; not there now: {', '.join(away)}.", "It is watched again once its drive is back."
    return named, ""


def _waiting(renders: int) -> str:
    return "" if not renders else " 1 render waits." if renders == 1 else f" {renders} renders wait."


def _fault(folder: Path) -> dict[str, str]:
    """What is wrong with a folder -> what to do; empty: nothing."""
    try:
        check_folder(folder)
    except AfterframeError as error:
        return {error.message: error.hint}
    return {}


def _logs(home: Home) -> tuple[str, str]:
    files = sorted(home.logs.glob("*.log*"))
    with tempfile.TemporaryFile(dir=home.logs if home.logs.is_dir() else None):
        pass
    size = sum(file.stat().st_size for file in files if file.is_file())
    return f"{home.logs} ({size / 1e6:.1f} MB)", ""


def _daemon(home: Home) -> tuple[str, str]:
    daemon = read_daemon(home)
    if daemon is None:
        return "not running", "`afterframe serve` starts it."
    return f"running at {daemon['url']} (process {daemon['pid']})", ""
