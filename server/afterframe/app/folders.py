"""The folders that Afterframe knows, changed from a terminal: through the daemon where one runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from afterframe.app.client import ask
from afterframe.config import Config, Home
from afterframe.errors import WrongState
from afterframe.state.database import Database
from afterframe.state.folder_list import Folder, FolderList
from afterframe.system.runtime_files import read_daemon
from afterframe.web.api.folders import existing_folder, known_folder


class Folders:
    """What is watched, and from where photos may be asked for.

    A running daemon is told, so that it looks at once; else the state file is changed.
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
            UsageError, NotAllowed: it is no folder, a whole disk, or our own.
        """
        path = str(folder.expanduser().absolute())
        daemon = read_daemon(self._home)
        if daemon is not None:
            ask(self._home, daemon, "POST", "/api/folders", {"path": path, "watch": watch})
            return
        database = Database(self._home.database)
        try:
            FolderList(database).put(existing_folder(path, self._home.root), watch=watch)
        finally:
            database.close()

    def remove(self, folder: Path) -> None:
        """Forget a folder; its photos and clips stay as they are.

        Raises:
            NotFound: it is none of ours.
            WrongState: config.toml names it, so that the next start would bring it back.
        """
        path = folder.expanduser().absolute()
        named = [*self._config.watch.folders, *self._config.watch.allowed]
        if path.resolve() in [Path(name).expanduser().resolve() for name in named]:
            raise WrongState(f"{folder} stands in {self._home.config}.", "Take it out there and start again.")
        daemon = read_daemon(self._home)
        if daemon is not None:
            ask(self._home, daemon, "DELETE", "/api/folders", {"path": str(path)})
            return
        database = Database(self._home.database)
        try:
            folders = FolderList(database)
            folders.drop(known_folder(str(path), folders))
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
