"""A generator that only waits: for `bench.py scale` and for tests of what happens in the middle of a render.

This folder on PYTHONPATH installs it, by the folder beside this file.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

from afterframe.config import Settings
from afterframe.domain import Recipe
from afterframe.errors import Cancelled
from afterframe.generators.interface import Capabilities
from afterframe.imaging.frames import CancelCheck, Frames, Pixels, PreparedPhoto, Progress

STEP_S = 0.05
"""Between two looks at whether to stop, seconds."""


class Waiting:
    """Waits ``AFTERFRAME_WAIT_S`` seconds, then gives the photo as every frame."""

    name = "waiting"
    version = "1"
    capabilities = Capabilities()

    def __init__(self, settings: Settings) -> None:
        self._wait_s = float(os.environ.get("AFTERFRAME_WAIT_S", "0.5"))
        self._pause = threading.Event()

    def adapt(self, recipe: Recipe) -> Recipe:
        """As it is."""
        return recipe

    def overscan(self, recipe: Recipe) -> float:
        """None."""
        return 0.0

    def generate(self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck) -> Frames:
        """Start a clip."""
        frames = self._frames(photo, recipe, progress, cancelled)
        return Frames("rgb24", recipe.size, recipe.fps, recipe.frame_count, frames)

    def _frames(
        self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck
    ) -> Iterator[Pixels]:
        steps = max(1, round(self._wait_s / STEP_S))
        for step in range(steps):
            if cancelled():
                raise Cancelled("The clip was cancelled.")
            self._pause.wait(self._wait_s / steps)
            progress((step + 1) / steps)
        for _ in range(recipe.frame_count):
            yield photo.pixels

    def close(self) -> None:
        """Nothing is held."""
