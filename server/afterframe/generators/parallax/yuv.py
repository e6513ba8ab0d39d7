"""sRGB pixels to BT.709 limited-range planes, as H.264 players expect them.

The matrix is Rec. ITU-R BT.709-6, items 3.2-3.4 (8-bit quantisation: Y 16-235, Cb and Cr 16-240); sRGB and
BT.709 share their primaries, and players undo the same transfer curve for both. Chroma samples sit on the
left luma column, half way between two rows (H.264 Annex E, chroma_sample_loc_type 0, the default).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from afterframe.imaging.frames import Pixels

_KR, _KB = 0.2126, 0.0722
_KG = 1.0 - _KR - _KB
RGB_TO_YCBCR = np.array(
    [
        [219 / 255 * _KR, 219 / 255 * _KG, 219 / 255 * _KB, 16.0],
        [-112 / 255 * _KR / (1 - _KB), -112 / 255 * _KG / (1 - _KB), 112 / 255, 128.0],
        [112 / 255, -112 / 255 * _KG / (1 - _KR), -112 / 255 * _KB / (1 - _KR), 128.0],
    ],
    np.float32,
)
"""Rows Y, Cb, Cr over columns R, G, B (0-255) and the offset."""

_LEFT_SITED = np.array([0.25, 0.5, 0.25], np.float32)

_HALF_SAMPLE = np.array([[1, -5, 20, 20, -5, 1]], np.float32) / 32
"""Interpolates half way between samples; Rec. ITU-T H.264, 8.4.2.2.1."""


@dataclass(frozen=True, slots=True)
class Planes:
    """A picture prepared for sampling at any position.

    Luma is held at twice its size (every second sample is an original one): bilinear sampling there loses far
    less detail than at the original size, and costs the same.
    """

    luma2x: Pixels
    """uint8 (2 * height, 2 * width)."""
    cb: Pixels
    """uint8 (height / 2, width / 2)."""
    cr: Pixels


def planes(rgb: Pixels) -> Planes:
    """Convert uint8 sRGB (height, width, 3), both even."""
    ycbcr = np.asarray(cv2.transform(rgb, RGB_TO_YCBCR), np.uint8)
    luma, cb, cr = cv2.split(ycbcr)
    return Planes(luma2x=_doubled(np.asarray(luma)), cb=_halved(np.asarray(cb)), cr=_halved(np.asarray(cr)))


def _halved(chroma: Pixels) -> Pixels:
    """Every second column, low-passed around it; rows averaged in pairs."""
    wide = np.asarray(cv2.sepFilter2D(chroma, cv2.CV_32F, _LEFT_SITED, np.ones(1, np.float32)), np.float32)
    pairs = (wide[0::2, ::2] + wide[1::2, ::2]) / 2
    return np.asarray(np.round(pairs), np.uint8)


def _doubled(luma: Pixels) -> Pixels:
    """Twice the size; the samples at even rows and columns are the original ones."""
    height, width = luma.shape
    doubled = np.empty((2 * height, 2 * width), np.uint8)
    doubled[::2, ::2] = luma
    doubled[::2, 1::2] = cv2.filter2D(luma, cv2.CV_8U, _HALF_SAMPLE, anchor=(2, 0))
    rows = np.ascontiguousarray(doubled[::2])
    doubled[1::2] = cv2.filter2D(rows, cv2.CV_8U, _HALF_SAMPLE.T, anchor=(0, 2))
    return doubled
