"""The folders that Afterframe knows, changed from a terminal: through the daemon where one runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from afterframe.app.client import request
from afterframe.config import Config, Home
from afterframe.errors import WrongState
from afterframe.intake.folder_rules import absolute, addable_folder, known_folder
from afterframe.state.database import Database
from afterframe.state.folder_list import Folder, FolderList
from afterframe.system.paths import real_path
from afterframe.system.runtime_files import read_daemon


class Folders:
    """The folders that are watched, and those whose photos may be requested.

    A running daemon makes the change, so that it scans at once; without one, the state file is changed here.
    """

    def __init__(self, home: Home, config: Config) -> None:
        self._home = home.make()
        self._config = config

    def listed(self) -> list[dict[str, Any]]:
        """All folders, as JSON."""
        database = Database(self._home.database)
        try:
            return [as_json(folder) for folder in FolderList(database).all()]
        finally:
            database.close()

    def add(self, folder: Path, *, watch: bool) -> None:
        """Watch a folder, or only permit requests for its photos.

        Raises:
            UsageError, NotAllowed: it is not a folder, a whole disk, or Afterframe's own.
        """
        path = absolute(folder)
        daemon = read_daemon(self._home)
        if daemon is not None:
            request(self._home, daemon, "POST", "/api/folders", {"path": path, "watch": watch})
            return
        database = Database(self._home.database)
        try:
            FolderList(database).put(addable_folder(path, self._home.root), watch=watch)
        finally:
            database.close()

    def remove(self, folder: Path) -> None:
        """Forget a folder; its photos and clips stay as they are.

        Raises:
            NotFound: Afterframe does not know it.
            WrongState: config.toml names it, so that the next start would bring it back.
        """
        path = absolute(folder)
        named = [*self._config.watch.folders, *self._config.watch.allowed]
        if real_path(path) in [real_path(absolute(name)) for name in named]:
            raise WrongState(f"{folder} is named in {self._home.config}.", "Remove it there and start again.")
        daemon = read_daemon(self._home)
        if daemon is not None:
            request(self._home, daemon, "DELETE", "/api/folders", {"path": path})
            return
        database = Database(self._home.database)
        try:
            folders = FolderList(database)
            folders.drop(known_folder(path, folders))
        finally:
            database.close()


def as_json(folder: Folder) -> dict[str, Any]:
    """A folder as the commands print it."""
    return {
        "path": str(folder.path),
        "watch": folder.watch,
        "waiting": folder.waiting,
        "missing": not folder.path.is_dir(),
    }
