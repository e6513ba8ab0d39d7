"""People, animals and things by YOLOX-Nano, COCO's 80 classes.

Ge et al., "YOLOX: Exceeding YOLO Series in 2021", arXiv:2107.08430; form of input and output as in the makers'
repository, demo/ONNXRuntime.
"""

from __future__ import annotations

import functools
import logging

import cv2
import numpy as np
import numpy.typing as npt

from afterframe.coco import CLASSES
from afterframe.scene import Detection
from afterframe.vision.analysis_image import Pixels
from afterframe.vision.boxes import clipped

OBJECT_SIDE = 416
_STRIDES = (8, 16, 32)
_LEAST = 0.1
"""Confidence below which nothing is kept; from here on it is a hint, no more."""
_SAME = 0.45
_MOST = 100
"""Detections that are kept."""

OBJECT_OUTPUT = (1, sum((OBJECT_SIDE // stride) ** 2 for stride in _STRIDES), 5 + len(CLASSES))

log = logging.getLogger(__name__)


class ObjectNet:
    """The net, loaded.

    Args:
        name: of its file.
        net: as OpenCV read it.
    """

    def __init__(self, name: str, net: cv2.dnn.Net) -> None:
        self.name = name
        self._net = net

    def find(self, pixels: Pixels) -> tuple[Detection, ...] | None:
        """What is seen in a picture (uint8 sRGB), surest first; None: the net failed."""
        height, width = pixels.shape[:2]
        scale = OBJECT_SIDE / max(height, width)
        wide, high = max(1, round(width * scale)), max(1, round(height * scale))
        square = np.full((OBJECT_SIDE, OBJECT_SIDE, 3), 114, np.uint8)
        how = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
        square[:high, :wide] = cv2.cvtColor(cv2.resize(pixels, (wide, high), interpolation=how), cv2.COLOR_RGB2BGR)
        try:
            self._net.setInput(np.ascontiguousarray(square.transpose(2, 0, 1)[None], np.float32))
            rows = np.asarray(self._net.forward(), np.float32)[0]
        except cv2.error as error:
            log.warning("the object net failed: %s", error)
            return None
        return _read(rows, (wide, high))


@functools.cache
def _grid() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Of each row of the output: its cell (x, y), and its stride, pixels."""
    cells, strides = [], []
    for stride in _STRIDES:
        side = OBJECT_SIDE // stride
        y, x = np.mgrid[0:side, 0:side]
        cells.append(np.stack([x.ravel(), y.ravel()], axis=1))
        strides.append(np.full((side * side, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _read(rows: npt.NDArray[np.float32], size: tuple[int, int]) -> tuple[Detection, ...]:
    """The net's output as detections; ``size``: (width, height) of the picture in the net's square, pixels."""
    cells, strides = _grid()
    scores = rows[:, 4:5] * rows[:, 5:]
    classes = scores.argmax(axis=1)
    best = scores[np.arange(len(scores)), classes]
    likely = np.flatnonzero(best >= _LEAST)
    centres = (rows[likely, :2] + cells[likely]) * strides[likely]
    sides = np.exp(np.minimum(rows[likely, 2:4], 10.0)) * strides[likely]
    boxes = np.concatenate([centres - sides / 2, sides], axis=1)
    order = cv2.dnn.NMSBoxesBatched(
        boxes.tolist(), best[likely].tolist(), classes[likely].tolist(), _LEAST, _SAME, top_k=_MOST
    )
    found = []
    for index in np.asarray(order, int).ravel():
        place = boxes[index] / (*size, *size)
        label, score = CLASSES[classes[likely[index]]], float(best[likely[index]])
        found.append(clipped(label, score, *(float(value) for value in place)))
    return tuple(sorted((thing for thing in found if thing is not None), key=lambda thing: -thing.confidence))
