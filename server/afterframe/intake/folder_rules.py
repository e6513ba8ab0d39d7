"""Which folders may be added: one rule for the page, the commands and config.toml."""

from __future__ import annotations

import os
from pathlib import Path

from afterframe.config import Home, WatchConfig
from afterframe.errors import ConfigError, NotAllowed, NotFound, UsageError, shortened
from afterframe.state.folder_list import FolderList
from afterframe.system.paths import (
    SHOWN,
    as_spelled,
    check_absolute,
    is_inside,
    real_path,
    spelled_inside,
    windows_oddity,
)


def addable_folder(given: str, home: Path) -> Path:
    """The real path of a folder that may be added.

    Args:
        home: Afterframe's own folder.
    Raises:
        UsageError: it is not an absolute path, or not a folder.
        NotAllowed: it is a whole disk or Afterframe's own.
    """
    real = _permitted(given, home)
    if not os.path.isdir(real):  # noqa: PTH112 - False, not an error, for a name that is too long
        raise not_a_folder(given)
    return Path(real)


def configured_folders(watch: WatchConfig, home: Home) -> list[tuple[Path, bool]]:
    """The real paths of config.toml's folders, and whether each is watched.

    A folder that is absent is listed: it may be on a drive that is not plugged in.

    Raises:
        ConfigError: one may not be added; names the file and the folder.
    """
    named = [("folders", name) for name in watch.folders] + [("allowed", name) for name in watch.allowed]
    folders = []
    for key, name in named:
        try:
            real = _permitted(absolute(name), home.root)
            if os.path.exists(real) and not os.path.isdir(real):  # noqa: PTH110, PTH112 - as above
                raise not_a_folder(name)
        except UsageError as error:
            raise ConfigError(f"{home.config}: watch.{key}: {error.message}", error.hint) from error
        folders.append((Path(real), key == "folders"))
    return folders


def known_folder(given: str, folders: FolderList) -> Path:
    """The folder of ours that a path names.

    Raises:
        UsageError: it is not an absolute path.
        NotFound: it is none of ours.
    """
    check_absolute(given)
    known = {str(folder.path) for folder in folders.all()}
    spelled = os.path.normpath(given)
    # A folder of ours may be spelled as it is kept, so that a share that is away needs no look-up.
    path = spelled if spelled in known else spelled_inside(real_path(given), known)
    if path is None or path not in known:
        raise NotFound(f"{shortened(given, SHOWN)} is not one of the folders.", "`afterframe folders` lists them.")
    return Path(path)


def absolute(given: str | Path) -> str:
    """A path as a terminal or config.toml spells it, made absolute; ``~`` is the user's own folder."""
    return str(Path(os.path.expanduser(given)).absolute())  # noqa: PTH111 - leaves the ~ of an unknown user as it is


def _permitted(given: str, home: Path) -> str:
    """The real path of what would be a permitted folder, whether it exists or not."""
    check_absolute(given)
    share = os.path.splitdrive(given)[0]
    if os.name == "nt" and (oddity := windows_oddity(given, [share])):
        raise NotAllowed(f"{shortened(given, SHOWN)} is {oddity}.", code="bad_path")
    real = real_path(given)
    if Path(real).parent == Path(real):
        raise NotAllowed(f"{given} is a whole disk.", "Name the folder that the photos are in.", code="whole_disk")
    if is_inside(real, str(home)):
        raise NotAllowed(
            f"{given} belongs to Afterframe itself.", "Name the folder that the photos are in.", code="own_folder"
        )
    return as_spelled(real)


def not_a_folder(given: str) -> UsageError:
    """The refusal of a path at which there is no folder."""
    return UsageError(
        f"{shortened(given, SHOWN)} is not a folder.", "Create it first, or name another one.", code="no_folder"
    )
