"""Where the picture is sharp, and how sharp."""

from __future__ import annotations

import numpy as np

from afterframe.vision.analysis_image import AnalysisImage, Map, gradients, refine, smooth, unit


def focus_map(picture: AnalysisImage) -> Map:
    """How much of the local contrast is fine: near 1 in focus, near 0 defocused or without detail.

    The ratio of gradient energy at the finest scale to that after a blur of two pixels: a defocused edge
    loses little by a further blur, a sharp one loses much. After Zhuo and Sim, "Defocus map estimation from
    a single image", Pattern Recognition 44, 2011, made dense by normalised averaging and a guided filter.
    """
    fine = np.hypot(*gradients(picture.luma))
    coarse = np.hypot(*gradients(smooth(picture.luma, 2.0)))
    sharpness = np.clip((fine / (coarse + 0.004) - 1.0) / 2.5, 0.0, 1.0)
    weight = np.clip((fine - 0.006) / 0.03, 0.0, 1.0)
    spread = max(picture.shape) / 50
    dense = smooth(sharpness * weight, spread) / (smooth(weight, spread) + 0.12)
    return unit(refine(dense.astype(np.float32), picture.luma, round(spread)))


def detail_map(picture: AnalysisImage) -> Map:
    """Texture: mean gradient in a small neighbourhood, 0 flat to 1 busy."""
    strength = np.hypot(*gradients(picture.luma)).astype(np.float32)
    return unit(smooth(strength, max(picture.shape) / 170) / 0.08)


def blur_direction(picture: AnalysisImage) -> tuple[float, float]:
    """(strength 0-1, angle in degrees from horizontal) of the streaks that motion blur leaves.

    The structure tensor of the fine gradients over the picture: if all edges run one way, the blur did
    too. Strength is the tensor's coherence; vertical buildings also show as coherent, so use it with
    care.
    """
    dx, dy = gradients(picture.luma)
    xx, yy, xy = float((dx * dx).mean()), float((dy * dy).mean()), float((dx * dy).mean())
    spread = float(np.hypot(xx - yy, 2 * xy))
    angle = 0.5 * np.degrees(np.arctan2(2 * xy, xx - yy)) + 90.0
    return spread / (xx + yy + 1e-9), float((angle + 90.0) % 180.0 - 90.0)
