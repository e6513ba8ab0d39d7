"""What follows from a lens."""

from __future__ import annotations

import math

import pytest

from photometa.facts.optics import (
    crop_factor,
    depth_of_field,
    equivalent_mm,
    field_of_view_deg,
    hyperfocal_m,
    sharp_range_m,
)


def test_a_50_mm_lens_on_full_frame_sees_40_degrees() -> None:
    assert field_of_view_deg(50) == pytest.approx(39.6, abs=0.05)


def test_the_equivalent_goes_by_the_diagonal() -> None:
    assert equivalent_mm(25, math.hypot(17.3, 13)) == pytest.approx(50, abs=0.1)


def test_hyperfocal_and_range_agree_with_the_tables() -> None:
    hyperfocal = hyperfocal_m(50, 8, 1)
    assert hyperfocal == pytest.approx(10.45, abs=0.05)
    near, far = sharp_range_m(5, hyperfocal, 50)
    assert (near, far) == (pytest.approx(3.39, abs=0.02), pytest.approx(9.52, abs=0.1))
    assert sharp_range_m(20, hyperfocal, 50)[1] == math.inf


@pytest.mark.parametrize(
    ("focal_mm", "f_number", "crop", "distance_m", "word"),
    [
        (85, 1.4, 1, 1.5, "very shallow"),
        (50, 1.8, 1, 3, "shallow"),
        (50, 8, 1, 3, "medium"),
        (24, 11, 1, 5, "deep"),
        (4.2, 1.8, 6, None, "deep"),
        (85, 1.8, 1, None, "shallow"),
        (35, 5.6, 1.5, None, None),
    ],
)
def test_depth_of_field_in_a_word(
    focal_mm: float, f_number: float, crop: float, distance_m: float | None, word: str | None
) -> None:
    found = depth_of_field(focal_mm, f_number, crop, distance_m)
    assert (found[0] if found else None) == word


def test_a_crop_factor_that_no_camera_has_is_none() -> None:
    assert crop_factor(50, 75) == 1.5
    assert crop_factor(50, 5000) is None
    assert crop_factor(None, 50) is None
