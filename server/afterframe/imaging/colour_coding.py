"""Colours that a file names without an ICC profile, to sRGB: code points, or PNG's gAMA and cHRM.

What a profile's engine would do, for the spaces that come without one: stored values to light (ITU-T H.273, table 3),
light to sRGB's primaries (table 2; Bradford's adaptation to D65), and for PQ and HLG a tone mapping to SDR.

The tone mapping: 203 cd/m² is white (ITU-R BT.2408, 3.2), as everywhere between HDR and SDR. What is no brighter keeps
its value. Where a picture is brighter, the range from 90 % of white to its brightest part is rolled off into what is
left (extended Reinhard on the largest of the three channels, so that hues stay); white loses at most 5 of 255.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from afterframe.imaging.colour import Floats, to_linear, to_srgb
from afterframe.imaging.deep_pixels import DeepPixels
from afterframe.imaging.frames import Pixels
from photometa.containers.blocks import Blocks, Cicp

Chromaticities = tuple[float, ...]
"""x and y of white, red, green and blue (CIE 1931)."""

_D65 = (0.3127, 0.3290)
_C = (0.310, 0.316)
SRGB_PRIMARIES: Final = (*_D65, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060)
_PRIMARIES: dict[int, Chromaticities] = {
    1: SRGB_PRIMARIES,
    4: (*_C, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    8: (*_C, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}
_PQ, _HLG, _SRGB = 16, 18, 13
REFERENCE_WHITE = 203.0
"""cd/m² of diffuse white in HDR (ITU-R BT.2408, 3.2)."""
_HLG_PEAK = 1000.0
_KNEE = 0.9
_BRIGHTER = 1.1
"""From here on a picture has parts that are brighter than white; below it is the noise of its compression."""
_BAND = 256
"""Rows that are converted at a time."""


@dataclass(frozen=True, slots=True)
class ColourCoding:
    """What stored values mean."""

    primaries: Chromaticities
    transfer: int
    """H.273's transfer characteristics; 0: ``gamma``."""
    gamma: float = 1.0
    """Exponent from the stored value to light."""
    full_range: bool = True
    """False: black is 16 and white 235."""


ADOBE_RGB: Final = ColourCoding((*_D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06), 0, 563 / 256)
"""Adobe RGB (1998), 4.3."""


def coding_of(blocks: Blocks) -> ColourCoding | None:
    """The coding that a container names; None: sRGB, or nothing that is known.

    BT.709's curve and its like count as sRGB's: still pictures marked so were made for screens.
    """
    if blocks.cicp is not None:
        return _coding_of_cicp(blocks.cicp, narrow_possible=blocks.format == "png")
    if blocks.gamma is None and blocks.chromaticities is None:
        return None
    usual = blocks.gamma is None or abs(blocks.gamma - 1 / 2.2) < 0.0005
    primaries = blocks.chromaticities or SRGB_PRIMARIES
    if not _is_usable(primaries) or (blocks.gamma is not None and not 0.1 <= blocks.gamma <= 5):
        return None
    if usual and np.allclose(primaries, SRGB_PRIMARIES, atol=0.002):
        return None  # so programs marked sRGB before PNG had a chunk for it
    if usual:
        return ColourCoding(primaries, _SRGB)
    return ColourCoding(primaries, 0, 1 / (blocks.gamma or 1))


def _coding_of_cicp(cicp: Cicp, *, narrow_possible: bool) -> ColourCoding | None:
    primaries = _PRIMARIES.get(cicp.primaries, SRGB_PRIMARIES)
    full = cicp.full_range or not narrow_possible  # decoders of HEIF and AVIF have widened it already
    if cicp.transfer in _GAMMAS:
        return ColourCoding(primaries, 0, _GAMMAS[cicp.transfer], full_range=full)
    transfer = cicp.transfer if cicp.transfer in (_PQ, _HLG) else _SRGB
    if transfer == _SRGB and primaries is SRGB_PRIMARIES and full:
        return None
    return ColourCoding(primaries, transfer, full_range=full)


def _is_usable(primaries: Chromaticities) -> bool:
    """Whether they span a triangle around their white."""
    if len(primaries) != 8 or not all(0 <= value <= 1 for value in primaries) or min(primaries[1::2]) < 0.001:
        return False
    columns = _xyz_columns(primaries)
    return bool(abs(np.linalg.det(columns)) > 1e-4) and bool((np.linalg.solve(columns, _xyz(primaries[:2])) > 0).all())


