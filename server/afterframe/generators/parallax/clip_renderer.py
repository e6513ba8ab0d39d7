"""One clip's picture, depth and motion fields, prepared once; then one frame per moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from afterframe.domain import CameraMovement, Recipe
from afterframe.generators.parallax.ambient_motion import ambient_motions, light
from afterframe.generators.parallax.camera import Pivot, pose, source_positions_of_pose
from afterframe.generators.parallax.depth import nearness
from afterframe.generators.parallax.fastest_warper import fastest_warper
from afterframe.generators.parallax.motion_fields import Flow, second_share
from afterframe.generators.parallax.warp import SPACING, Field, SecondSampling, nodes
from afterframe.generators.parallax.yuv import planes
from afterframe.imaging.frames import Pixels, PreparedPhoto
from afterframe.vision import Map, SceneMaps, map_scene

_ROUNDS = 2
"""A source position depends on the nearness found there: solved by fixed-point iteration."""


class ClipRenderer:
    """Renders the frames of one prepared photo."""

    def __init__(self, photo: PreparedPhoto, recipe: Recipe, weights: Path | None = None) -> None:
        height, width = photo.pixels.shape[:2]
        self._recipe, self._size = recipe, (width, height)
        self._places = nodes(self._size) + np.array(photo.margin, np.float32)
        with ThreadPoolExecutor(1) as beside:
            drawn = beside.submit(planes, photo.surround)
            seen = map_scene(photo.surround, photo.scene)
        self._whole = photo.surround.shape[1], photo.surround.shape[0]
        shape = -(-self._whole[1] // SPACING), -(-self._whole[0] // SPACING)
        near = nearness(seen, photo, weights)
        self._nearness = np.asarray(cv2.resize(near, shape[::-1], interpolation=cv2.INTER_AREA), np.float32)
        self._alive = ambient_motions(seen, recipe, shape, self._whole)
        moving = bool(self._alive) or recipe.camera_movement is not CameraMovement.STATIC
        self._light = light(recipe, self._places.shape[1], moving=moving)
        self._pivot = pivot_of(seen, near, photo)
        self._warper = fastest_warper(drawn.result(), self._size)

    def frame(self, moment: float) -> Pixels:
        """The I420 frame at ``moment`` (0-1), an array of its own."""
        gain = self._light.at(self._recipe, moment) if self._light else None
        if not any(isinstance(life, Flow) for life in self._alive):
            return self._warper.frame(self.source_positions(moment), gain)
        camera = self._looked(moment)
        first, second = (self._moved(camera, moment, copy) for copy in (0, 1))
        return self._warper.frame(first, gain, SecondSampling(second, second_share(self._recipe, moment)))

    def source_positions(self, moment: float, copy: int | None = None) -> Field:
        """The position in the surround that each node of the frame shows at ``moment``, pixels.

        Args:
            moment: 0-1.
            copy: which of the two copies of flowing areas to sample; None: as far as they have really flowed.
        """
        return self._moved(self._looked(moment), moment, copy)

    def _looked(self, moment: float) -> Field:
        """By the camera only."""
        at = pose(self._recipe, moment)
        looked = self._places
        for _ in range(_ROUNDS):
            looked = source_positions_of_pose(self._places, self.depth_at(looked), at, self._pivot, self._size)
        return looked

    def _moved(self, looked: Field, moment: float, copy: int | None) -> Field:
        """With what moves on its own."""
        recipe, moved = self._recipe, None
        for life in self._alive:
            if isinstance(life, Flow):
                way = life.far(recipe, moment) if copy is None else life.at(recipe, moment, copy)
            else:
                way = life.at(recipe, moment)
            moved = way if moved is None else moved + way
        return looked if moved is None else looked - self._at(moved, looked)

    def depth_at(self, places: Field) -> Map:
        """Nearness at ``places`` (pixels of the surround): 0 far to 1 near."""
        return self._at(self._nearness, places)

    def _at(self, values: Map | Field, places: Field) -> Field:
        """A coarse map of the surround, read at ``places`` (pixels)."""
        scale = values.shape[1] / self._whole[0], values.shape[0] / self._whole[1]
        x, y = (places[..., axis] * np.float32(scale[axis]) + np.float32(0.5 * scale[axis] - 0.5) for axis in (0, 1))
        read = cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(read, np.float32)


def pivot_of(seen: SceneMaps, near: Map, photo: PreparedPhoto) -> Pivot:
    """The subject, pulled towards the middle so that a push-in stays composed; without a subject, the middle."""
    height, width = photo.surround.shape[:2]
    if seen.subject_box is None:
        return Pivot(width / 2, height / 2, float(np.median(near)))
    x, y = seen.subject_box.centre
    if seen.faces:
        x, y = seen.faces[0].centre
    inside = seen.subject > 0.5
    depth = float(np.median(near[inside])) if inside.any() else float(np.median(near))
    return Pivot(width * (0.4 * 0.5 + 0.6 * x), height * (0.4 * 0.5 + 0.6 * y), depth)
