"""What the web routes need from the rest of the daemon."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from afterframe.config import Config, Home, Settings
from afterframe.intake.ingest import Ingest
from afterframe.render.drafts import DraftMaker
from afterframe.render.pictures import PictureMaker
from afterframe.state.answers import Answers
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList
from afterframe.state.queue import Queue


@dataclass(frozen=True, slots=True)
class Services:
    """The daemon's parts, as the routes see them."""

    settings: Settings
    database: Database
    catalog: Catalog
    folders: FolderList
    answers: Answers
    queue: Queue
    ingest: Ingest
    pictures: PictureMaker
    drafts: DraftMaker
    token: str
    """The secret that plugins send."""
    folders_changed: Callable[[], None]
    """To be called after a folder was added, changed or dropped."""
    rescan: Callable[[Path], None]
    """Looks a watched folder through now."""
    stopping: threading.Event
    """Set when the daemon ends: event streams must end too."""

    @property
    def home(self) -> Home:
        """Afterframe's own folder."""
        return self.settings.home

    @property
    def config(self) -> Config:
        """What config.toml says, as it was last read."""
        return self.settings.config
