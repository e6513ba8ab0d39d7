"""Sky, water, foliage and the horizon, by colour, texture and position."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from afterframe.vision.analysis_image import AnalysisImage, Map, down_columns, gradients, refine, smooth, unit

Mask = npt.NDArray[np.bool_]
_RIDGE_SIDE = 128
"""Long side of the picture searched for ridges, pixels."""


def sky_map(picture: AnalysisImage, detail: Map) -> Map:
    """1 in the sky, 0 elsewhere, soft along its edge.

    Sky reaches the top edge, is smooth for its brightness and has the colour of a sky: blue, bright and grey,
    the warm glow of a low sun, or the black of night.
    """
    hue, saturation, value = (picture.hsv[..., i] for i in range(3))
    blue = (hue > 175) & (hue < 265) & (value > 0.15)
    grey = ((saturation < 0.1) | ((saturation < 0.22) & (hue > 150) & (hue < 285))) & (value > 0.45)
    paint = ((hue < 15) | (hue > 335)) & (saturation > 0.75)
    warm = (((hue < 55) & (saturation > 0.1)) | ((hue > 335) & (saturation > 0.25))) & ~paint
    twilight = ((saturation < 0.1) | ((saturation < 0.3) & (hue < 110))) & (detail < 0.06)
    glow = (warm | twilight) & (value > 0.12) & _brightens_downward(picture)
    dark = value < 0.14
    calm = detail < np.where(blue, 0.45, 0.28)
    sky = _reaching_top((blue | grey | glow | dark) & calm)
    if not sky.any():
        sky = _sunset(picture, warm & (value > 0.5) & (detail < 0.28))
    sky &= ~(dark & _blocked(sky))
    sky = _one_light(sky, value)
    sky = _to_its_end(sky, (detail < 0.05) & (value > 0.25))
    sky = _above_a_ridge(picture, _above_a_line(picture, sky))
    if _implausible(picture, sky):
        return np.zeros(picture.shape, np.float32)
    sky = _filled(sky, picture)
    return unit(refine(sky.astype(np.float32), picture.luma, max(picture.shape) // 60, 1e-4))


def _sunset(picture: AnalysisImage, warm: Mask) -> Mask:
    """A sky that is lit all over by a sun in it: strongly coloured, from edge to edge, down to a straight horizon."""
    sky = np.zeros_like(warm)
    for row in _straight_rows(picture):  # waves may be as straight as the horizon above them
        above, below = warm[:row], warm[row:]
        colour = float(picture.hsv[:row, :, 1].mean())
        lit = colour >= 0.35 and float(picture.luma[:row].max()) >= 0.97
        if 0.2 < row / len(warm) < 0.9 and above.mean() >= 0.85 and below.mean() <= 0.4 and lit:
            sky[:row] = above
            return _reaching_top(sky)
    return sky


def _one_light(sky: Mask, value: Map) -> Mask:
    """One sky is not both day and night: beside a bright sky, black is a curtain, a wall or the lens's rim."""
    if float((sky & (value > 0.5)).mean()) < 0.03:
        return sky
    sky = sky & (value >= 0.14)
    count, labels = cv2.connectedComponents(sky.astype(np.uint8), connectivity=4)
    area = np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    mean = np.bincount(labels.ravel(), weights=value.ravel(), minlength=count) / area
    return np.asarray(sky & (mean[labels] > 0.3), np.bool_)


def _to_its_end(sky: Mask, clear: Mask) -> Mask:
    """A large sky goes on through whatever colours twilight has, down to where something ends it."""
    return _reaching_top(sky | clear) if float(sky.mean()) >= 0.15 else sky


def _blocked(sky: Mask) -> Mask:
    """Pixels with something other than sky above them: black there is shadow, not night."""
    return np.asarray(np.cumsum(~sky, axis=0) > 0.03 * sky.shape[0], np.bool_)


