from __future__ import annotations

import subprocess

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from afterframe.encode.process import Encoding
from afterframe.imaging.colour import Floats, ciede2000, from_oklab, luma, small_rgb, to_cielab, to_oklab
from factories import make_picture


@pytest.fixture
def colours() -> Floats:
    return np.random.default_rng(7).random((64, 64, 3)).astype(np.float32)


def test_cielab_agrees_with_skimage(colours: Floats) -> None:
    assert np.abs(to_cielab(colours) - rgb2lab(colours)).max() < 0.01


def test_ciede2000_agrees_with_skimage(colours: Floats) -> None:
    one, other = to_cielab(colours), to_cielab(colours[::-1])
    theirs = np.asarray(deltaE_ciede2000(one, other))
    assert np.abs(ciede2000(one, other) - theirs).max() < 1e-3


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [  # the pairs of Sharma, Wu and Dalal, table 1, on which wrong implementations differ
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0009), 7.1792),
        ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0011), 7.2195),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_ciede2000_gives_the_published_values(one: tuple[float, ...], other: tuple[float, ...], apart: float) -> None:
    assert float(ciede2000(np.array(one), np.array(other))) == pytest.approx(apart, abs=1e-4)


def test_oklab_goes_there_and_back(colours: Floats) -> None:
    assert np.abs(from_oklab(to_oklab(colours)) - colours).max() < 1e-3


def test_oklab_gives_the_published_values() -> None:
    """White, and pure red as CSS Color 4 gives it: oklab(0.62796 0.22486 0.12585)."""
    assert to_oklab(np.array([1, 1, 1], np.float32)) == pytest.approx([1, 0, 0], abs=1e-3)
    assert to_oklab(np.array([1, 0, 0], np.float32)) == pytest.approx([0.62796, 0.22486, 0.12585], abs=1e-3)


def test_planes_and_rgb_frames_of_one_picture_look_the_same() -> None:
    """BT.709 as ffmpeg writes and reads it is the judge."""
    size, rgb = (96, 64), np.asarray(make_picture((96, 64)))
    command = [Encoding().program, "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "96x64", "-i", "-"]
    command += ["-vf", "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int"]
    command += ["-pix_fmt", "yuv420p", "-f", "rawvideo", "-"]
    made = subprocess.run(command, input=rgb.tobytes(), capture_output=True, check=True).stdout
    planes = np.frombuffer(made, np.uint8).reshape(size[1] * 3 // 2, size[0])
    off = ciede2000(to_cielab(small_rgb(planes, "yuv420p", 48)), to_cielab(small_rgb(rgb, "rgb24", 48)))
    assert off.mean() < 1
    assert np.abs(luma(planes, "yuv420p").astype(int) - luma(rgb, "rgb24")).max() <= 1
