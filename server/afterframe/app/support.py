"""A zip for whoever is asked for help: settings, logs, what doctor says, counts. Never a secret, never a photo."""

from __future__ import annotations

import json
import os
import platform
import re
import sqlite3
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from afterframe import __version__
from afterframe.app.doctor import examine
from afterframe.config import Config, Home, read_config
from afterframe.domain import JobState
from afterframe.errors import AfterframeError
from afterframe.formats import strict_json
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList
from afterframe.state.held_folders import HeldFolders
from afterframe.state.queue import Queue
from afterframe.system.files import replacing

REMOVED = "(removed)"
MOST_PROBLEMS = 50
"""Failed renders and refused photos that are told, of each."""
SECRETS = (
    re.compile(r"(?i)(?<=bearer )\S+"),
    re.compile(r"(?i)(?<=[?&]code=)[\w.-]+"),
    re.compile(r"(?i)(?<=[?&]key=)[\w.-]+"),
    re.compile(r"(?<=://)[^/\s@\"']+(?=@)"),
    re.compile(r"\b(?:hf_|sk-|xox[a-z]-|gh[a-z]_)[\w-]{8,}"),
)
"""What looks like a secret wherever it stands."""
SECRET_SETTING = re.compile(
    r"""(?ix)
    (?P<name>
        (?<![\w.-]) [\w.-]* (?:token|secret|passwd|password|passphrase|key|authorization|credential) s? ["']? \s* = \s*
    )
    (?: \"{3} .*? \"{3} | \'{3} .*? \'{3} | "(?:\\.|[^"\\\n])*" | '[^'\n]*' | \[ [^\]]* \] | [^\s,;&{}\[\]"']+ )""",
    re.DOTALL,
)
"""A setting, a part of an inline table or of an address, that somebody put a secret into: its name stays."""


def write_support(home: Home, target: Path, *, shorten_paths: bool) -> list[str]:
    """Write the zip.

    Args:
        shorten_paths: names of folders are replaced by numbers, the user's own folder by ~.
    Returns:
        The names of what it holds.
    Raises:
        AfterframeError: it cannot be written.
    """
    clean = _cleaner(home, shorten_paths=shorten_paths)
    try:
        with replacing(target) as part:
            part.touch(0o600)
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as packed:
                for name, text in _contents(home):
                    packed.writestr(name, clean(text))
                names = packed.namelist()
    except OSError as error:
        why = error.strerror or str(error)
        raise AfterframeError(f"{target} cannot be written: {why}.", "Choose another place.", code="output") from error
    return names


def _contents(home: Home) -> list[tuple[str, str]]:
    checks = [check.to_dict() for check in examine(home)]
    found = [
        ("about.json", strict_json.dumps(_about(home), indent=1, ensure_ascii=False)),
        ("doctor.json", strict_json.dumps(checks, indent=1, ensure_ascii=False)),
        ("state.json", strict_json.dumps(_state(home), indent=1, ensure_ascii=False)),
    ]
    if (settings := _text(home.config)) is not None:
        found.append((home.config.name, _without_secrets(settings)))
    logs = [file for file in sorted(home.logs.glob("*.log*")) if file.is_file()]
    return found + [(file.name, _without_secrets(_text(file) or "")) for file in logs]


def _without_secrets(text: str) -> str:
    return SECRET_SETTING.sub(rf"\g<name>{REMOVED}", text)


def _text(file: Path) -> str | None:
    try:
        return file.read_text("utf-8", "replace") if file.is_file() else None
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _about(home: Home) -> dict[str, Any]:
    return {
        "afterframe": __version__,
        "python": sys.version,
        "system": platform.platform(),
        "cpu_cores": os.cpu_count(),
        "written_at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "home": str(home.root),
        "files": {file.name: file.stat().st_size for file in sorted(home.root.glob("*")) if file.is_file()},
        "packages": _packages(),
    }


def _packages() -> dict[str, str]:
    """The versions of the packages that Afterframe may use, as far as they are installed."""
    found = {}
    for wanted in requires("afterframe") or []:
        name = re.split(r"[^\w.-]", wanted, maxsplit=1)[0]
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _state(home: Home) -> dict[str, Any]:
    """Counts, folders, and what went wrong lately; why not, where the state file cannot be read."""
    if not home.database.exists():
        return {}
    try:
        with closing(Database(home.database)) as database:
            queue, catalog = Queue(database), Catalog(database)
            failed, _ = queue.page(states=[JobState.FAILED], limit=MOST_PROBLEMS)
            return {
                "renders": queue.counts(),
                "paused": queue.paused,
                "folders": [{"path": str(f.path), "watch": f.watch} for f in FolderList(database).all()],
                "held_folders": [folder.to_dict() for folder in HeldFolders(database).all()],
                "failed": [{"photo": job.photo_path, "error": job.error and job.error.to_dict()} for job in failed],
                "refused": [{"photo": path, "error": why.to_dict()} for path, why in catalog.problems(MOST_PROBLEMS)],
            }
    except (AfterframeError, sqlite3.Error) as error:
        return {"error": str(error)}


# -- what must not be in it ----------------------------------------------------------------------


def _cleaner(home: Home, *, shorten_paths: bool) -> Callable[[str], str]:
    shortened = _short_paths(home) if shorten_paths else {}
    secrets = _known_secrets(home)

    def clean(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, REMOVED)
        for pattern in SECRETS:
            text = pattern.sub(REMOVED, text)
        for path in sorted(shortened, key=len, reverse=True):
            for spelled in {path, json.dumps(path)[1:-1]}:
                text = text.replace(spelled, shortened[path])
            text = text.replace(f"“{Path(path).name}”", shortened[path])  # as messages name a folder
        return text

    return clean


def _known_secrets(home: Home) -> list[str]:
    """The token, and the keys of the servers that config.toml names."""
    config = Config()
    with suppress(AfterframeError):
        config = read_config(home.config)
    endpoints = config.remote.endpoints
    files = [home.token, *(Path(e.key_file).expanduser() for e in endpoints if e.key_file)]
    found = [(_text(file) or "").strip() for file in files]
    found += [os.environ.get(e.key_env, "").strip() for e in endpoints if e.key_env]
    return [secret for secret in found if len(secret) >= 4]


def _short_paths(home: Home) -> Mapping[str, str]:
    """Path -> what stands for it."""
    found = {str(Path.home()): "~", sys.prefix: "(installation)", str(home.root): "(Afterframe's folder)"}
    with suppress(AfterframeError, sqlite3.Error, OSError):
        if home.database.exists():
            with closing(Database(home.database)) as database:
                catalog = Catalog(database)
                for number, folder in enumerate(FolderList(database).all(), start=1):
                    found[str(folder.path)] = f"(folder {number})"
                    for inner, path in enumerate(_folders_below(folder.path, catalog.stamps(folder.path)), start=1):
                        found[str(path)] = f"(folder {number}.{inner})"
    return found


def _folders_below(root: Path, photos: Iterable[str]) -> list[Path]:
    """The folders under a root that hold photos, or folders with photos."""
    holding = {Path(photo).parent for photo in photos}
    every = {folder for held in holding for folder in (held, *held.parents)}
    return sorted(folder for folder in every if root in folder.parents)
