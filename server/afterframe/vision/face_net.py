"""Faces by YuNet.

Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20, 2023; run by
cv2.FaceDetectorYN.
"""

from __future__ import annotations

import logging
from typing import Any

import cv2
import numpy as np

from afterframe.scene import Detection
from afterframe.vision.analysis_image import Pixels
from afterframe.vision.boxes import clipped, overlap, without_doubles

FACE_OUTPUTS = frozenset(f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in (8, 16, 32))
FACE_LABEL = "face"
SIDES = (1024, 320)
"""Long sides at which a picture is searched, pixels: small faces at the first, those that fill it at the second."""
_SURE = 0.7
"""Confidence from which it is a face."""
_LARGE = 0.25
"""Side of a face as a share of the long side from which the coarse search is believed."""
_SAME = 0.3

log = logging.getLogger(__name__)


class FaceNet:
    """The net, loaded.

    Args:
        name: of its file.
        model: the file's bytes.
    """

    def __init__(self, name: str, model: Pixels) -> None:
        self.name = name
        self._net = cv2.FaceDetectorYN.create("onnx", model, np.zeros(0, np.uint8), (320, 320), _SURE, _SAME, 400)

    def find(self, pixels: Pixels, sides: tuple[int, int] = SIDES) -> tuple[Detection, ...] | None:
        """Faces in a picture (uint8 sRGB), largest first; None: the net failed.

        Args:
            sides: the long sides at which it is searched, pixels.
        """
        try:
            fine, coarse = (self._at(pixels, side) for side in sides)
        except cv2.error as error:
            log.warning("the face net failed: %s", error)
            return None
        longest = max(pixels.shape[:2])
        large = [
            face
            for face in coarse
            if max(face.width * pixels.shape[1], face.height * pixels.shape[0]) >= _LARGE * longest
        ]
        kept = without_doubles([*fine, *large], _SAME, overlap)
        return tuple(sorted(kept, key=lambda face: -face.width * face.height))

    def _at(self, pixels: Pixels, side: int) -> list[Detection]:
        height, width = pixels.shape[:2]
        scale = min(1.0, side / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if scale < 1.0 else pixels
        self._net.setInputSize(size)
        rows: Any = self._net.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1]
        if rows is None:
            return []
        boxes = ((row[:4] / (*size, *size), float(row[14])) for row in np.asarray(rows, np.float64))
        found = (clipped(FACE_LABEL, score, *(float(value) for value in box)) for box, score in boxes)
        return [face for face in found if face is not None]
