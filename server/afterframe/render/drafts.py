"""Quick drafts of clips, for the page.

A draft is made by the parallax generator, small and coarse, whatever generator the clip itself comes from: it shows
where the camera goes, how far and how long, within two seconds.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from afterframe.config import Settings
from afterframe.domain import Photo, Recipe
from afterframe.encode.encode import encode
from afterframe.encode.process import Encoding
from afterframe.generators import registry
from afterframe.imaging.frames import Frames
from afterframe.render.derived_files import SMALL_SIDE, DerivedFiles, cache_name, load_pixels
from afterframe.render.preparation import prepare

DRAFT_FPS = 12
DRAFT_FRAMES = 72
"""Long clips get fewer frames a second in their draft."""


class DraftMaker:
    """Makes drafts of clips."""

    def __init__(self, files: DerivedFiles) -> None:
        self._files = files

    def draft(self, photo: Photo, recipe: Recipe) -> str:
        """Make a draft.

        Returns:
            The name under which :meth:`drafted` finds it, 40 hexadecimal digits.
        Raises:
            PhotoError: the photo cannot be read.
            EncodeError: ffmpeg failed.
        """
        small = coarse(recipe)
        key = cache_name("draft", photo.path, photo.sha256, small.hash, small.seed)
        self._files.get("drafts", f"{key}.mp4", Path(photo.path), _render_draft, photo, small)
        return key

    def drafted(self, key: str) -> Path:
        """The file of a draft, which may be gone by now."""
        return self._files.path("drafts", f"{key}.mp4")


def coarse(recipe: Recipe) -> Recipe:
    """The same clip, small and with few frames."""
    scale = min(1.0, SMALL_SIDE / max(recipe.size))
    width, height = (max(2, 2 * round(side * scale / 2)) for side in recipe.size)
    fps = min(recipe.fps, DRAFT_FPS, max(4, round(DRAFT_FRAMES / recipe.duration_s)))
    return replace(recipe, size=(width, height), fps=fps, end_photo="")


# -- in the process that can be killed -----------------------------------------------------------


def _render_draft(settings: Settings, target: Path, photo: Photo, recipe: Recipe) -> None:
    generator = registry.load("parallax", settings)
    pixels = load_pixels(settings, Path(photo.path), (SMALL_SIDE, SMALL_SIDE))  # the same ones for every recipe
    prepared = prepare(photo, recipe.size, generator.overscan(recipe), lambda _: pixels, settings.detectors)
    frames = generator.generate(prepared, recipe, _ignore_progress, _never)
    assert isinstance(frames, Frames)
    encoding = Encoding(settings.config.render.ffmpeg, "ultrafast", 23)
    encode(frames, target, encoding, _ignore_progress, _never, verified=False)


def _ignore_progress(share: float, eta_s: float | None = None, /) -> None:
    """Nobody follows how far a draft is."""


def _never() -> bool:
    return False
