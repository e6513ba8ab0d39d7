"""What every route gets: the daemon's parts, and what the web side adds: the gate, caches and locks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from afterframe.config import Config, Home, Settings
from afterframe.intake.audit import ScoreCache
from afterframe.intake.foreign_files import ForeignFiles
from afterframe.intake.ingest import Ingest
from afterframe.render.drafts import DraftMaker
from afterframe.render.pictures import PictureMaker
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList
from afterframe.state.idempotency import IdempotencyStore
from afterframe.state.listings import ClipListing, RenderListing
from afterframe.state.queue import Queue
from afterframe.web.auth.allowed_paths import AllowedPaths
from afterframe.web.auth.gate import Gate
from afterframe.web.auth.login_codes import LoginCodes
from afterframe.web.connections.entry import Lane
from afterframe.web.metrics import Metrics

MAX_STREAMS = 24
"""Event streams at once: each holds a thread of the server."""
THREADS = {Lane.QUICK: 8, Lane.VERDICTS: 2, Lane.PHOTOS: 8, Lane.PICTURES: 8, Lane.STREAMS: MAX_STREAMS + 2}
"""Requests of each kind that the server answers at a time."""
MAX_POSTERS = 2
"""Posters that are made at once: each runs ffmpeg."""


@dataclass(frozen=True, slots=True)
class Services:
    """The daemon's parts, as the routes see them."""

    settings: Settings
    database: Database
    catalog: Catalog
    folders: FolderList
    answers: IdempotencyStore
    queue: Queue
    ingest: Ingest
    foreign_files: ForeignFiles
    pictures: PictureMaker
    drafts: DraftMaker
    token: str
    """The secret that plugins send."""
    folders_changed: Callable[[], None]
    """Called after a folder was added, changed or dropped."""
    rescan: Callable[[Path], None]
    """Scan a watched folder now."""
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


@dataclass(frozen=True, slots=True)
class WebContext:
    """What the web side has beside the daemon's parts; one for each app."""

    services: Services
    gate: Gate
    codes: LoginCodes
    paths: AllowedPaths
    clips: ClipListing
    renders: RenderListing
    scores: ScoreCache
    metrics: Metrics
    contract: dict[str, Any]
    """What /api/openapi.json gives."""
    monotonic: Callable[[], float] = time.monotonic
    stream_slots: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(MAX_STREAMS))
    poster_slots: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(MAX_POSTERS))
    verdict_lock: threading.Lock = field(default_factory=threading.Lock)
    """Sidecar and catalogue must get two verdicts in the same order."""
    config_lock: threading.Lock = field(default_factory=threading.Lock)
    """config.toml is read, changed and written by one at a time."""
