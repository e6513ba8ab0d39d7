"""Colour spaces and colour differences, for grading and measuring. Arrays are float32 unless said otherwise."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from afterframe.imaging.frames import PixelFormat, Pixels

Floats = npt.NDArray[np.float32]

# OKLab: Björn Ottosson, "A perceptual color space for image processing", 2020; the matrices of 2021-01-25.
_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    np.float32,
)
_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    np.float32,
)
_FROM_OKLAB = np.linalg.inv(_TO_OKLAB.astype(np.float64)).astype(np.float32)
_FROM_LMS = np.linalg.inv(_TO_LMS.astype(np.float64)).astype(np.float32)

# sRGB to XYZ: IEC 61966-2-1; white point D65.
_TO_XYZ = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]], np.float32
)
_WHITE = np.array([0.95047, 1.0, 1.08883], np.float32)


def to_linear(rgb: Floats) -> Floats:
    """sRGB 0-1 to linear light 0-1 (IEC 61966-2-1)."""
    return np.where(rgb <= 0.04045, rgb / 12.92, ((np.maximum(rgb, 0) + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_srgb(light: Floats) -> Floats:
    """Linear light to sRGB, both 0-1; the reverse of :func:`to_linear`."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32)


def to_oklab(rgb: Floats) -> Floats:
    """sRGB 0-1 (..., 3) to OKLab: L 0-1, a and b about -0.4 to 0.4."""
    return np.asarray(np.cbrt(to_linear(rgb) @ _TO_LMS.T) @ _TO_OKLAB.T, np.float32)


def from_oklab(lab: Floats) -> Floats:
    """OKLab (..., 3) to sRGB 0-1; colours outside sRGB are clipped."""
    return to_srgb(np.asarray((lab @ _FROM_OKLAB.T) ** 3 @ _FROM_LMS.T, np.float32))


def to_cielab(rgb: Floats) -> Floats:
    """sRGB 0-1 (..., 3) to CIE L*a*b*, D65: L 0-100. Exact; OpenCV's table is off by up to 0.5."""
    xyz = (to_linear(rgb) @ _TO_XYZ.T) / _WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


def ciede2000(one: Floats, other: Floats) -> Floats:
    """The CIEDE2000 difference of CIE L*a*b* colours (..., 3), kL = kC = kH = 1.

    About 1 is just visible side by side. Sharma, Wu, Dalal: "The CIEDE2000 color-difference formula", 2005.
    """
    (l1, a1, b1), (l2, a2, b2) = (np.moveaxis(c.astype(np.float64), -1, 0) for c in (one, other))
    chroma7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * np.sqrt(chroma7 / (chroma7 + 25.0**7))
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    grey = c1 * c2 == 0
    turn = np.where(grey, 0.0, (h2 - h1 + 180) % 360 - 180)
    hue = np.where(grey, h1 + h2, (h1 + turn / 2) % 360)
    delta_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    s_l = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    s_c, s_h = 1 + 0.045 * chroma, 1 + 0.015 * chroma * _hue_weight(hue)
    twist = -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    twist = twist * np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    d_l, d_c, d_h = (l2 - l1) / s_l, (c2 - c1) / s_c, delta_h / s_h
    return np.asarray(np.sqrt(np.maximum(d_l**2 + d_c**2 + d_h**2 + twist * d_c * d_h, 0)), np.float32)


def _hue_weight(hue: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """CIEDE2000's T: how much a difference of hue counts at a mean hue, degrees."""
    angle = np.radians(hue)
    return np.asarray(
        1
        - 0.17 * np.cos(angle - np.radians(30))
        + 0.24 * np.cos(2 * angle)
        + 0.32 * np.cos(3 * angle + np.radians(6))
        - 0.20 * np.cos(4 * angle - np.radians(63))
    )


def small_rgb(frame: Pixels, pixel_format: PixelFormat, side: int) -> Floats:
    """A frame scaled down by averaging areas: sRGB 0-1 (height, width, 3), long side at most ``side``.

    Args:
        frame: as :class:`afterframe.imaging.frames.Frames` describes it.
    """
    if pixel_format == "rgb24":
        return _shrunk(frame, _size(frame.shape[1], frame.shape[0], side)) / np.float32(255)
    height, width = frame.shape[0] * 2 // 3, frame.shape[1]
    size = _size(width, height, side)
    half = frame[height:].reshape(2, height // 2, width // 2)
    y = (_shrunk(frame[:height], size) - 16) / 219
    cb, cr = ((_shrunk(plane, size) - 128) / 224 for plane in half)
    rgb = np.dstack([y + 1.5748 * cr, y - 0.18732 * cb - 0.46812 * cr, y + 1.8556 * cb])  # ITU-R BT.709-6
    return np.asarray(np.clip(rgb, 0, 1), np.float32)


def luma(frame: Pixels, pixel_format: PixelFormat) -> Pixels:
    """A frame's BT.709 luma in limited range, 16-235, as the clip will hold it: uint8 (height, width)."""
    if pixel_format == "yuv420p":
        return frame[: frame.shape[0] * 2 // 3]
    weights = np.array([[0.2126, 0.7152, 0.0722]], np.float32) * (219 / 255)
    return np.asarray(cv2.transform(frame, weights) + 16, np.uint8)


def _size(width: int, height: int, side: int) -> tuple[int, int]:
    scale = min(1.0, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _shrunk(picture: Pixels, size: tuple[int, int]) -> Floats:
    """Fractions of a level are kept: rounding them would be a difference of half a dE00 in the dark."""
    how = cv2.INTER_AREA if size[0] < picture.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture.astype(np.float32), size, interpolation=how), np.float32)
