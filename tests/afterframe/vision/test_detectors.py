"""The two nets: how they are found, what is refused, what they see."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from onnx_models import constant_net

from afterframe.coco import CLASSES
from afterframe.scene import Detection
from afterframe.vision import Detectors, analyse, load_detectors
from afterframe.vision.object_net import OBJECT_OUTPUT

SHARED = Path(__file__).parents[3].parent / "shared"
MODELS, PHOTOS = SHARED / "models", SHARED / "photos"
with_models = pytest.mark.skipif(not MODELS.exists(), reason="the shared models are not here")
GREY = np.full((300, 400, 3), 120, np.uint8)


def object_net(*seen: tuple[int, str, float]) -> bytes:
    """A net that sees (row, class, confidence): each in a cell of the coarsest grid, 104 pixels in square."""
    rows = np.zeros(OBJECT_OUTPUT, np.float32)
    for row, label, confidence in seen:
        rows[0, row, 2:4] = np.log(104 / 32)
        rows[0, row, 4], rows[0, row, 5 + CLASSES.index(label)] = 1.0, confidence
    return constant_net({"output": rows})


CELL = 52 * 52 + 26 * 26 + 4 * 13 + 6
"""The row of the coarsest grid's cell at x 6, y 4: pixels 192, 128 of 416."""


def test_without_a_folder_nothing_is_loaded(tmp_path: Path) -> None:
    assert load_detectors(None) == Detectors()
    assert load_detectors(tmp_path / "none") == Detectors()
    assert not load_detectors(tmp_path).complete


def test_a_net_is_known_by_its_outputs_whatever_its_name_and_folder(tmp_path: Path) -> None:
    folder = tmp_path / "Geräte 目"
    folder.mkdir()
    (folder / "überall.onnx").write_bytes(object_net((CELL, "cat", 0.9)))
    found = load_detectors(folder).find_objects(GREY)
    assert found is not None
    cat = found[0]
    assert (cat.label, cat.confidence) == ("cat", pytest.approx(0.9, abs=0.001))
    # 400 x 300 fill 416 x 312 of the net's square.
    assert (cat.x, cat.y) == (pytest.approx((192 - 52) / 416, abs=0.001), pytest.approx((128 - 52) / 312, abs=0.001))
    assert (cat.width, cat.height) == (pytest.approx(104 / 416, abs=0.001), pytest.approx(104 / 312, abs=0.001))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a net",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        constant_net({"output": np.zeros((1, 10, 85), np.float32)}),
        constant_net({"output": np.zeros(OBJECT_OUTPUT, np.float32), "more": np.zeros((1,), np.float32)}),
        object_net()[:-2000],
    ],
)
def test_a_file_that_is_no_such_net_is_named_and_not_used(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "yolox_nano.onnx").write_bytes(data)
    found = load_detectors(tmp_path)
    assert found.objects is None
    assert found.faces is None
    assert found.rejected[0].startswith("yolox_nano.onnx: ")


def test_a_folder_or_a_pipe_with_a_nets_name_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "b.onnx")
    assert not load_detectors(tmp_path).complete


def test_nets_are_loaded_once_and_again_when_a_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(object_net((CELL, "cat", 0.9)))
    first = load_detectors(tmp_path)
    assert load_detectors(tmp_path) is first
    file.write_bytes(object_net((CELL, "dog", 0.9), (CELL + 1, "dog", 0.2)))
    os.utime(file, ns=(1, 1))
    assert [thing.label for thing in load_detectors(tmp_path).find_objects(GREY) or ()] == ["dog"]


def test_two_boxes_of_one_thing_are_one_and_hints_are_no_things(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(object_net((CELL, "dog", 0.9), (CELL + 1, "dog", 0.8), (CELL, "cat", 0.2)))
    nets = load_detectors(tmp_path)
    assert [thing.label for thing in nets.find_objects(GREY) or ()].count("dog") == 1
    assert {thing.label for thing in analyse(GREY, nets).things} == {"dog"}


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 2), (7, 5)])
def test_tiny_pictures_are_no_trouble(tmp_path: Path, shape: tuple[int, int]) -> None:
    (tmp_path / "net.onnx").write_bytes(object_net((CELL, "dog", 0.9)))
    analyse(np.full((*shape, 3), 128, np.uint8), load_detectors(tmp_path))


@with_models
@pytest.mark.parametrize(
    ("name", "faces", "people"),
    [
        ("canon-powershot-a560.jpg", 4, 4),
        ("canon-ixus-750.jpg", 2, 1),
        ("canon-eos-30d-4.jpg", 1, 1),
        ("nikon-e990.jpg", 0, 0),
        ("more/m020.jpg", 0, 0),
        ("more/m169.jpg", 3, 3),
    ],
)
def test_real_faces_and_people_are_seen_and_a_pumpkin_is_none(name: str, faces: int, people: int) -> None:
    pixels = cv2.cvtColor(cv2.imread(str(PHOTOS / name)), cv2.COLOR_BGR2RGB)
    scene = analyse(pixels, load_detectors(MODELS))
    large = [face for face in scene.faces if face.area > 0.004]
    assert len(large) >= faces
    assert bool(large) is bool(faces)
    assert sum(thing.label == "person" and thing.confidence > 0.5 for thing in scene.things) >= people
    assert scene.by_nets


@with_models
def test_real_nets_are_read_from_any_name(tmp_path: Path) -> None:
    for number, file in enumerate(sorted(MODELS.glob("*.onnx"))):
        shutil.copy(file, tmp_path / f"{number} ü.onnx")
    assert load_detectors(tmp_path).complete


@with_models
def test_a_cat_on_a_sofa_is_a_subject_and_no_sky() -> None:
    pixels = cv2.cvtColor(cv2.imread(str(PHOTOS / "pentax-optio-330.jpg")), cv2.COLOR_BGR2RGB)
    scene = analyse(pixels, load_detectors(MODELS))
    assert not scene.shows("sky")
    assert scene.subject is not None
    assert isinstance(scene.things[0], Detection)
