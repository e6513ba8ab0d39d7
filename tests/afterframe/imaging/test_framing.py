"""Framing: shape, margins, faces."""

from __future__ import annotations

import numpy as np
import pytest

from afterframe.imaging.framing import frame
from afterframe.scene import BoundingBox, Detection, Scene


def photo(width: int = 300, height: int = 200) -> np.ndarray:
    """Red grows to the right, green downwards."""
    y, x = np.mgrid[0:height, 0:width]
    return np.dstack([x * 255 // width, y * 255 // height, np.zeros_like(x)]).astype(np.uint8)


@pytest.mark.parametrize("size", [(120, 80), (80, 120), (90, 90), (600, 400)])
@pytest.mark.parametrize("overscan", [0.0, 0.05, 0.2])
def test_the_frame_has_the_clips_size_and_the_surround_its_margin(size: tuple[int, int], overscan: float) -> None:
    prepared = frame(photo(), Scene(), size, overscan)
    assert prepared.pixels.shape == (size[1], size[0], 3)
    assert prepared.margin[0] == pytest.approx(size[0] * overscan, abs=1)


def test_the_whole_photo_is_used_when_the_shape_agrees() -> None:
    prepared = frame(photo(), Scene(), (300, 200), 0.0)
    assert np.array_equal(prepared.pixels, photo())


@pytest.mark.parametrize("x", [0.02, 0.3, 0.8])
@pytest.mark.parametrize("size", [(90, 160), (100, 100), (160, 90)])
@pytest.mark.parametrize("overscan", [0.0, 0.06])
def test_a_face_is_never_cut(x: float, size: tuple[int, int], overscan: float) -> None:
    scene = Scene(faces=(Detection(x, 0.3, 0.12, 0.2),))
    prepared = frame(photo(), scene, size, overscan)
    face = prepared.scene.faces[0]
    whole_width = prepared.surround.shape[1] * face.width / (prepared.surround.shape[0] * face.height)
    assert whole_width == pytest.approx(0.12 * 300 / (0.2 * 200), rel=0.05)
    if overscan == 0 or 0.1 < x < 0.7:
        share = prepared.margin[0] / prepared.surround.shape[1]
        assert face.x >= share - 0.01
        assert face.x + face.width <= 1 - share + 0.01


def test_the_crop_follows_the_subject() -> None:
    right = frame(photo(), Scene(subject=BoundingBox(0.75, 0.4, 0.2, 0.2)), (60, 120), 0.0)
    left = frame(photo(), Scene(subject=BoundingBox(0.05, 0.4, 0.2, 0.2)), (60, 120), 0.0)
    assert right.pixels[..., 0].mean() > left.pixels[..., 0].mean() + 80


def test_boxes_come_back_in_shares_of_the_surround() -> None:
    prepared = frame(photo(), Scene(subject=BoundingBox(0.0, 0.0, 1.0, 1.0)), (100, 100), 0.0)
    assert prepared.scene.subject == BoundingBox(0.0, 0.0, 1.0, 1.0)


def test_a_single_pixel_fills_the_frame() -> None:
    assert frame(np.full((1, 1, 3), 9, np.uint8), Scene(), (4, 4), 0.1).pixels.mean() == 9


SHAPES = [(600, 600), (480, 600), (338, 600), (1066, 600), (1400, 600)]


@pytest.mark.parametrize("size", SHAPES)
@pytest.mark.parametrize("at", [(0.02, 0.03), (0.85, 0.1), (0.4, 0.8), (0.9, 0.85)])
def test_a_head_that_looks_away_is_kept_whole_like_a_face(size: tuple[int, int], at: tuple[float, float]) -> None:
    head = Detection(*at, 0.08, 0.12, "head", 0.8)
    kept = frame(photo(), Scene(things=(head,), subject=BoundingBox(0.4, 0.4, 0.2, 0.2)), size, 0.0).scene.things[0]
    width, height = photo().shape[1], photo().shape[0]
    crop = min(width, height * size[0] / size[1]), min(height, width * size[1] / size[0])
    assert kept.width == pytest.approx(0.08 * width / crop[0], rel=0.02)
    assert kept.height == pytest.approx(0.12 * height / crop[1], rel=0.02)


def test_a_face_goes_before_a_head_that_is_only_estimated() -> None:
    face, head = Detection(0.9, 0.3, 0.06, 0.1), Detection(0.02, 0.2, 0.12, 0.3, "head", 0.9)
    kept = frame(photo(), Scene(faces=(face,), things=(head,)), (200, 600), 0.0).scene.faces
    assert kept[0].width * 200 / 600 == pytest.approx(0.06 * photo().shape[1] / photo().shape[0], rel=0.02)


def test_where_not_all_faces_fit_the_largest_is_whole() -> None:
    large, small = Detection(0.02, 0.2, 0.12, 0.3), Detection(0.93, 0.3, 0.04, 0.06)
    kept = frame(photo(), Scene(faces=(large, small)), (200, 600), 0.0).scene.faces[0]
    assert kept.x > 0
    assert kept.width * 200 / 600 == pytest.approx(0.12 * photo().shape[1] / photo().shape[0], rel=0.02)


@pytest.mark.parametrize("size", [(450, 600), (600, 450)])
@pytest.mark.parametrize(
    ("start", "large", "small", "fill", "rel"),
    [(0.3, 0.16, 0.06, 0.96, 0.03), (0.2, 0.16, 0.08, 0.995, 0.01)],
    ids=["no room for hair", "to the pixel"],
)
def test_another_face_goes_before_room_around_the_largest(
    size: tuple[int, int], start: float, large: float, small: float, fill: float, rel: float
) -> None:
    pixels = photo() if size[0] < size[1] else photo(200, 300)
    # Along the longer side, the two fill so much of the crop that they fit, but no room around them does.
    crop = (200 * 450 / 600) / 300
    spans = (start, large), (start + fill * crop - small, small), (0.95, 0.05)
    boxes = [(at, 0.3, length, 0.2) for at, length in spans]
    faces = tuple(Detection(*(box if size[0] < size[1] else (box[1], box[0], box[3], box[2]))) for box in boxes)
    kept = frame(pixels, Scene(faces=faces), size, 0.0).scene.faces[:2]
    lengths = [face.width if size[0] < size[1] else face.height for face in kept]
    assert [length * crop for length in lengths] == pytest.approx([large, small], rel=rel)
