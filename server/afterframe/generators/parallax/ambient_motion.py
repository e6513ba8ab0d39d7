"""What moves on its own, and where: clouds, water, leaves, breathing, light."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from afterframe.domain import PhotoType, Recipe
from afterframe.generators.parallax.bodies import heads_in, presence, unbent
from afterframe.generators.parallax.camera import progress
from afterframe.generators.parallax.motion_fields import FLOW_CYCLE_S, Drift, Flow, Wave
from afterframe.generators.parallax.warp import SPACING, Field
from afterframe.vision import Map, SceneMaps
from afterframe.vision.analysis_image import smooth, unit

_CLOUD_DRIFT = 0.02
"""Of full-intensity clouds over four seconds, share of the width."""
_STREAM = 0.011
"""Of full-intensity water in its nearest part during one cycle, share of the width."""
_RIPPLE = 0.0022
_SWAY = 0.0022
_BREATH = 0.0032
_LIGHT = 0.05


Movements = list[Wave | Drift | Flow]


def ambient_motions(seen: SceneMaps, recipe: Recipe, shape: tuple[int, int], size: tuple[int, int]) -> Movements:
    """What moves in this picture.

    Args:
        seen: the scene maps of the surround.
        recipe: its type, intensity and seed decide what moves and how far.
        shape: (rows, columns) of the fields to make.
        size: (width, height) of the surround, pixels.
    """
    width = size[0]
    found: Movements = []
    if recipe.photo_type is not PhotoType.PORTRAIT:
        seen = _around_people(seen, _node(seen, size))
    if recipe.photo_type in (PhotoType.ENVIRONMENTAL, PhotoType.ACTION):
        found += _clouds(seen, recipe, shape, width)
        found += _water(seen, recipe, shape, width)
    if recipe.photo_type is not PhotoType.PORTRAIT:
        found += _leaves(seen, recipe, shape, width)
    if recipe.photo_type is PhotoType.PORTRAIT:
        found += _breath(seen, recipe, shape, size)
    return found


def _around_people(seen: SceneMaps, node: float) -> SceneMaps:
    """Clouds, water and leaves move around people and animals, never through them."""
    free = np.float32(1.0) - presence(seen, node)
    return replace(seen, sky=seen.sky * free, water=seen.water * free, foliage=seen.foliage * free)


def _node(seen: SceneMaps, size: tuple[int, int]) -> float:
    """The distance of the warp's nodes, pixels of the scene maps."""
    return SPACING * max(seen.picture.shape) / max(size)


@dataclass(frozen=True, slots=True)
class Light:
    """A soft light that moves across the picture: luma is multiplied by 1 at the first frame."""

    columns: Map
    """Each node's horizontal position, -0.5 to 0.5, (1, columns)."""
    strength: float
    """Largest change of luma, share."""

    def at(self, recipe: Recipe, moment: float) -> Map:
        """The gain of every node's luma, (1, columns)."""
        wandered = self._pool(progress(recipe, moment)) - self._pool(0.0)
        return np.asarray(1.0 + self.strength * wandered, np.float32)

    def _pool(self, way: float) -> Map:
        """A Gaussian pool of light, half the picture wide, moving from left of the middle to right of it."""
        return np.asarray(np.exp(-0.5 * ((self.columns - 0.3 * (way - 0.5)) / 0.3) ** 2), np.float32)


def light(recipe: Recipe, columns: int, *, moving: bool) -> Light | None:
    """Light for still lifes, and wherever nothing else moves; otherwise None.

    Args:
        recipe: its type and intensity decide.
        columns: of nodes across the frame.
        moving: whether camera or scene move at all.
    """
    if recipe.photo_type is not PhotoType.STILL_LIFE and moving:
        return None
    across = np.linspace(-0.5, 0.5, columns, dtype=np.float32)[None]
    return Light(across, _LIGHT * recipe.motion_intensity) if recipe.motion_intensity else None


def _onto(values: Map, shape: tuple[int, int]) -> Map:
    """A scene map at the fields' resolution."""
    return np.asarray(cv2.resize(values, (shape[1], shape[0]), interpolation=cv2.INTER_AREA), np.float32)


def _field(x: Map | float, y: Map | float, shape: tuple[int, int]) -> Field:
    field = np.empty((*shape, 2), np.float32)
    field[..., 0], field[..., 1] = x, y
    return field


