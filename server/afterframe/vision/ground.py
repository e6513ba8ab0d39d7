"""Sky, water, foliage and the horizon, by colour, texture and position."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from afterframe.vision.canvas import Canvas, Map, down_columns, gradients, refine, smooth, unit

Mask = npt.NDArray[np.bool_]


def sky_map(picture: Canvas, detail: Map) -> Map:
    """1 in the sky, 0 elsewhere, soft along its edge.

    Sky is what reaches the top edge, is smooth for its brightness and has a colour that skies have: blue,
    bright and grey, the warm glow of a low sun, or the black of night.
    """
    hue, saturation, value = (picture.hsv[..., i] for i in range(3))
    blue = (hue > 175) & (hue < 265) & (value > 0.15)
    grey = ((saturation < 0.1) | ((saturation < 0.22) & (hue > 150) & (hue < 285))) & (value > 0.45)
    warm = ((hue < 55) & (saturation > 0.1)) | ((hue > 335) & (saturation > 0.25))
    twilight = ((saturation < 0.1) | ((saturation < 0.3) & (hue < 110))) & (detail < 0.06)
    glow = (warm | twilight) & (value > 0.12) & _brightens_downward(picture)
    dark = value < 0.14
    calm = detail < np.where(blue, 0.45, 0.28)
    sky = _reaching_top((blue | grey | glow | dark) & calm)
    sky &= ~(dark & _blocked(sky))
    sky = _above_a_line(picture, sky)
    if _implausible(picture, sky):
        return np.zeros(picture.shape, np.float32)
    sky = _filled(sky, picture)
    return unit(refine(sky.astype(np.float32), picture.luma, max(picture.shape) // 60, 1e-4))


def _blocked(sky: Mask) -> Mask:
    """Pixels with something other than sky above them: black there is shadow, not night."""
    return np.asarray(np.cumsum(~sky, axis=0) > 0.03 * sky.shape[0], np.bool_)


def _above_a_line(picture: Canvas, sky: Mask) -> Mask:
    """Sky that seems to reach the bottom edge is cut at a straight horizon; without one it is no sky at all.

    Such are sea under a sky of its colour (cut), snow, walls, faces, water around a diver (no sky).
    """
    height = sky.shape[0]
    if height < 16 or float(sky[int(0.85 * height) :].mean()) < 0.25:
        return sky
    _, dy = gradients(smooth(picture.luma, 1.0))
    strength = np.abs(dy.mean(axis=1))
    strength[: height // 10] = strength[-height // 10 :] = 0.0
    row = max(1, int(strength.argmax()))
    along = (np.sign(dy[row].mean()) * dy[row - 1 : row + 2].mean(axis=0) > 0.4 * strength[row]).mean()
    straight = along > 0.7 and strength[row] > 0.012
    cut = sky.copy()
    cut[row if straight else 0 :] = False
    return cut


def _brightens_downward(picture: Canvas) -> Mask:
    """True per column where the picture grows lighter from the top towards its brightest row."""
    soft = smooth(picture.luma, max(picture.shape) / 25)
    rise = np.maximum.accumulate(soft, axis=0) - soft[:1]
    lightens = rise.max(axis=0, keepdims=True) > 0.12
    return np.asarray(np.broadcast_to(lightens, picture.shape), np.bool_)


def _reaching_top(candidate: Mask) -> Mask:
    """The connected parts of ``candidate`` that touch the top edge along a fair stretch."""
    count, labels = cv2.connectedComponents(candidate.astype(np.uint8), connectivity=4)
    width = candidate.shape[1]
    reach = np.bincount(labels[: max(2, candidate.shape[0] // 50)].max(axis=0), minlength=count) / width
    keep = reach > 0.06
    keep[0] = False
    return np.asarray(keep[labels], np.bool_)


def _implausible(picture: Canvas, sky: Mask) -> bool:
    """Too little to be a sky, or a wall: it fills the picture, or it does not lie in the upper part."""
    share = float(sky.mean())
    if share < 0.025 or share > 0.9:
        return True
    return float(sky[: picture.shape[0] // 3].mean()) < 0.15


def _filled(sky: Mask, picture: Canvas) -> Mask:
    """Close small holes: birds, wires, cloud edges."""
    size = max(3, max(picture.shape) // 60) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.morphologyEx(sky.astype(np.uint8), cv2.MORPH_CLOSE, kernel), np.bool_)


def horizon_row(picture: Canvas, sky: Map) -> float | None:
    """The height of the horizon, 0 top to 1 bottom: where the sky ends in most columns; None without sky."""
    inside = sky > 0.5
    columns = inside.any(axis=0)
    if columns.mean() < 0.3:
        return None
    height = picture.shape[0]
    lowest = height - 1 - np.argmax(inside[::-1], axis=0)
    return float(np.percentile(lowest[columns], 60)) / height


def water_map(picture: Canvas, sky: Map, detail: Map, horizon: float | None) -> Map:
    """1 where water is likely: below the horizon, bluish or sky-coloured, its texture lying flat."""
    if horizon is None:
        return np.zeros(picture.shape, np.float32)
    dx, dy = gradients(picture.luma)
    reach = max(picture.shape) / 40
    across, along = smooth(np.abs(dy), reach), smooth(np.abs(dx), reach)
    flat = across > 1.15 * along
    hue, saturation = picture.hsv[..., 0], picture.hsv[..., 1]
    bluish = (hue > 165) & (hue < 255) & (saturation > 0.12)
    below = picture.rows() > horizon
    candidate = (bluish & below & (sky < 0.3) & (flat | (detail < 0.25)) & (detail < 0.8)).astype(np.uint8)
    size = max(3, max(picture.shape) // 50) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    candidate = np.asarray(cv2.morphologyEx(candidate, cv2.MORPH_OPEN, kernel), np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(candidate, connectivity=4)
    large = (stats[:, cv2.CC_STAT_AREA] > 0.04 * labels.size) & (np.arange(count) > 0)
    water = large[labels].astype(np.float32)
    return unit(refine(water, picture.luma, max(picture.shape) // 60, 1e-3))


def foliage_map(picture: Canvas, detail: Map) -> Map:
    """1 where leaves or grass are likely: green to yellow-green, textured."""
    hue, saturation, value = (picture.hsv[..., i] for i in range(3))
    green = ((hue > 55) & (hue < 165) & (saturation > 0.15) & (value > 0.08)).astype(np.float32)
    leafy = smooth(green, max(picture.shape) / 80) * np.clip(detail / 0.35, 0.0, 1.0)
    return unit(leafy)


def upright_map(picture: Canvas) -> Map:
    """1 along tall vertical edges and what lies close beside them: poles, masts, trunks, towers, walls."""
    dx, dy = gradients(picture.luma)
    height = picture.shape[0]
    edge = unit((np.abs(dx) - 1.2 * np.abs(dy)) / 0.04)
    edge = smooth(np.asarray(cv2.dilate(edge, np.ones((1, 7), np.uint8)), np.float32), 2.0)
    return unit(down_columns(edge, 0.06 * height) / 0.35 - 0.25)
