"""What a photo shows: two small nets find faces, people and things, or else OpenCV's packaged cascades find faces.

:func:`analyse` is for recipes and framing (a few numbers and boxes); :func:`map_scene` is for generators (maps).
The same pixels always give the same result.
"""

from __future__ import annotations

from afterframe.vision.analysis_image import AnalysisImage, Map, Pixels, analysis_image
from afterframe.vision.detectors import Detectors, load_detectors
from afterframe.vision.look import facts_needed, look
from afterframe.vision.maps import SceneMaps
from afterframe.vision.scene_maps import analyse, map_scene

__all__ = [
    "AnalysisImage",
    "Detectors",
    "Map",
    "Pixels",
    "SceneMaps",
    "analyse",
    "analysis_image",
    "facts_needed",
    "load_detectors",
    "look",
    "map_scene",
]
