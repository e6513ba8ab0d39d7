"""The warp: compiled loops and OpenCV show the same, wherever is looked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterframe.generators.parallax.fastest_warper import fastest_warper
from afterframe.generators.parallax.warp import OpenCvWarper, SecondSampling, nodes
from afterframe.generators.parallax.yuv import Planes, planes

compiled = pytest.importorskip("afterframe.generators.parallax.numba_warp", exc_type=ImportError)
SIZE = (96, 64)


def source() -> Planes:
    y, x = np.mgrid[0:80, 0:120]
    waves = np.dstack([np.sin(x / 5), np.sin(y / 7), np.cos((x + y) / 9)])
    return planes((127 + 100 * waves).astype(np.uint8))


def apart(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.abs(one.astype(int) - other).max())


def test_compiled_loops_make_what_is_large_and_opencv_what_is_small() -> None:
    assert isinstance(fastest_warper(source(), (1280, 720)), compiled.CompiledWarper)
    assert type(fastest_warper(source(), SIZE)) is OpenCvWarper


def test_looking_straight_at_the_photo_shows_its_very_samples() -> None:
    frame = compiled.CompiledWarper(source(), SIZE).frame(nodes(SIZE))
    assert np.array_equal(frame[:64], source().luma2x[:128:2, :192:2])
    assert np.array_equal(frame[64:].reshape(2, 32, 48), np.stack([source().cb, source().cr])[:, :32, :48])


@settings(max_examples=60, deadline=None)
@given(
    scale=st.floats(0.2, 1.3),
    shift=st.tuples(st.floats(-60, 60), st.floats(-25, 25)),  # farther out than the photo's mirror image they differ
    bend=st.floats(0, 6),
    share=st.sampled_from([0.0, 0.001, 0.3, 0.5, 1.0]),
    lit=st.booleans(),
    size=st.sampled_from([(96, 64), (98, 66), (64, 96), (70, 34)]),
)
def test_compiled_and_opencv_show_the_same_frame(
    scale: float, shift: tuple[float, float], bend: float, share: float, lit: bool, size: tuple[int, int]
) -> None:
    straight = nodes(size)
    places = straight * np.float32(scale) + np.array(shift, np.float32)
    places[..., 1] += np.float32(bend) * np.sin(straight[..., 0] / 17)
    other = places.copy()
    other[2:5, 3:8, 0] += 4.0
    gain = np.linspace(0.95, 1.05, places.shape[1], dtype=np.float32)[None] if lit else None
    asked = (places, gain, SecondSampling(other, share))
    assert apart(compiled.CompiledWarper(source(), size).frame(*asked), OpenCvWarper(source(), size).frame(*asked)) <= 4


@pytest.mark.parametrize("place", [np.nan, np.inf, -np.inf, 1e30, -1e30])
def test_a_look_at_no_place_at_all_stays_inside_the_photo(place: float) -> None:
    frame = compiled.CompiledWarper(source(), SIZE).frame(np.full_like(nodes(SIZE), place))
    assert frame.shape == (96, 96)
