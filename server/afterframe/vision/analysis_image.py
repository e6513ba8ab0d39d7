"""A photo scaled down to the size at which it is analysed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from afterframe.scene import BoundingBox

Pixels = npt.NDArray[np.uint8]
Map = npt.NDArray[np.float32]
"""A float32 value per pixel, shape (height, width), 0-1 unless said otherwise."""

LONG_SIDE = 512
"""Pixels. Large enough for faces a twentieth of the picture wide and for the focus map; small enough for 0.3 s."""


@dataclass(frozen=True, slots=True)
class AnalysisImage:
    """The small picture in the colour spaces that the detectors use."""

    rgb: Pixels
    """uint8 sRGB (height, width, 3)."""
    luma: Map
    """0-1, gamma-encoded."""
    lab: Map
    """CIELAB (height, width, 3): L 0-100, a and b about -100 to 100."""
    hsv: Map
    """(height, width, 3): hue 0-360 degrees, saturation 0-1, value 0-1."""

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width), pixels."""
        return self.luma.shape[0], self.luma.shape[1]

    def rows(self) -> Map:
        """Each pixel's vertical position: 0 at the top edge, 1 at the bottom edge."""
        height, width = self.shape
        ramp = np.linspace(0.0, 1.0, height, dtype=np.float32)
        return np.repeat(ramp[:, None], width, axis=1)


def analysis_image(pixels: Pixels, long_side: int = LONG_SIDE) -> AnalysisImage:
    """Scale ``pixels`` (uint8 sRGB, upright) down to ``long_side``; smaller ones are kept as they are."""
    height, width = pixels.shape[:2]
    scale = min(1.0, long_side / max(height, width))
    rgb = pixels
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        rgb = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    unit = rgb.astype(np.float32) / 255.0
    return AnalysisImage(
        rgb=np.ascontiguousarray(rgb),
        luma=np.asarray(cv2.cvtColor(unit, cv2.COLOR_RGB2GRAY), np.float32),
        lab=np.asarray(cv2.cvtColor(unit, cv2.COLOR_RGB2LAB), np.float32),
        hsv=np.asarray(cv2.cvtColor(unit, cv2.COLOR_RGB2HSV), np.float32),
    )


def smooth(values: npt.NDArray[np.floating], sigma: float) -> Map:
    """Gaussian blur, sigma in pixels, edges mirrored."""
    return np.asarray(
        cv2.GaussianBlur(values.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101),
        np.float32,
    )


def down_columns(values: npt.NDArray[np.floating], sigma: float) -> Map:
    """Gaussian blur along columns only, sigma in pixels, edges repeated."""
    size = 2 * round(2.5 * sigma) + 1
    rim = cv2.BORDER_REPLICATE
    values = values.astype(np.float32)
    return np.asarray(cv2.GaussianBlur(values, (1, size), 0.1, sigmaY=sigma, borderType=rim), np.float32)


def unit(values: npt.NDArray[np.floating]) -> Map:
    """Clip to 0-1, as float32."""
    return np.asarray(np.clip(values, 0.0, 1.0), np.float32)


def gradients(values: Map) -> tuple[Map, Map]:
    """Horizontal and vertical derivative per pixel (Scharr, normalised to value units per pixel)."""
    dx = cv2.Scharr(values, cv2.CV_32F, 1, 0, scale=1 / 32)
    dy = cv2.Scharr(values, cv2.CV_32F, 0, 1, scale=1 / 32)
    return np.asarray(dx, np.float32), np.asarray(dy, np.float32)


def refine(values: Map, guide: Map, radius: int, epsilon: float = 1e-3) -> Map:
    """Make ``values`` follow the edges of ``guide``.

    The guided filter of He, Sun and Tang, "Guided Image Filtering", ECCV 2010, eqs. 5-8, with a grey guide.

    Args:
        values: the map to refine.
        guide: 0-1, same shape.
        radius: half the window, pixels.
        epsilon: edges with a lower variance are smoothed.
    """
    window = (2 * radius + 1, 2 * radius + 1)

    def mean(values: npt.NDArray[np.floating]) -> Map:
        return np.asarray(
            cv2.boxFilter(values.astype(np.float32), cv2.CV_32F, window, borderType=cv2.BORDER_REFLECT_101),
            np.float32,
        )

    mean_guide, mean_values = mean(guide), mean(values)
    covariance = mean(guide * values) - mean_guide * mean_values
    variance = mean(guide * guide) - mean_guide * mean_guide
    slope = covariance / (variance + np.float32(epsilon))
    offset = mean_values - slope * mean_guide
    return np.asarray(mean(slope) * guide + mean(offset), np.float32)


def box_mask(box: BoundingBox, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """The pixels inside ``box``, on a map of ``shape`` (height, width)."""
    height, width = shape
    mask = np.zeros(shape, np.bool_)
    top, bottom = round(box.y * height), round((box.y + box.height) * height)
    left, right = round(box.x * width), round((box.x + box.width) * width)
    mask[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = True
    return mask
