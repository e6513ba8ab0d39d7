"""Faces without the nets: the cascades' votes, on a free photograph that scikit-image ships."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest
import skimage.data

from afterframe.scene import Detection
from afterframe.vision.analysis_image import analysis_image
from afterframe.vision.faces import find_faces

FACE = (178, 70, 92, 112)
"""Of the astronaut: x, y, width, height."""


@cache
def astronaut() -> np.ndarray:
    return np.asarray(skimage.data.astronaut(), np.uint8)


def turned(pixels: np.ndarray, degrees: float) -> np.ndarray:
    """About the face, counter-clockwise."""
    x, y, wide, high = FACE
    way = cv2.getRotationMatrix2D((x + wide / 2, y + high / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(pixels, way, pixels.shape[1::-1], borderMode=cv2.BORDER_REPLICATE), np.uint8)


def on_grey(scale: float) -> np.ndarray:
    """The portrait, small, on a grey wall."""
    wall = np.full((512, 768, 3), 125, np.uint8)
    small = cv2.resize(astronaut()[:300, 60:380], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    wall[150 : 150 + small.shape[0], 300 : 300 + small.shape[1]] = small
    return wall


def found(pixels: np.ndarray, *, upright: bool = True) -> tuple[Detection, ...]:
    return find_faces(analysis_image(pixels), upright=upright)


def assert_on_the_face(faces: tuple[Detection, ...]) -> None:
    x, y, wide, high = FACE
    assert len(faces) == 1
    assert faces[0].centre == pytest.approx(((x + wide / 2) / 512, (y + high / 2) / 512), abs=0.04)


@pytest.mark.parametrize("degrees", [0, 15, -15, 30, -30])
def test_a_face_is_found_upright_and_turned(degrees: int) -> None:
    assert_on_the_face(found(turned(astronaut(), degrees)))


@pytest.mark.parametrize("degrees", [90, -90])
def test_a_face_on_its_side_is_found_where_the_file_does_not_tell_which_way_is_up(degrees: int) -> None:
    pixels = turned(astronaut(), degrees)
    assert_on_the_face(found(pixels, upright=False))
    assert found(pixels) == ()


@pytest.mark.parametrize("scale", [1.0, 0.6, 0.4])
def test_faces_are_found_at_every_size(scale: float) -> None:
    assert len(found(on_grey(scale))) == 1


def test_a_mirrored_picture_has_its_faces_mirrored() -> None:
    (face,), (other,) = found(astronaut()), found(astronaut()[:, ::-1].copy())
    assert other.centre[0] == pytest.approx(1 - face.centre[0], abs=0.02)


def test_a_face_upside_down_is_not_guessed() -> None:
    assert found(np.ascontiguousarray(astronaut()[::-1, ::-1]), upright=False) == ()


@pytest.mark.parametrize("sample", ["brick", "grass", "gravel", "coffee", "chelsea", "rocket"])
def test_walls_meadows_cups_cats_and_rockets_have_no_faces(sample: str) -> None:
    pixels = np.asarray(getattr(skimage.data, sample)(), np.uint8)
    assert found(pixels if pixels.ndim == 3 else np.dstack([pixels] * 3), upright=False) == ()
