"""The virtual camera: how far it goes, along which path, and what that does to near and far."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from afterframe.domain import CameraMovement, PhotoType, Recipe
from afterframe.generators.parallax.warp import Field

_TRAVEL = {
    PhotoType.PORTRAIT: 0.65,
    PhotoType.ACTION: 1.0,
    PhotoType.ENVIRONMENTAL: 0.85,
    PhotoType.STILL_LIFE: 0.45,
}
"""How far the camera goes in each type, relative to action."""

_SHIFT = 0.07
"""Travel of a full-intensity pan, as a share of the frame's width."""
_ZOOM = 0.12
"""Growth of the far plane in a full-intensity push-in, share; the near plane grows more."""
_NEAR_SHIFT = 0.5
"""The part of a sideways move made by the nearest plane only."""
_FOLLOWED = 0.05
"""Like _SHIFT, for a pan that follows a moving subject."""
_TRACKED = 0.2
"""The part of a pan following a moving subject by which the subject itself still shifts."""
_ORBIT = 0.055
_HANDHELD = 0.012

_SIDEWAYS = {
    CameraMovement.PAN_LEFT: (-1.0, 0.0),
    CameraMovement.PAN_RIGHT: (1.0, 0.0),
    CameraMovement.TILT_UP: (0.0, -1.0),
    CameraMovement.TILT_DOWN: (0.0, 1.0),
}
SUBJECT_NEARNESS = 0.85
"""Nearness of a subject that stands before its background, 0 far to 1 near."""
_AROUND = {CameraMovement.ORBIT_LEFT: -1.0, CameraMovement.ORBIT_RIGHT: 1.0}


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the camera is, relative to where the photo was taken."""

    shift: tuple[float, float] = (0.0, 0.0)
    """Sideways in shares of the frame's width, down in shares of its height."""
    near_shift: tuple[float, float] = (0.0, 0.0)
    """How much more the nearest plane shifts; the pivot's plane shifts by ``shift`` alone."""
    zoom: float = 0.0
    """Growth of the far plane, share."""
    near_zoom: float = 0.0
    """Growth of the nearest plane beyond that."""


def reach(recipe: Recipe) -> float:
    """How far beyond the frame the camera looks, as a share of the frame's width and height."""
    travel = _travel(recipe)
    movement = recipe.camera_movement
    if movement in _SIDEWAYS:
        return _SHIFT * travel
    if movement in _AROUND:
        return _ORBIT * travel
    if movement is CameraMovement.HANDHELD:
        return _HANDHELD * travel * 1.5
    if movement is CameraMovement.PULL_OUT:
        return 0.5 * _ZOOM * travel * 1.5
    return 0.0


def pose(recipe: Recipe, moment: float) -> Pose:
    """The pose at ``moment`` (0 first frame, 1 last; in a loop 1 is the first frame again)."""
    way, travel = progress(recipe, moment), _travel(recipe)
    movement = recipe.camera_movement
    if movement in _SIDEWAYS:
        x, y = _SIDEWAYS[movement]
        if recipe.photo_type is PhotoType.ACTION:
            return _following(x, y, _FOLLOWED * travel * way)
        far, near = _SHIFT * travel * way * (1 - _NEAR_SHIFT), _SHIFT * travel * way * _NEAR_SHIFT
        return Pose(shift=(x * far, y * far), near_shift=(x * near, y * near))
    if movement in _AROUND:
        return Pose(near_shift=(_AROUND[movement] * _ORBIT * travel * way, 0.0))
    if movement is CameraMovement.HANDHELD:
        return _handheld(recipe, moment, travel)
    if movement in (CameraMovement.PUSH_IN, CameraMovement.PULL_OUT):
        sign = 1.0 if movement is CameraMovement.PUSH_IN else -1.0
        return Pose(zoom=sign * _ZOOM * 0.5 * travel * way, near_zoom=sign * _ZOOM * travel * way)
    return Pose()


def _following(x: float, y: float, way: float) -> Pose:
    """The subject almost stays in place; what lies far behind it slips past."""
    subject = _TRACKED * way
    behind = (subject - way) / SUBJECT_NEARNESS
    return Pose(shift=(x * subject, y * subject), near_shift=(x * behind, y * behind))


def progress(recipe: Recipe, moment: float) -> float:
    """How far along its path the camera is, 0-1: eased in and out; there and back in a loop."""
    return (1.0 - math.cos(2 * math.pi * moment)) / 2 if recipe.loop else _eased(moment)


def _eased(moment: float, ramp: float = 0.25) -> float:
    """Constant speed, with a quarter of the time spent accelerating and another decelerating."""

    def rise(x: float) -> float:
        x = min(max(x, 0.0), 1.0)
        return x**3 - x**4 / 2  # the integral of smoothstep

    whole = 1.0 - ramp
    start = ramp * rise(moment / ramp)
    cruise = min(max(moment - ramp, 0.0), 1.0 - 2 * ramp)
    end = ramp * (0.5 - rise((1.0 - moment) / ramp)) if moment > 1.0 - ramp else 0.0
    return (start + cruise + end) / whole


def _travel(recipe: Recipe) -> float:
    """Longer clips go farther, though slower."""
    return recipe.motion_intensity * _TRAVEL[recipe.photo_type] * min(1.25, math.sqrt(recipe.duration_s / 4.0))


def _handheld(recipe: Recipe, moment: float, travel: float) -> Pose:
    """Whole cycles of slow sines, so that it loops; zero at the first frame."""
    turn = 2 * math.pi * moment
    slow = max(1, round(recipe.duration_s * 0.35))
    x = 0.6 * math.sin(slow * turn) + 0.4 * math.sin((2 * slow + 1) * turn)
    y = 0.5 * math.sin((slow + 1) * turn) + 0.35 * math.sin(2 * slow * turn)
    size = _HANDHELD * travel
    return Pose(shift=(x * size, y * size), near_shift=(0.5 * x * size, 0.5 * y * size))


@dataclass(frozen=True, slots=True)
class Pivot:
    """What the camera turns around and goes towards."""

    x: float
    """Pixels."""
    y: float
    nearness: float
    """0 far to 1 near."""


def source_positions_of_pose(places: Field, nearness: Field, at: Pose, pivot: Pivot, size: tuple[int, int]) -> Field:
    """The source position of each point once the camera has moved.

    Args:
        places: (rows, columns, 2), pixels.
        nearness: 0 far to 1 near at each point, (rows, columns).
        at: the camera's pose.
        pivot: the point the camera turns around and moves towards.
        size: (width, height) of the frame, pixels.
    """
    shrinking = np.float32(1.0) / (np.float32(1.0 + at.zoom) + np.float32(at.near_zoom) * nearness)
    relative = nearness - np.float32(pivot.nearness)
    looked = np.empty_like(places)
    for axis, centre in enumerate((pivot.x, pivot.y)):
        shift, near = (np.float32(way[axis] * size[axis]) for way in (at.shift, at.near_shift))
        looked[..., axis] = (places[..., axis] - np.float32(centre)) * shrinking + (shift + np.float32(centre))
        if near:
            looked[..., axis] += near * relative
    return looked
