"""Makes the nouns, with sensible values for whatever a test does not care about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from afterframe.config import Config, Home, Settings
from afterframe.domain import CameraMovement, Clip, Job, Photo, PhotoType, Recipe, Stamp
from afterframe.imaging.frames import Frames
from afterframe.intake.photo_reader import Reading
from afterframe.naming import sidecar_of
from afterframe.scene import Scene
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.list_index import ListFilter
from afterframe.state.listings import ClipListing
from afterframe.state.queue import NewJob, Queue
from photometa import Facts


class Clock:
    """A clock that moves only when told."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


def make_settings(config: Config | None = None) -> Settings:
    return Settings(Home.find().make(), config or Config())


def make_recipe(**changes: Any) -> Recipe:
    values: dict[str, Any] = {
        "photo_type": PhotoType.STILL_LIFE,
        "prompt": "a cup of coffee",
        "negative_prompt": "flicker",
        "motion_intensity": 0.5,
        "style_consistency": 0.9,
        "camera_movement": CameraMovement.PUSH_IN,
        "duration_s": 0.5,
        "fps": 8,
        "size": (96, 64),
        "seed": 7,
        "because": {"duration_s": ("still life: 1-2 s",)},
    }
    return Recipe(**{**values, **changes})


def make_photo_file(path: Path, size: tuple[int, int] = (192, 128), seed: int = 0, **save: Any) -> Path:
    """A small real JPEG (or what the suffix says) with a smooth picture."""
    make_picture(size, seed).save(path, **save)
    return path


def make_picture(size: tuple[int, int] = (192, 128), seed: int = 0) -> Image.Image:
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    wave = 60 * np.sin(x / 9 + seed) * np.cos(y / 7)
    rgb = np.stack([x * 200 / width + 20 + wave / 4, y * 200 / height + 30 + wave / 3, 120 + wave], -1)
    return Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8))


def make_photo(catalog: Catalog, path: str | Path = "/photos/DSC_0042.jpg", sha256: str = "a" * 64) -> Photo:
    return catalog.put_photo(Path(path), Stamp(1000, 1), sha256, {})


def make_order(catalog: Catalog, path: str | Path = "/photos/DSC_0042.jpg", **changes: Any) -> NewJob:
    recipe = changes.pop("recipe", None) or make_recipe(**changes.pop("recipe_changes", {}))
    return NewJob(make_photo(catalog, path), recipe, "parallax", **changes)


def make_job(queue: Queue, catalog: Catalog, path: str | Path = "/photos/DSC_0042.jpg", **changes: Any) -> Job:
    job, _ = queue.enqueue(make_order(catalog, path, **changes))
    return job


def listed_clips(database: Database) -> list[Clip]:
    """The clips whose files are there, newest first, as the page lists them."""
    return ClipListing(database).page(ListFilter(), "made")[0]


def make_clip(photo: Photo, path: str | Path | None = None, **changes: Any) -> Clip:
    clip_path = Path(path) if path else Path(photo.path).with_name(Path(photo.path).stem + "_motion.mp4")
    values: dict[str, Any] = {
        "id": "11111111-2222-3333-4444-555555555555",
        "photo_id": photo.id,
        "photo_path": photo.path,
        "photo_sha256": photo.sha256,
        "path": str(clip_path),
        "sidecar_path": str(sidecar_of(clip_path)),
        "sha256": "c" * 64,
        "recipe": make_recipe(),
        "generator": "parallax",
        "generator_version": "1",
        "duration_s": 0.5,
        "created_at": 1_700_000_000.0,
    }
    return Clip(**{**values, **changes})


def make_frames(count: int = 4, size: tuple[int, int] = (96, 64), level: int | None = None, fps: int = 8) -> Frames:
    width, height = size
    made = (np.full((height, width, 3), index * 8 if level is None else level, np.uint8) for index in range(count))
    return Frames("rgb24", size, fps, count, made)


def make_reading(path: Path, sha256: str = "a" * 64, **changes: Any) -> Reading:
    stat = path.stat()
    values: dict[str, Any] = {
        "sha256": sha256,
        "size": stat.st_size,
        "mtime_ns": stat.st_mtime_ns,
        "ctime_ns": stat.st_ctime_ns,
        "facts": Facts(),
        "scene": Scene(),
        "upright_size": (192, 128),
    }
    return Reading(**{**values, **changes})
