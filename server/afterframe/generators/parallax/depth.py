"""How near each part of a picture is, from cues that need no trained weights.

Sky is farthest; the ground comes nearer from the horizon to the bottom edge; what stands on it is as near as
its foot; haze is far; what is in focus before a soft background is near; the subject is one upright plane.
Of the pictorial cues listed by Cutting and Vishton, "Perceiving layout and knowing distances", 1995: height
in the visual field, aerial perspective, occlusion, accommodation.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from afterframe.generators.parallax.bodies import Body, bodies, body_map, filled, heads_in, unbent
from afterframe.generators.parallax.camera import SUBJECT_NEARNESS
from afterframe.generators.parallax.depth_network import learned_nearness
from afterframe.generators.parallax.warp import SPACING
from afterframe.imaging.frames import PreparedPhoto
from afterframe.scene import BoundingBox
from afterframe.vision import Map, SceneMaps
from afterframe.vision.analysis_image import box_mask, down_columns, refine, smooth

_BELONGS = 0.35
"""The part of somebody that the subject's outline covers from which the whole belongs to it."""


def nearness(seen: SceneMaps, photo: PreparedPhoto, weights: Path | None = None) -> Map:
    """0 far to 1 near, in the shape of the scene maps; smooth except at the outline of near things.

    Args:
        seen: the scene maps of ``photo.surround``.
        photo: its optics decide how much defocus says about depth.
        weights: a folder with a depth network, used in place of the cues.
    """
    depth = _by_cues(seen, photo) if weights is None else learned_nearness(photo.surround, weights, seen.sky.shape)
    depth = _with_bodies(_upright(depth, seen, 0.18), seen)
    grown = _grown(np.clip(depth, 0.0, 1.0).astype(np.float32))
    heads = heads_in(seen)
    if not heads:  # nothing around people is worth distorting them
        # Once more: a pole beside the subject has become near beside it, but not above it.
        grown = smooth(_upright(grown, seen, 0.35, seen.subject), max(grown.shape) / 160)
    return unbent(grown, heads, SPACING * max(grown.shape) / max(photo.surround.shape))


def _by_cues(seen: SceneMaps, photo: PreparedPhoto) -> Map:
    ground = _ground(seen)
    depth = ground + (_by_focus(seen) - ground) * np.float32(_focus_says(seen, photo))
    depth = depth * (1.0 - seen.sky)
    return refine(depth.astype(np.float32), seen.picture.luma, max(depth.shape) // 24, 1e-3)


def _ground(seen: SceneMaps) -> Map:
    """Height in the picture: a ground plane below the horizon.

    What rises above it is a little farther away.
    """
    rows = seen.picture.rows()
    if seen.horizon is None or not 0.08 < seen.horizon < 0.92:
        return np.asarray(0.25 + 0.4 * rows, np.float32)  # a guess: gently
    below = np.clip((rows - seen.horizon) / (1.0 - seen.horizon), 0.0, 1.0)
    haze = smooth(np.clip(1.2 * seen.picture.hsv[..., 1] + 0.9 * seen.detail, 0.0, 1.0), 8.0)
    standing = 0.12 + 0.2 * haze
    return np.asarray(np.maximum(standing, 0.15 + 0.75 * below**0.85), np.float32)


def _by_focus(seen: SceneMaps) -> Map:
    sharpest = max(0.05, float(np.percentile(seen.focus, 95)))
    return np.asarray(0.15 + 0.65 * np.clip(seen.focus / sharpest, 0.0, 1.0), np.float32)


def _focus_says(seen: SceneMaps, photo: PreparedPhoto) -> float:
    """How much defocus says about depth, 0-0.8: a lot with a long lens wide open or a close subject."""
    inside = seen.subject > 0.5
    contrast = (
        float(seen.focus[inside].mean() - seen.focus[~inside].mean()) if inside.any() and not inside.all() else 0.0
    )
    says = np.clip(contrast / 0.2, 0.0, 0.6)
    if photo.f_number and photo.focal_35mm:
        says += 0.2 * float(np.clip(photo.focal_35mm / photo.f_number / 25.0 - 0.4, 0.0, 1.0))
    return float(np.clip(says, 0.0, 0.8))


def _upright(depth: Map, seen: SceneMaps, reach: float, but: Map | float = 0.0) -> Map:
    """Poles, masts, trunks and walls are as near at the top as at the foot: they must not lean.

    Args:
        depth: 0 far to 1 near.
        seen: the scene maps that say where they are.
        reach: how far along a column to look, share of the height.
        but: what stays as it is, 0-1.
    """
    upright = seen.upright * (1.0 - but)
    # The foot decides, not the sky beside it or haze mistaken for sky.
    weight = upright * (1.0 - seen.sky) + np.float32(1e-3)
    sigma = reach * depth.shape[0]
    along = down_columns(depth * weight, sigma) / down_columns(weight, sigma)
    return np.asarray(depth + (along - depth) * upright, np.float32)


def _with_bodies(depth: Map, seen: SceneMaps) -> Map:
    """The subject and everybody else on one plane each: no depth inside, so no distortion.

    Who does not belong to the subject is as near as the feet, like all that stands on the ground.
    """
    everybody = bodies(seen)
    subject = np.clip(seen.subject, 0.0, 1.0)
    if _landscape(seen, everybody):
        subject = np.zeros_like(depth)
    inside = subject > 0.5
    level = max(SUBJECT_NEARNESS, float(np.percentile(depth[inside], 80))) if inside.any() else 0.0
    whole, others = subject, list[tuple[float, Map]]()
    for body in everybody:
        there = body_map(body.box, depth.shape)
        if float(np.average(subject, weights=there + 1e-6)) > _BELONGS:
            whole = np.maximum(whole, filled(subject, body.box))
        else:
            others.append((_at_foot(depth, body.box), there))
    for near, there in sorted(others, key=lambda other: other[0]):
        depth = depth + (np.float32(near) - depth) * there
    return np.asarray(depth + (np.float32(level) - depth) * whole, np.float32)


def _landscape(seen: SceneMaps, everybody: Sequence[Body]) -> bool:
    """A box over nearly the whole picture, with nobody who fills it, holds a landscape: near and far do not move as
    one."""
    box = seen.subject_box
    if box is None or seen.faces or box.width <= 0.8 or box.area <= 0.45:
        return False
    return all(body.box.area < 0.4 * box.area for body in everybody)


def _at_foot(depth: Map, box: BoundingBox) -> float:
    height, width = box.height / 8, box.width / 2
    foot = BoundingBox(box.x + width / 2, box.y + box.height - height, width, height)
    ground = depth[box_mask(foot, depth.shape)]
    return float(np.median(ground)) if ground.size else float(np.median(depth))


def _grown(depth: Map) -> Map:
    """Near things slightly enlarged, so that their edges move with them and the seam falls outside."""
    size = max(3, max(depth.shape) // 40) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return smooth(np.asarray(cv2.dilate(depth, kernel), np.float32), size / 1.6)
