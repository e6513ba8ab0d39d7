"""What the routes share: the daemon's parts, the gate, and a few locks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from afterframe.intake.audit import ScoreCache
from afterframe.state.listings import ClipListing, RenderListing
from afterframe.web.auth.gate import Gate
from afterframe.web.auth.paths import AllowedPaths
from afterframe.web.auth.session import LoginCodes
from afterframe.web.http.services import Services

THREADS = 24
"""Requests that the server answers at a time."""
MAX_STREAMS = THREADS // 2
"""Event streams at once: each holds a thread of the server, and other requests need some, too."""
MAX_POSTERS = 2
"""Posters that are made at once: each runs ffmpeg."""


@dataclass(frozen=True, slots=True)
class Context:
    """One for each app."""

    services: Services
    gate: Gate
    codes: LoginCodes
    paths: AllowedPaths
    clips: ClipListing
    renders: RenderListing
    scores: ScoreCache
    contract: dict[str, Any]
    """What /api/openapi.json gives."""
    monotonic: Callable[[], float] = time.monotonic
    streams: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(MAX_STREAMS))
    posters: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(MAX_POSTERS))
    verdicts: threading.Lock = field(default_factory=threading.Lock)
    """Sidecar and catalogue must get two verdicts in the same order."""
    settings: threading.Lock = field(default_factory=threading.Lock)
    """config.toml is read, changed and written by one at a time."""
