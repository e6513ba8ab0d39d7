"""Pictures of photos, their depth, and quick drafts of clips, for the page.

Made in processes that can be killed, kept in the cache.

A draft is made by the parallax generator, small and coarse, whatever generator the clip itself comes from: it shows
where the camera goes, how far and how long, within two seconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from afterframe.config import Settings
from afterframe.domain import Photo, Recipe, Scene
from afterframe.encode.encode import encode
from afterframe.encode.process import Encoding
from afterframe.errors import PhotoError
from afterframe.generators import registry
from afterframe.generators.parallax.interactive import relief
from afterframe.imaging.decode import decode
from afterframe.imaging.frames import Frames, Pixels, PreparedPhoto
from afterframe.imaging.framing import frame
from afterframe.system.files import FileCache
from afterframe.system.process_pool import CallKilled, ProcessPool
from afterframe.vision import analyse

SMALL_SIDE = 480
"""Long side of thumbnails and drafts, pixels."""
LARGE_SIDE = 2560
DRAFT_FPS = 12
DRAFT_FRAMES = 72
"""Long clips get fewer frames a second in their draft."""
VIEW_SIDE = 1920
"""Long side of an interactive view, pixels: sharp on a large screen, and small enough to be sent in one file."""
MAX_CACHED = {"pictures": 4000, "drafts": 200, "views": 400}
"""Files of each kind that stay in the cache."""


class DraftMaker:
    """Makes pictures and drafts.

    Args:
        processes: how many are made at a time.
    """

    def __init__(self, settings: Settings, processes: int = 2) -> None:
        self._settings = settings
        cache, limits = settings.home.cache, settings.config.limits
        self._caches = {kind: FileCache(cache / kind, keep=keep) for kind, keep in MAX_CACHED.items()}
        self._pool = ProcessPool(make_picture_file, time_s=limits.read_s, memory_mb=limits.memory_mb, size=processes)

    def picture(self, path: Path, stamp: str, side: int) -> Path:
        """A whole photo as JPEG, its long side at most ``side`` pixels.

        Args:
            stamp: changes when the photo does.
        Raises:
            PhotoError: it cannot be read.
        """
        key = _key("picture", str(path), stamp, side)
        return self._kept("pictures", key, ".jpg", path, lambda part: ("picture", str(path), str(part), side))

    def framed(self, photo: Photo, recipe: Recipe, generator: str) -> Path:
        """A photo as a clip of it begins: cropped to the clip's shape, in its size.

        Raises:
            PhotoError: it cannot be read.
        """
        overscan = self._overscan(recipe, generator)
        key = _key("framed", photo.path, photo.sha256, recipe.size, overscan)
        order = ("framed", photo.path, photo.scene.to_dict(), recipe.size, overscan)
        return self._kept("pictures", key, ".jpg", Path(photo.path), lambda part: (*order[:2], str(part), *order[2:]))

    def _overscan(self, recipe: Recipe, generator: str) -> float:
        # Other generators begin with the photo as it is framed, without room around it.
        return registry.load(generator, self._settings).overscan(recipe) if generator == "parallax" else 0.0

    def view(self, photo: Photo, shape: tuple[int, int]) -> Path:
        """A photo as its interactive view shows it: a JPEG of ``shape`` (width, height), as large as it may be.

        Raises:
            PhotoError: it cannot be read.
        """
        return self._seen("view", photo, shape, ".jpg")

    def relief(self, photo: Photo, shape: tuple[int, int]) -> Path:
        """The depth of :meth:`view`: a grey PNG, 128 what stays in its place, brighter nearer.

        Raises:
            PhotoError: it cannot be read.
        """
        return self._seen("relief", photo, shape, ".png")

    def _seen(self, what: str, photo: Photo, shape: tuple[int, int], suffix: str) -> Path:
        key = _key(what, photo.path, photo.sha256, shape)
        order = (what, photo.path, photo.scene.to_dict(), shape, lens_of(photo))
        return self._kept("views", key, suffix, Path(photo.path), lambda part: (*order[:2], str(part), *order[2:]))

    def draft(self, photo: Photo, recipe: Recipe) -> str:
        """Make a draft; the name under which :meth:`drafted` finds it.

        Raises:
            PhotoError: the photo cannot be read.
            EncodeError: ffmpeg failed.
        """
        small = coarse(recipe)
        key = _key("draft", photo.path, photo.sha256, small.hash, small.seed)
        order = ("draft", photo.path, photo.scene.to_dict(), small.to_dict(), lens_of(photo))
        self._kept("drafts", key, ".mp4", Path(photo.path), lambda part: (*order[:2], str(part), *order[2:]))
        return key

    def drafted(self, key: str) -> Path:
        """The file of a draft, which may be gone by now."""
        return self._caches["drafts"].path(f"{key}.mp4")

    def _kept(self, kind: str, key: str, suffix: str, photo: Path, order: Callable[[Path], tuple[Any, ...]]) -> Path:
        def make(part: Path) -> None:
            what, path, *rest = order(part)
            self._pool.call(what, path, self._settings, *rest)

        try:
            return self._caches[kind].get(f"{key}{suffix}", make)
        except CallKilled as stopped:
            raise PhotoError(
                f"{photo.name} could not be shown: {stopped}.",
                "The file is probably damaged; export it again.",
                code="stalls_reader",
            ) from stopped

    def close(self) -> None:
        """End the processes."""
        self._pool.close()


def coarse(recipe: Recipe) -> Recipe:
    """The same clip, small and with few frames."""
    scale = min(1.0, SMALL_SIDE / max(recipe.size))
    width, height = (max(2, 2 * round(side * scale / 2)) for side in recipe.size)
    fps = min(recipe.fps, DRAFT_FPS, max(4, round(DRAFT_FRAMES / recipe.duration_s)))
    return replace(recipe, size=(width, height), fps=fps)


def lens_of(photo: Photo) -> dict[str, Any]:
    """What of its optics says something about depth."""
    return {name: photo.facts.get(name) for name in ("f_number", "focal_35mm", "subject_distance_m")}


def _key(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()[:40]


# -- in the process that can be killed -----------------------------------------------------------


def make_picture_file(what: str, path: str, settings: Settings, target: str, *more: Any) -> None:
    """Make one file of a photo.

    Args:
        what: "picture", "framed", "view", "relief" or "draft".
        target: the file to make.
        more: what the maker of that kind takes.
    """
    makers: Mapping[str, Callable[..., None]] = {
        "picture": _picture,
        "framed": _framed,
        "view": _view,
        "relief": _relief,
        "draft": _draft,
    }
    makers[what](Path(path), settings, Path(target), *more)


@lru_cache(maxsize=1)
def _decoded(path: Path, stamp: tuple[int, int], megapixels: float, at_least: tuple[int, int]) -> Pixels:  # noqa: ARG001 - a key
    """The photo of the last request too: sliders ask for the same one again and again."""
    pixels, _ = decode(path, megapixels=megapixels, at_least=at_least)
    return pixels


def _pixels(path: Path, settings: Settings, at_least: tuple[int, int]) -> Pixels:
    try:
        status = path.stat()
    except OSError as error:
        raise PhotoError(f"{path.name} is not there.", "It may have been moved or renamed.", code="missing") from error
    return _decoded(path, (status.st_size, status.st_mtime_ns), settings.config.limits.megapixels, at_least)


def _picture(path: Path, settings: Settings, target: Path, side: int) -> None:
    image = Image.fromarray(_pixels(path, settings, (side, side)))
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    image.save(target, "JPEG", quality=82 if side <= SMALL_SIDE else 90)


def _framed(
    path: Path, settings: Settings, target: Path, scene: Mapping[str, Any], size: tuple[int, int], overscan: float
) -> None:
    pixels = _pixels(path, settings, size)
    prepared = frame(pixels, Scene.from_dict(scene), size, overscan)
    Image.fromarray(np.ascontiguousarray(prepared.pixels)).save(target, "JPEG", quality=92)


def _view(path: Path, settings: Settings, target: Path, *how: Any) -> None:
    pixels = _viewed(path, settings, *how).surround
    Image.fromarray(np.ascontiguousarray(pixels)).save(target, "JPEG", quality=85, optimize=True, progressive=True)


def _relief(path: Path, settings: Settings, target: Path, *how: Any) -> None:
    depth = relief(_viewed(path, settings, *how), settings.config.vision.depth_folder)
    Image.fromarray(depth).save(target, "PNG", optimize=True)


def _viewed(
    path: Path, settings: Settings, scene: Mapping[str, Any], shape: tuple[int, int], lens: Mapping[str, Any]
) -> PreparedPhoto:
    """The largest crop of a shape, never enlarged."""
    most = VIEW_SIDE / max(shape)
    pixels = _pixels(path, settings, (round(shape[0] * most), round(shape[1] * most)))
    scale = min(most, pixels.shape[1] / shape[0], pixels.shape[0] / shape[1])
    size = max(2, round(shape[0] * scale)), max(2, round(shape[1] * scale))
    known = Scene.from_dict(scene)
    return replace(frame(pixels, known if known.measures else analyse(pixels), size, 0.0), **lens)


def _draft(
    path: Path,
    settings: Settings,
    target: Path,
    scene: Mapping[str, Any],
    recipe: Mapping[str, Any],
    lens: Mapping[str, Any],
) -> None:
    wanted = Recipe.from_dict(recipe)
    generator = registry.load("parallax", settings)
    pixels = _pixels(path, settings, (SMALL_SIDE, SMALL_SIDE))
    prepared = frame(pixels, Scene.from_dict(scene), wanted.size, generator.overscan(wanted))
    frames = generator.generate(replace(prepared, **lens), wanted, _untold, _never)
    assert isinstance(frames, Frames)
    encoding = Encoding(settings.config.render.ffmpeg, "ultrafast", 23)
    encode(frames, target, encoding, _untold, _never, verified=False)


def _untold(share: float, eta_s: float | None = None, /) -> None:
    """Nobody follows how far a draft is."""


def _never() -> bool:
    return False
