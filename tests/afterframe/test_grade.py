from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from afterframe.frames import Frames, Pixels
from afterframe.grade import fit, match_grade
from factories import make_picture


@pytest.fixture
def photo() -> Pixels:
    return np.asarray(make_picture((192, 128)))


def shifted(photo: Pixels) -> Pixels:
    """Darker, warmer, less saturated."""
    values = photo.astype(np.float32)
    grey = values.mean(axis=2, keepdims=True)
    values = grey + (values - grey) * 0.8
    return np.clip(values * 0.85 * np.array([1.08, 1.0, 0.9]), 0, 255).astype(np.uint8)


def frames_of(*frames: Pixels) -> Frames:
    height, width = frames[0].shape[:2]
    return Frames("rgb24", (width, height), 8, len(frames), iter(frames))


def difference(a: Pixels, b: Pixels) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def test_a_shifted_clip_comes_back_to_its_photo(photo: Pixels) -> None:
    (graded,) = match_grade(frames_of(shifted(photo)), photo).frames
    assert difference(graded, photo) < 0.4 * difference(shifted(photo), photo)


def test_every_frame_gets_the_same_grade(photo: Pixels) -> None:
    first, second = match_grade(frames_of(shifted(photo), shifted(photo)), photo).frames
    assert np.array_equal(first, second)


def test_a_clip_that_is_right_already_is_left_alone(photo: Pixels) -> None:
    assert fit(photo, photo) is None
    (same,) = match_grade(frames_of(photo), photo).frames
    assert np.array_equal(same, photo)


def test_planes_pass_through(photo: Pixels) -> None:
    frames = replace(frames_of(photo), pixel_format="yuv420p")
    assert match_grade(frames, photo) is frames