def _above_a_line(picture: AnalysisImage, sky: Mask) -> Mask:
    """Sky that seems to reach the bottom edge is cut at a straight horizon; without one it is not sky at all.

    Examples: sea under a sky of the same colour (cut); snow, walls, faces, water around a diver (not sky).
    """
    height = sky.shape[0]
    if height < 16 or float(sky[int(0.85 * height) :].mean()) < 0.25:
        return sky
    cut = sky.copy()
    cut[_straight_row(picture) or 0 :] = False
    return cut


def _straight_row(picture: AnalysisImage) -> int | None:
    """The row of the strongest edge across the picture, if that is straight and level."""
    dy, strength = _level_edges(picture)
    row = max(1, int(strength.argmax()))
    return row if _is_straight(dy, strength, row) else None


def _straight_rows(picture: AnalysisImage) -> list[int]:
    """The rows of straight, level edges across the picture, nearly as strong as the strongest, the upper first."""
    dy, strength = _level_edges(picture)
    rows = np.flatnonzero(strength > 0.7 * strength.max())
    return [int(row) for row in rows if row > 0 and _is_straight(dy, strength, int(row))]


def _level_edges(picture: AnalysisImage) -> tuple[Map, Map]:
    """The vertical gradient, and of each row how strong it is on the whole; 0 near the upper and lower edge."""
    height = picture.shape[0]
    _, dy = gradients(smooth(picture.luma, 1.0))
    strength = np.abs(dy.mean(axis=1))
    strength[: height // 10] = strength[-height // 10 :] = 0.0
    return dy, np.asarray(strength, np.float32)


def _is_straight(dy: Map, strength: Map, row: int) -> bool:
    along = (np.sign(dy[row].mean()) * dy[row - 1 : row + 2].mean(axis=0) > 0.4 * strength[row]).mean()
    return bool(along > 0.7 and strength[row] > 0.012)


def _above_a_ridge(picture: AnalysisImage, sky: Mask) -> Mask:
    """Sky that continues into blue mountains is cut at their ridge.

    The ridge is the line from the left edge to the right along which the picture darkens most from above to below,
    found by dynamic programming. Edges of clouds do not reach across the picture, so they are not a ridge.
    """
    if not sky.any():
        return sky
    height, width = (max(8, round(side * _RIDGE_SIDE / max(sky.shape))) for side in sky.shape)
    small = np.asarray(cv2.resize(picture.luma, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    inside = np.asarray(cv2.resize(sky.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA))
    _, dy = gradients(smooth(small, 0.8))
    darkens = np.clip(-dy, 0.0, 0.08) * (cv2.dilate(inside, np.ones((5, 3))) > 0.3)
    ridge, strength = _brightest_path(np.asarray(darkens, np.float32))
    if float(np.percentile(strength, 20)) < 0.012:
        return sky
    line = np.interp(np.linspace(0, width - 1, sky.shape[1]), np.arange(width), ridge)
    rows = np.arange(sky.shape[0])[:, None]
    return np.asarray(sky & (rows < (line + 1.0) * sky.shape[0] / height), np.bool_)


def _brightest_path(values: Map) -> tuple[npt.NDArray[np.intp], Map]:
    """The row in each column of the left-to-right path with the largest sum, at most two rows a step; its values."""
    height, width = values.shape
    came = np.zeros((height, width), np.intp)
    total = values[:, 0].astype(np.float64)
    for column in range(1, width):
        ways = np.full((5, height), -np.inf)
        for index, step in enumerate(range(-2, 3)):
            to = slice(max(0, step), height + min(0, step))
            ways[index, to] = total[max(0, -step) : height - max(0, step)] - 0.002 * abs(step)
        came[:, column] = np.arange(height) - (ways.argmax(axis=0) - 2)
        total = ways.max(axis=0) + values[:, column]
    path = np.empty(width, np.intp)
    path[-1] = total.argmax()
    for column in range(width - 1, 0, -1):
        path[column - 1] = came[path[column], column]
    return path, values[path, np.arange(width)]


def _brightens_downward(picture: AnalysisImage) -> Mask:
    """True per column where the picture grows lighter from the top towards its brightest row."""
    soft = smooth(picture.luma, max(picture.shape) / 25)
    rise = np.maximum.accumulate(soft, axis=0) - soft[:1]
    lightens = rise.max(axis=0, keepdims=True) > 0.12
    return np.asarray(np.broadcast_to(lightens, picture.shape), np.bool_)


def _reaching_top(candidate: Mask) -> Mask:
    """The connected parts of ``candidate`` that touch enough of the top edge."""
    count, labels = cv2.connectedComponents(candidate.astype(np.uint8), connectivity=4)
    width = candidate.shape[1]
    reach = np.bincount(labels[: max(2, candidate.shape[0] // 50)].max(axis=0), minlength=count) / width
    keep = reach > 0.06
    keep[0] = False
    return np.asarray(keep[labels], np.bool_)


def _implausible(picture: AnalysisImage, sky: Mask) -> bool:
    """Too small for a sky, or a wall: it fills the picture, or does not lie in its upper part."""
    share = float(sky.mean())
    if share < 0.025 or share > 0.9:
        return True
    return float(sky[: picture.shape[0] // 3].mean()) < 0.15


def _filled(sky: Mask, picture: AnalysisImage) -> Mask:
    """Close small holes: birds, wires, cloud edges."""
    size = max(3, max(picture.shape) // 60) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.morphologyEx(sky.astype(np.uint8), cv2.MORPH_CLOSE, kernel), np.bool_)


def horizon_row(picture: AnalysisImage, sky: Map) -> float | None:
    """The height of the horizon, 0 top to 1 bottom: where the sky ends in most columns; None without sky."""
    inside = sky > 0.5
    columns = inside.any(axis=0)
    if columns.mean() < 0.3:
        return None
    height = picture.shape[0]
    lowest = height - 1 - np.argmax(inside[::-1], axis=0)
    return float(np.percentile(lowest[columns], 60)) / height


def water_map(picture: AnalysisImage, sky: Map, detail: Map, horizon: float | None) -> Map:
    """1 where water is likely.

    Below the horizon, bluish, its texture lying flat, ending in a level shore; or of any colour with ripples lying
    flat right up to a straight horizon, as at sea. Roads, snow and blue mountains are excluded.
    """
    if horizon is None:
        return np.zeros(picture.shape, np.float32)
    dx, dy = gradients(picture.luma)
    reach = max(picture.shape) / 40
    across, along = smooth(np.abs(dy), reach), smooth(np.abs(dx), reach)
    hue, saturation = picture.hsv[..., 0], picture.hsv[..., 1]
    bluish = (hue > 165) & (hue < 255) & (saturation > 0.12)
    below = (picture.rows() > horizon) & (sky < 0.3)
    there = (picture.rows() > horizon - 0.15) & (sky < 0.3)  # judged by its true upper edge, not by the horizon's cut
    water = _level(bluish & there & ((across > 1.15 * along) | (detail < 0.25)) & (detail < 0.8)) * below
    if not water.any() and _straight(sky):
        water = _sea(picture, below, dx, dy)
    low = (sky > 0.5) & (picture.rows() > horizon - 0.1)
    if _as_bright_as_sky(water, sky, picture.luma) or _mirrors_no_glow(picture, water, low, across > 2.5 * along):
        return np.zeros(picture.shape, np.float32)
    return unit(refine(water, picture.luma, max(picture.shape) // 60, 1e-3))


def _as_bright_as_sky(water: Map, sky: Map, luma: Map) -> bool:
    """Whether it is snow, or fog: water gives back less light than falls on it from the sky (Fresnel's equations)."""
    below, above = luma[water > 0.5], luma[sky > 0.5]
    return bool(below.size and above.size and below.mean() > 0.85 * above.mean())


def _mirrors_no_glow(picture: AnalysisImage, water: Map, low: Mask, rippled: Mask) -> bool:
    """Whether it stays blue below a rosy sky, as mist does: smooth water mirrors the ``low`` sky above it."""
    below, red, yellow = water > 0.5, picture.lab[..., 1], picture.lab[..., 2]
    if not (below.any() and low.any()) or float(rippled[below].mean()) > 0.5:
        return False
    return bool(red[low].mean() > 8.0 and red[below].mean() < 1.5 and yellow[below].mean() < 0.0)


def _level(candidate: Mask) -> Map:
    """The large parts of ``candidate`` that begin at a level shore and fill much of the area below it."""
    size = max(3, max(candidate.shape) // 50) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    opened = cv2.morphologyEx(candidate.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    kept = np.zeros(candidate.shape, np.float32)
    for number in range(1, count):
        part = labels == number
        if stats[number, cv2.CC_STAT_AREA] < 0.04 * labels.size:
            continue
        tops = part.argmax(axis=0)[part.any(axis=0)]
        shore = float(np.percentile(tops, 25))
        level = float((np.abs(tops - shore) < 0.02 * len(part)).mean())
        if level > 0.4 and float(part[int(shore) :].mean()) > 0.3:
            kept[part] = 1.0
    return kept


def _straight(sky: Map) -> bool:
    """The sky ends in a straight, nearly level line across most of the picture, as it does at sea."""
    inside = sky > 0.5
    columns = np.flatnonzero(inside.any(axis=0))
    height, width = sky.shape
    if len(columns) < 0.6 * width:
        return False
    ends = height - np.argmax(inside[::-1], axis=0)[columns]
    near = np.abs(ends - np.median(ends)) < 0.05 * height
    if near.mean() < 0.5:
        return False
    slope, start = np.polyfit(columns[near], ends[near], 1)
    off = np.abs(ends - slope * columns - start)[near]
    return bool((off <= max(1.5, 0.01 * height)).mean() > 0.6 and abs(slope) < 0.06 and start < 0.95 * height)


def _sea(picture: AnalysisImage, below: Mask, dx: Map, dy: Map) -> Map:
    """The area below a straight horizon, as far down as its texture is flat; masts in it are ignored."""
    free = (upright_map(picture) < 0.5) & below
    if float(free.mean()) < 0.05:
        return np.zeros(picture.shape, np.float32)
    reach, weight = max(picture.shape) / 40, free.astype(np.float32)
    around = smooth(weight, reach) + np.float32(1e-3)
    across, along = smooth(np.abs(dy) * weight, reach) / around, smooth(np.abs(dx) * weight, reach) / around
    flat = across > 1.2 * along
    if float(flat[free].mean()) < 0.7:
        return np.zeros(picture.shape, np.float32)
    rough = across > 0.4 * float(np.percentile(across[free], 90))  # ripples, and no smooth beach before them
    rippled = smooth((flat & rough & free).astype(np.float32), 2 * reach)
    rippled = rippled / (smooth(weight, 2 * reach) + np.float32(1e-3))
    return _level((rippled > 0.5) & below)


def foliage_map(picture: AnalysisImage, detail: Map) -> Map:
    """1 where leaves or grass are likely: green to yellow-green, textured."""
    hue, saturation, value = (picture.hsv[..., i] for i in range(3))
    green = ((hue > 55) & (hue < 165) & (saturation > 0.15) & (value > 0.08)).astype(np.float32)
    leafy = smooth(green, max(picture.shape) / 80) * np.clip(detail / 0.35, 0.0, 1.0)
    return unit(leafy)


def upright_map(picture: AnalysisImage) -> Map:
    """1 along tall vertical edges and close beside or between them: poles, masts, trunks, towers, walls."""
    dx, dy = gradients(picture.luma)
    height, width = picture.shape
    edge = unit((np.abs(dx) - 1.2 * np.abs(dy)) / 0.04)
    edge = smooth(np.asarray(cv2.dilate(edge, np.ones((1, 7), np.uint8)), np.float32), 2.0)
    upright = unit(down_columns(edge, 0.06 * height) / 0.35 - 0.25)
    # Both edges of a tower are one tower, up to where they end.
    between = cv2.morphologyEx(upright, cv2.MORPH_CLOSE, np.ones((1, width // 16 | 1), np.uint8))
    return smooth(np.asarray(cv2.dilate(between, np.ones((height // 12 | 1, 1), np.uint8)), np.float32), 3.0)