def coded_to_srgb(pixels: Pixels | DeepPixels, coding: ColourCoding, bits: int = 8) -> Pixels:
    """Stored values to sRGB; colours outside sRGB are clipped.

    Args:
        pixels: whole numbers (height, width, 3).
        bits: of each of them.
    Returns:
        uint8 (height, width, 3).
    """
    table, matrix = _light_table(coding, bits), to_srgb_light(coding.primaries)
    peak = _peak(pixels, coding, table, matrix) if coding.transfer in (_PQ, _HLG) else 1.0
    steps = np.round(to_srgb(np.linspace(0, 1, 8192, dtype=np.float32)) * 255).astype(np.uint8)
    out = np.empty(pixels.shape, np.uint8)
    for top in range(0, pixels.shape[0], _BAND):
        light = _light(pixels[top : top + _BAND], coding, table, matrix)
        if peak > _BRIGHTER:
            light = _rolled_off(light, peak)
        out[top : top + _BAND] = steps[np.round(np.clip(light, 0, 1) * 8191).astype(np.int16)]
    return out


def to_srgb_light(primaries: Chromaticities) -> Floats:
    """The matrix from light of other primaries to linear sRGB; white stays white."""
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    white, wanted = bradford @ _xyz(primaries[:2]), bradford @ _xyz(_D65)
    adapted = np.linalg.inv(bradford) @ np.diag(wanted / white) @ bradford
    return np.asarray(np.linalg.inv(_to_xyz(SRGB_PRIMARIES)) @ adapted @ _to_xyz(primaries), np.float32)


def _to_xyz(primaries: Chromaticities) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    columns = _xyz_columns(primaries)
    return columns * np.linalg.solve(columns, _xyz(primaries[:2]))


def _xyz_columns(primaries: Chromaticities) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.stack([_xyz(primaries[at : at + 2]) for at in (2, 4, 6)], axis=1)


def _xyz(xy: tuple[float, ...]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([xy[0] / xy[1], 1.0, (1 - xy[0] - xy[1]) / xy[1]])


def _light_table(coding: ColourCoding, bits: int) -> Floats:
    """Light of each stored value; 1 is white (for HLG the scene's light, 1 is its peak)."""
    stored = np.linspace(0, 1, 1 << bits)
    if not coding.full_range:
        stored = np.clip((stored * ((1 << bits) - 1) / (1 << (bits - 8)) - 16) / 219, 0, 1)
    if coding.transfer == _PQ:
        power = stored ** (1 / 78.84375)
        nits = 10_000 * (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125)
        return np.asarray(nits / REFERENCE_WHITE, np.float32)
    if coding.transfer == _HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        return np.asarray(np.where(stored <= 0.5, stored**2 / 3, (np.exp((stored - c) / a) + b) / 12), np.float32)
    if coding.transfer == _SRGB:
        return to_linear(np.asarray(stored, np.float32))
    return np.asarray(stored**coding.gamma, np.float32)


def _light(stored: Pixels | DeepPixels, coding: ColourCoding, table: Floats, matrix: Floats) -> Floats:
    """Linear sRGB, 1 is white; may be below 0 and above 1."""
    light = table[stored]
    if coding.transfer == _HLG:  # ITU-R BT.2100, table 5: the display's gamma goes by the scene's luminance
        luminance = light @ np.array([0.2627, 0.6780, 0.0593], np.float32)
        gain = np.maximum(luminance, 1e-6) ** 0.2 * (_HLG_PEAK / REFERENCE_WHITE)
        light = np.asarray(light * gain[..., None], np.float32)
    return np.asarray(light @ matrix.T, np.float32)


def _peak(pixels: Pixels | DeepPixels, coding: ColourCoding, table: Floats, matrix: Floats) -> float:
    """The picture's brightest part, without a few stray pixels; 1 is white."""
    largest = _light(pixels[::4, ::4], coding, table, matrix).max(axis=-1)
    return float(np.quantile(largest, 0.9995))


def _rolled_off(light: Floats, peak: float) -> Floats:
    """Light up to ``peak`` brought below 1, as the module says."""
    largest = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
    above, most = (largest - _KNEE) / (1 - _KNEE), (peak - _KNEE) / (1 - _KNEE)
    rolled = _KNEE + (1 - _KNEE) * above * (1 + above / most**2) / (1 + above)
    return np.asarray(light * np.where(largest > _KNEE, rolled / largest, 1), np.float32)
