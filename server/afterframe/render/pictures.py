"""Pictures of photos for the page: whole, as a clip begins, and for the interactive view, with their depth."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from afterframe.config import Settings
from afterframe.domain import Photo, Recipe
from afterframe.generators import registry
from afterframe.generators.parallax.relief import relief
from afterframe.imaging.frames import PreparedPhoto
from afterframe.imaging.framing import part_shown
from afterframe.render.derived_files import SMALL_SIDE, DerivedFiles, cache_name, load_pixels
from afterframe.render.preparation import prepare
from afterframe.scene import SCENE_VERSION, BoundingBox

LARGE_SIDE = 2560
"""Long side of large pictures, pixels."""
VIEW_SIDE = 1920
"""Long side of an interactive view, pixels: sharp on a large screen, and small enough to be sent in one file."""


class PictureMaker:
    """Makes pictures of photos."""

    def __init__(self, files: DerivedFiles) -> None:
        self._files = files

    def picture(self, path: Path, stamp: str, side: int) -> Path:
        """A whole photo as JPEG, its long side at most ``side`` pixels.

        Args:
            stamp: changes when the photo does.
        Raises:
            PhotoError: it cannot be read.
        """
        name = f"{cache_name('picture', path, stamp, side)}.jpg"
        return self._files.get("pictures", name, path, _draw_picture, path, side)

    def framed(self, photo: Photo, recipe: Recipe, generator: str) -> Path:
        """A photo as a clip of it begins: cropped to the clip's shape, in its size.

        Raises:
            PhotoError: it cannot be read.
        """
        overscan = self._overscan(recipe, generator)
        name = f"{cache_name('framed', SCENE_VERSION, photo.path, photo.sha256, recipe.size, overscan)}.jpg"
        return self._files.get("pictures", name, Path(photo.path), _draw_framed, photo, recipe.size, overscan)

    def part_shown(self, photo: Photo, recipe: Recipe, generator: str) -> BoundingBox:
        """The part of a photo that :meth:`framed` shows, in shares of it.

        Args:
            photo: one that was looked at; its size is known.
        """
        assert photo.upright_size
        return part_shown(photo.upright_size, photo.scene, recipe.size, self._overscan(recipe, generator))

    def _overscan(self, recipe: Recipe, generator: str) -> float:
        # Other generators begin with the photo as it is framed, without room around it.
        return registry.load(generator, self._files.settings).overscan(recipe) if generator == "parallax" else 0.0

    def view(self, photo: Photo, shape: tuple[int, int]) -> Path:
        """A photo as its interactive view shows it: a JPEG of ``shape`` (width, height), as large as it may be.

        Raises:
            PhotoError: it cannot be read.
        """
        name = f"{cache_name('view', SCENE_VERSION, photo.path, photo.sha256, shape)}.jpg"
        return self._files.get("views", name, Path(photo.path), _draw_view, photo, shape)

    def relief(self, photo: Photo, shape: tuple[int, int]) -> Path:
        """The depth of :meth:`view`: a grey PNG, 128 what stays in its place, brighter nearer.

        Raises:
            PhotoError: it cannot be read.
        """
        name = f"{cache_name('relief', SCENE_VERSION, photo.path, photo.sha256, shape)}.png"
        return self._files.get("views", name, Path(photo.path), _draw_relief, photo, shape)


# -- in the process that can be killed -----------------------------------------------------------


def _draw_picture(settings: Settings, target: Path, path: Path, side: int) -> None:
    image = Image.fromarray(load_pixels(settings, path, (side, side)))
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    image.save(target, "JPEG", quality=82 if side <= SMALL_SIDE else 90)


def _draw_framed(settings: Settings, target: Path, photo: Photo, size: tuple[int, int], overscan: float) -> None:
    load = partial(load_pixels, settings, Path(photo.path))
    prepared = prepare(photo, size, overscan, load, settings.detectors)
    Image.fromarray(np.ascontiguousarray(prepared.pixels)).save(target, "JPEG", quality=92)


def _draw_view(settings: Settings, target: Path, photo: Photo, shape: tuple[int, int]) -> None:
    pixels = _view_of(settings, photo, shape).surround
    Image.fromarray(np.ascontiguousarray(pixels)).save(target, "JPEG", quality=85, optimize=True, progressive=True)


def _draw_relief(settings: Settings, target: Path, photo: Photo, shape: tuple[int, int]) -> None:
    depth = relief(_view_of(settings, photo, shape), settings.config.vision.depth_folder)
    Image.fromarray(depth).save(target, "PNG", optimize=True)


def _view_of(settings: Settings, photo: Photo, shape: tuple[int, int]) -> PreparedPhoto:
    """The largest crop of a shape, never enlarged."""
    most = VIEW_SIDE / max(shape)
    pixels = load_pixels(settings, Path(photo.path), (round(shape[0] * most), round(shape[1] * most)))
    scale = min(most, pixels.shape[1] / shape[0], pixels.shape[0] / shape[1])
    size = max(2, round(shape[0] * scale)), max(2, round(shape[1] * scale))
    return prepare(photo, size, 0.0, lambda _: pixels, settings.detectors)
