"""Parallax: the generator that needs no weights and no GPU.

The photo's own pixels, moved as if a camera moved: near things more than far ones, with clouds, water,
leaves and breathing moving on their own where they are found. Frame 0 is the photo.

    yuv             the photo as BT.709 planes
    depth           near and far, from the picture's cues
    camera          the camera's path
    ambient_motion  what moves on its own, and where
    motion_fields   how it moves: waves, drifts, flows
    warp            source positions -> frame
    clip_renderer   all of it, put together for one clip
    passage         from one photo to another of the same place
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from afterframe.config import Settings
from afterframe.domain import Direction, PhotoType, Quality, Recipe
from afterframe.errors import Cancelled
from afterframe.generators.interface import Capabilities
from afterframe.generators.parallax.camera import reach
from afterframe.generators.parallax.clip_renderer import ClipRenderer
from afterframe.generators.parallax.passage import Passage
from afterframe.imaging.frames import CancelCheck, Frames, Pixels, PreparedPhoto, Progress, every_cpu_core

__all__ = ["Parallax"]

_ROOM_FOR_LIFE = 0.012
"""Overscan for clouds and leaves that enter from outside the frame."""


class Parallax:
    """The embedded generator; see the module.

    Args:
        settings: name the folder of a depth network, used in place of the cues, if there is one.
    """

    name = "parallax"
    version = "1"
    capabilities = Capabilities(last_frame=True, loop=True, grid=2)

    def __init__(self, settings: Settings) -> None:
        self._depth_model = settings.config.vision.depth_folder

    def adapt(self, recipe: Recipe) -> Recipe:
        """Every recipe can be done unchanged: its clips have one quality."""
        if recipe.quality is Quality.STANDARD:
            return recipe
        reasons = (*recipe.because.get("quality", ()), "parallax moves the photo's own pixels: always at its best")
        return replace(recipe, because={**recipe.because, "quality": reasons})

    def overscan(self, recipe: Recipe) -> float:
        """What the camera's path and moving clouds need beyond the frame.

        0 for a push-in on a still scene.
        """
        if recipe.end_photo:
            return 0.0
        lively = recipe.photo_type in (PhotoType.ENVIRONMENTAL, PhotoType.ACTION)
        return min(0.2, reach(recipe) + (_ROOM_FOR_LIFE if lively and recipe.motion_intensity > 0 else 0.0))

    def generate(self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck) -> Frames:
        """Start a clip; the work happens while ``frames`` is read. Memory does not grow with its length.

        Raises:
            Cancelled: while reading, once ``cancelled()`` is true.
        """
        height, width = photo.pixels.shape[:2]
        if photo.end is not None:
            frames = _passage(photo.pixels, photo.end, recipe, progress, cancelled)
            return Frames("rgb24", (width, height), recipe.fps, recipe.frame_count, frames)
        return Frames(
            pixel_format="yuv420p",
            size=(width, height),
            fps=recipe.fps,
            count=recipe.frame_count,
            frames=self._frames(photo, recipe, progress, cancelled),
        )

    def _frames(
        self, photo: PreparedPhoto, recipe: Recipe, progress: Progress, cancelled: CancelCheck
    ) -> Iterator[Pixels]:
        _stop_if(cancelled)
        with every_cpu_core():
            stage = ClipRenderer(photo, recipe, self._depth_model)
        count = recipe.frame_count
        making: deque[Future[Pixels]] = deque()
        # More than one: the encoder waits for many frames before it starts, and then uses every core.
        at_once = max(2, (os.cpu_count() or 1) // 4)
        with ThreadPoolExecutor(at_once, "frames") as threads:
            for number in range(count):
                while len(making) < min(at_once, count - number):
                    moment = _moment(number + len(making), count, recipe)
                    making.append(threads.submit(stage.frame, moment))
                _stop_if(cancelled)
                yield making.popleft().result()
                progress((number + 1) / count)

    def close(self) -> None:
        """Nothing is kept between clips."""


def _passage(
    first: Pixels, last: Pixels, recipe: Recipe, progress: Progress, cancelled: CancelCheck
) -> Iterator[Pixels]:
    with every_cpu_core():
        passage = Passage(np.ascontiguousarray(first), last)
    for number in range(recipe.frame_count):
        _stop_if(cancelled)
        yield passage.frame(number / (recipe.frame_count - 1))
        progress((number + 1) / recipe.frame_count)


def _moment(number: int, count: int, recipe: Recipe) -> float:
    """0-1. A loop's last frame is one step before its first; ``before`` ends on the photo."""
    if recipe.direction is Direction.BEFORE:
        number = count - 1 - number
    return number / count if recipe.loop else number / (count - 1)


def _stop_if(cancelled: CancelCheck) -> None:
    if cancelled():
        raise Cancelled("The clip was cancelled.")
