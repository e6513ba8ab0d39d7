"""The eyes: two small nets that find faces, and people, animals and things. Both are optional files.

A folder may hold any files; a net is known by its outputs, not by its name.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from afterframe.scene import Detection
from afterframe.vision.analysis_image import Pixels
from afterframe.vision.face_net import FACE_OUTPUTS, FaceNet
from afterframe.vision.object_net import OBJECT_OUTPUT, OBJECT_SIDE, ObjectNet
from photometa.regular import open_regular

LARGEST_FILE = 64 << 20
"""A file with more bytes is no small detector, and is not read."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Detectors:
    """The nets of one folder; None for one that is not there."""

    faces: FaceNet | None = None
    objects: ObjectNet | None = None
    rejected: tuple[str, ...] = ()
    """Names of files that are called like a net and are none that can be used, each with the reason."""

    @property
    def complete(self) -> bool:
        """Whether both are there."""
        return self.faces is not None and self.objects is not None

    def find_faces(self, pixels: Pixels) -> tuple[Detection, ...] | None:
        """Human faces, largest first; None without the net, or where it failed."""
        return self.faces.find(pixels) if self.faces else None

    def find_objects(self, pixels: Pixels) -> tuple[Detection, ...] | None:
        """People, animals and things, surest first; None without the net, or where it failed."""
        return self.objects.find(pixels) if self.objects else None


def load_detectors(folder: Path | None) -> Detectors:
    """The nets in a folder, loaded once and again when one of its files changes.

    Args:
        folder: of ``.onnx`` files; None or one that is not there: no nets.
    """
    return _loaded(_nets_in(folder)) if folder else Detectors()


def may_be_there(folder: Path) -> bool:
    """Whether two files lie in a folder that may be the nets; they are not read."""
    return len(_nets_in(folder)) > 1


def _nets_in(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Path, size and time of each file that may be a net."""
    try:
        with os.scandir(folder) as entries:
            stats = [(entry.path, entry.stat()) for entry in entries if entry.name.lower().endswith(".onnx")]
    except OSError:
        return ()
    return tuple(sorted((path, stat.st_size, stat.st_mtime_ns) for path, stat in stats))


@functools.lru_cache(maxsize=1)
def _loaded(files: Sequence[tuple[str, int, int]]) -> Detectors:
    faces: FaceNet | None = None
    objects: ObjectNet | None = None
    rejected = []
    for name, _, _ in files:
        path = Path(name)
        try:
            net = read_net(path)
        except (OSError, ValueError) as error:
            log.warning("%s is not used: %s", path, error)
            rejected.append(f"{path.name}: {error}")
            continue
        if isinstance(net, FaceNet):
            faces = faces or net
        else:
            objects = objects or net
    return Detectors(faces, objects, tuple(rejected))


def read_net(path: Path) -> FaceNet | ObjectNet:
    """Read a net from a file. OpenCV itself cannot open every path on Windows, so it is given the bytes.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not one of the two nets, with the reason.
    """
    with os.fdopen(open_regular(path), "rb") as file:
        data = file.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise ValueError(f"it has more than {LARGEST_FILE >> 20} MiB")
    model = np.frombuffer(data, np.uint8)
    try:
        net = cv2.dnn.readNetFromONNX(model)
        outputs = frozenset(net.getUnconnectedOutLayersNames())
        if outputs == FACE_OUTPUTS:
            return FaceNet(path.name, model)
        if len(outputs) == 1 and _object_output(net) == OBJECT_OUTPUT:
            return ObjectNet(path.name, net)
    except (cv2.error, SystemError) as error:
        raise ValueError("it is not a net that OpenCV can read") from error
    raise ValueError("its inputs and outputs are neither YuNet's nor YOLOX's")


def _object_output(net: cv2.dnn.Net) -> tuple[int, ...]:
    net.setInput(np.zeros((1, 3, OBJECT_SIDE, OBJECT_SIDE), np.float32))
    output: npt.NDArray[np.float32] = np.asarray(net.forward(), np.float32)
    return output.shape
