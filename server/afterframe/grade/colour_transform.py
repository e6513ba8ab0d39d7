"""One smooth change of colour: fitting it to samples, and the look-up table that applies it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from afterframe.imaging.colour import Floats, from_oklab, to_oklab
from afterframe.imaging.frames import Pixels

NODES = 25
"""Nodes of the look-up table along each of red, green and blue."""
_ROUNDS = 4
"""How often the samples are reweighted by how well they fit."""
_STIFFNESS = np.diag([4e-6, 8e-6, 8e-6, 8e-6] + [4e-5] * 7)
"""How strongly each feature is held to the prior (ridge regression), against samples of total weight 1."""
_OFF = 0.03
"""A sample this far off counts half, OKLab: it shows something else, or was clipped."""


@dataclass(frozen=True, slots=True)
class Transform:
    """OKLab -> OKLab: each colour plus a combination of :func:`_features`."""

    coefficients: npt.NDArray[np.float64]
    """(features, 3); zeros change nothing."""

    def oklab(self, lab: Floats) -> Floats:
        """Change colours (..., 3)."""
        return np.asarray(lab + _features(lab) @ self.coefficients, np.float32)

    def scaled(self, strength: float) -> Transform:
        """Between no change (0) and all of it (1)."""
        return Transform(self.coefficients * strength)

    def table(self) -> ImageFilter.Color3DLUT:
        """As a three-dimensional look-up table for Pillow, which interpolates linearly."""
        # Pillow lets red run fastest.
        return ImageFilter.Color3DLUT(NODES, from_oklab(self.oklab(_GRID)).reshape(-1))


NONE = Transform(np.zeros((11, 3)))


def apply(table: ImageFilter.Color3DLUT, frame: Pixels) -> Pixels:
    """Change a frame, uint8 sRGB (height, width, 3)."""
    return np.asarray(Image.fromarray(frame).filter(table), np.uint8)


def fit(seen: Floats, wanted: Floats, weight: Floats, prior: Transform = NONE) -> Transform:
    """The transform that maps colours closest to others, robust against outliers.

    Args:
        seen: OKLab (samples, 3).
        wanted: OKLab (samples, 3), what each should become.
        weight: (samples,), the weight of each.
        prior: used where the samples say little.
    """
    features = _features(seen)
    missing = (wanted - prior.oklab(seen)).astype(np.float64)
    belief = weight.astype(np.float64)
    found = np.zeros_like(prior.coefficients)
    for _ in range(_ROUNDS):
        share = (belief / belief.sum())[:, None]
        normal = features.T @ (features * share) + _STIFFNESS
        found = np.linalg.solve(normal, features.T @ (missing * share))
        off = np.linalg.norm(missing - features @ found, axis=1)
        scale = max(3 * float(np.median(off)), _OFF)
        belief = weight / (1 + (off / scale) ** 2)
    return Transform(prior.coefficients + found)


def _features(lab: Floats) -> npt.NDArray[np.float64]:
    """(..., 11). Exposure, white balance and saturation are linear in OKLab; the rest is for curves."""
    light, a, b = np.moveaxis(lab.astype(np.float64), -1, 0)
    light = light - 0.5
    straight = (np.ones_like(light), light, a, b)
    bent = (light * light, light * a, light * b, a * a, a * b, b * b, light**3)
    return np.stack(straight + bent, axis=-1)


_STEPS = np.linspace(0, 1, NODES, dtype=np.float32)
_GRID = to_oklab(np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS, indexing="ij")[::-1], axis=-1))
