"""What a photo shows, without trained weights beyond OpenCV's packaged face cascades.

:func:`analyse` is for recipes and framing (a few numbers and boxes); :func:`map_scene` is for generators (maps).
The same pixels always give the same result.
"""

from __future__ import annotations

from afterframe.vision.analysis_image import AnalysisImage, Map, Pixels, analysis_image
from afterframe.vision.marked_faces import with_marked_faces
from afterframe.vision.scene_maps import SceneMaps, analyse, map_scene

__all__ = ["AnalysisImage", "Map", "Pixels", "SceneMaps", "analyse", "analysis_image", "map_scene", "with_marked_faces"]