def _clouds(seen: SceneMaps, recipe: Recipe, shape: tuple[int, int], width: int) -> Movements:
    if float(seen.sky.mean()) < 0.08:
        return []
    reach = max(seen.sky.shape) // 16
    spread = np.ones((5, max(seen.sky.shape) // 24), np.uint8)
    towers = smooth(np.asarray(cv2.dilate(seen.upright, spread), np.float32), reach / 3)
    cloud = seen.sky * (1.0 - _glare(seen)) * (1.0 - towers)
    eroded = cv2.erode(cloud, np.ones((reach | 1, reach | 1), np.uint8))
    inner = smooth(np.asarray(eroded, np.float32), reach / 2)
    high = np.clip(1.0 - 0.6 * seen.picture.rows() / max(seen.horizon or 1.0, 0.2), 0.3, 1.0)
    sign = 1.0 if recipe.seed % 2 else -1.0
    full = sign * _CLOUD_DRIFT * width * recipe.motion_intensity
    way = _onto((inner * high).astype(np.float32), shape) * np.float32(full)
    if recipe.loop:
        return [Flow(_field(way * np.float32(FLOW_CYCLE_S / 4.0), 0.0, shape))]
    return [Drift(_field(way * np.float32(min(1.6, recipe.duration_s / 4.0)), 0.0, shape))]


def _glare(seen: SceneMaps) -> Map:
    """1 around the sun, the moon or a lamp: clouds pass them, they stay."""
    luma = seen.picture.luma
    bright = (luma > max(0.85, float(np.percentile(luma, 99.5)) - 0.02)).astype(np.float32)
    small = bright if float(bright.mean()) < 0.03 else np.zeros_like(bright)
    spread = max(bright.shape) / 20
    return unit(4.0 * smooth(small, spread))


def _water(seen: SceneMaps, recipe: Recipe, shape: tuple[int, int], width: int) -> Movements:
    if seen.horizon is None or float(seen.water.mean()) < 0.03:
        return []
    rows = np.linspace(0.0, 1.0, shape[0], dtype=np.float32)[:, None]
    columns = np.linspace(-0.5, 0.5, shape[1], dtype=np.float32)[None]
    near = np.clip((rows - seen.horizon) / (1.0 - seen.horizon), 0.0, 1.0) + 0.08
    poles = smooth(np.asarray(cv2.dilate(seen.upright, np.ones((3, 13), np.uint8)), np.float32), 3.0)
    subject = smooth(np.asarray(cv2.dilate(seen.subject, np.ones((9, 9), np.uint8)), np.float32), 3.0)
    free = (seen.water * np.clip(1.0 - 1.5 * poles, 0.0, 1.0) * (1.0 - subject)).astype(np.float32)
    mask = _onto(smooth(free, 5.0), shape)
    waves: Movements = [_stream(free, recipe, shape, width, near)]
    for number, (length, slant, speed) in enumerate(((0.055, 0.8, 0.45), (0.09, -1.7, 0.32))):
        phase = 2 * np.pi / length * (-0.35 * np.log(near) + 0.25 * slant * columns) * 0.5 + 1.7 * number
        size = mask * np.float32(_RIPPLE * width * recipe.motion_intensity) * (0.35 + 0.65 * near)
        sine, cosine = (size * np.sin(phase)).astype(np.float32), (size * np.cos(phase)).astype(np.float32)
        waves.append(Wave(_field(0.5 * sine, sine, shape), _field(0.5 * cosine, cosine, shape), speed))
    return waves


def _stream(free: Map, recipe: Recipe, shape: tuple[int, int], width: int, near: Map) -> Flow:
    """Water flows along the shore, faster where it is nearer, and is still at its edge, so that no shore is dragged."""
    reach = max(free.shape) // 24
    rimmed = cv2.copyMakeBorder(free, 0, reach, reach, reach, cv2.BORDER_REPLICATE)
    eroded = cv2.erode(rimmed, np.ones((reach | 1, reach | 1), np.uint8))[:-reach, reach:-reach]
    inner = _onto(smooth(np.asarray(eroded, np.float32), reach / 2.5), shape)
    way = inner * np.clip(near, 0.15, 1.0) * np.float32(_STREAM * width * recipe.motion_intensity)
    sign = np.float32(-1.0 if recipe.seed % 2 else 1.0)
    return Flow(_field(sign * way, np.float32(0.12) * way, shape))


def _leaves(seen: SceneMaps, recipe: Recipe, shape: tuple[int, int], width: int) -> Movements:
    if float(seen.foliage.mean()) < 0.04:
        return []
    still = smooth(seen.subject, 6.0) if recipe.photo_type is PhotoType.STILL_LIFE else 0.0
    mask = _onto((smooth(seen.foliage, 6.0) * (1.0 - still)).astype(np.float32), shape)
    chance = np.random.default_rng(recipe.seed)
    phase = _clumps(chance, shape, 0.12) * 4.0 + np.linspace(0.0, 6.0, shape[1], dtype=np.float32)[None]
    calm = 0.5 if recipe.photo_type is PhotoType.STILL_LIFE else 1.0
    size = mask * np.float32(_SWAY * width * recipe.motion_intensity * calm)
    sine, cosine = (size * np.sin(phase)).astype(np.float32), (size * np.cos(phase)).astype(np.float32)
    return [Wave(_field(sine, 0.35 * cosine, shape), _field(cosine, -0.35 * sine, shape), 0.4)]


def _clumps(chance: np.random.Generator, shape: tuple[int, int], share: float) -> Map:
    """Smooth noise of unit spread; clumps of ``share`` of the width."""
    noise = smooth(chance.standard_normal(shape).astype(np.float32), max(1.0, share * shape[1] / 2))
    return np.asarray(noise / max(float(noise.std()), 1e-6), np.float32)


def _breath(seen: SceneMaps, recipe: Recipe, shape: tuple[int, int], size: tuple[int, int]) -> Movements:
    """The shoulders rise and the head with them, as a whole: it is moved, never bent."""
    if not seen.faces:
        return []
    chin = min(0.95, max(face.y + 1.15 * face.height for face in seen.faces))
    rows = seen.picture.rows()
    hold = np.clip((1.0 - rows) / max(1.0 - chin, 0.05), 0.0, 1.0)
    body = smooth(cv2.dilate(seen.subject, np.ones((15, 15))).astype(np.float32), 10.0)
    risen = unbent((body * hold).astype(np.float32), heads_in(seen), _node(seen, size))
    lift = _onto(risen, shape) * np.float32(_BREATH * size[1] * recipe.motion_intensity)
    still = np.zeros(shape, np.float32)
    return [Wave(_field(still, 0.0, shape), _field(0.0, lift, shape), 0.3)]
