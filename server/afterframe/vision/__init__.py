"""What a photo shows, found without trained weights beyond OpenCV's packaged face cascades.

:func:`look` is for recipes and framing (a few numbers and boxes); :func:`survey` is for generators (maps).
The same pixels always give the same answer.
"""

from __future__ import annotations

from afterframe.vision.analysis_image import Canvas, Map, Pixels, canvas
from afterframe.vision.scene_maps import Survey, look, survey

__all__ = ["Canvas", "Map", "Pixels", "Survey", "canvas", "look", "survey"]
