"""The maps of a picture: a value for each pixel of the analysis image."""

from __future__ import annotations

from dataclasses import dataclass

from afterframe.scene import BoundingBox, Detection
from afterframe.vision.analysis_image import AnalysisImage, Map


@dataclass(frozen=True, slots=True)
class SceneMaps:
    """The maps of one picture, all in the shape of the analysis image, 0-1."""

    picture: AnalysisImage
    faces: tuple[Detection, ...]
    things: tuple[Detection, ...]
    subject_box: BoundingBox | None
    focus: Map
    detail: Map
    sky: Map
    water: Map
    foliage: Map
    upright: Map
    saliency: Map
    subject: Map
    horizon: float | None
    """0 at the top edge, 1 at the bottom edge."""
