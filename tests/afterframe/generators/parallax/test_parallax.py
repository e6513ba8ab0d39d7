"""Parallax: what every clip must be, whatever the movement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
import pytest

from afterframe.domain import CameraMovement, Direction, PhotoType, Quality, Recipe
from afterframe.errors import Cancelled
from afterframe.generators.interface import Generator
from afterframe.generators.parallax.clip_renderer import ClipRenderer
from afterframe.generators.parallax.generator import Parallax
from afterframe.generators.parallax.yuv import RGB_TO_YCBCR, planes
from afterframe.generators.registry import load
from afterframe.imaging.frames import PreparedPhoto
from afterframe.imaging.framing import frame
from afterframe.scene import BoundingBox, Scene
from factories import make_recipe, make_settings

SIZE = (192, 128)
RECIPE = Recipe(
    photo_type=PhotoType.ENVIRONMENTAL,
    prompt="",
    negative_prompt="",
    motion_intensity=0.6,
    style_consistency=0.9,
    camera_movement=CameraMovement.PUSH_IN,
    duration_s=1.0,
    fps=12,
    size=SIZE,
    seed=7,
)


@cache
def picture() -> np.ndarray:
    """Sky, textured ground and a red pillar standing before them."""
    chance = np.random.default_rng(3)
    pixels = np.empty((200, 300, 3), np.uint8)
    pixels[:] = (100, 150, 225)
    noise = cv2.resize(chance.integers(40, 160, (50, 150), np.uint8), (300, 100), interpolation=cv2.INTER_CUBIC)
    pixels[100:] = noise[..., None] * np.array([0.8, 0.9, 0.5])
    pixels[60:170, 130:170] = (200, 40, 40)
    return pixels


def prepared(recipe: Recipe) -> PreparedPhoto:
    scene = Scene(subject=BoundingBox(0.42, 0.29, 0.16, 0.57))
    return frame(picture(), scene, recipe.size, Parallax(make_settings()).overscan(recipe))


def clip(recipe: Recipe) -> Iterator[np.ndarray]:
    frames = Parallax(make_settings()).generate(prepared(recipe), recipe, lambda share: None, lambda: False)
    return (made.copy() for made in frames.frames)


def rgb(i420: np.ndarray) -> np.ndarray:
    """Back to sRGB by the inverse matrix, in float."""
    height, width = i420.shape[0] * 2 // 3, i420.shape[1]
    chroma = i420[height:].reshape(2, height // 2, width // 2).astype(np.float64)
    full = [np.repeat(np.repeat(plane, 2, 0), 2, 1) for plane in chroma]
    ycc = np.dstack([i420[:height].astype(np.float64), *full]) - RGB_TO_YCBCR[:, 3]
    return np.clip(ycc @ np.linalg.inv(RGB_TO_YCBCR[:, :3].astype(np.float64)).T, 0, 255)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - other.astype(float)) ** 2)))


def step(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


@pytest.mark.parametrize("quality", [Quality.FAST, Quality.BEST])
def test_it_says_that_a_quality_changes_nothing(quality: Quality) -> None:
    asked = make_recipe(quality=quality, because={"quality": ("your options",)})
    made = Parallax(make_settings()).adapt(asked)
    assert replace(made, because=asked.because) == asked
    assert made.because["quality"][0] == "your options"
    assert "always at its best" in made.because["quality"][1]
    assert Parallax(make_settings()).adapt(make_recipe()) == make_recipe()


def test_it_is_installed_under_its_name() -> None:
    generator: Generator = load("parallax", make_settings())
    assert generator.name == "parallax"


@pytest.mark.parametrize("movement", CameraMovement)
@pytest.mark.parametrize("kind", PhotoType)
def test_the_first_frame_is_the_photo(movement: CameraMovement, kind: PhotoType) -> None:
    recipe = replace(RECIPE, camera_movement=movement, photo_type=kind)
    luma = next(clip(recipe))[: SIZE[1]]
    expected = planes(prepared(recipe).pixels.copy()).luma2x[::2, ::2]
    assert step(luma, expected) < 0.2


def test_colours_come_back_by_the_bt709_matrix() -> None:
    assert psnr(rgb(next(clip(RECIPE))), prepared(RECIPE).pixels) > 31


@pytest.mark.parametrize(
    ("colour", "ycbcr"),
    [((255, 255, 255), (235, 128, 128)), ((0, 0, 0), (16, 128, 128)), ((255, 0, 0), (63, 102, 240)),
     ((0, 255, 0), (173, 42, 26)), ((0, 0, 255), (32, 240, 118))],
)  # fmt: skip
def test_primaries_have_the_values_of_the_standard(colour: tuple[int, ...], ycbcr: tuple[int, ...]) -> None:
    made = planes(np.full((4, 4, 3), colour, np.uint8))
    assert (int(made.luma2x[0, 0]), int(made.cb[0, 0]), int(made.cr[0, 0])) == ycbcr


@pytest.mark.parametrize("movement", CameraMovement)
def test_no_frame_looks_beyond_the_picture(movement: CameraMovement) -> None:
    recipe = replace(RECIPE, camera_movement=movement, motion_intensity=1.0, duration_s=8.0)
    photo = prepared(recipe)
    stage = ClipRenderer(photo, recipe)
    height, width = photo.surround.shape[:2]
    for moment in np.linspace(0, 1, 9):
        looks = stage.source_positions(float(moment))[1:-1, 1:-1]
        assert looks[..., 0].min() > -1.5
        assert looks[..., 0].max() < width + 0.5
        assert looks[..., 1].min() > -1.5
        assert looks[..., 1].max() < height + 0.5


@pytest.mark.parametrize("movement", [m for m in CameraMovement if m is not CameraMovement.STATIC])
def test_more_intensity_moves_more(movement: CameraMovement) -> None:
    moved = []
    for intensity in (0.0, 0.2, 0.5, 0.8):
        recipe = replace(RECIPE, camera_movement=movement, motion_intensity=intensity)
        stage = ClipRenderer(prepared(recipe), recipe)
        start = stage.source_positions(0.0)
        moved.append(max(float(np.abs(stage.source_positions(m) - start).mean()) for m in (0.2, 0.5, 0.8, 1.0)))
    assert moved[0] == pytest.approx(0, abs=1e-3)
    assert moved == sorted(moved)
    assert moved[1] < moved[2] < moved[3]


def test_a_loop_returns_to_its_first_frame() -> None:
    frames = list(clip(replace(RECIPE, loop=True, duration_s=2.0)))
    steps = [step(a, b) for a, b in pairwise(frames)]
    assert step(frames[-1], frames[0]) <= 1.5 * float(np.median(steps))


def test_before_ends_on_the_photo() -> None:
    recipe = replace(RECIPE, direction=Direction.BEFORE)
    after, before = list(clip(RECIPE)), list(clip(recipe))
    assert np.array_equal(before[-1], after[0])
    assert np.array_equal(before[0], after[-1])


def test_the_near_pillar_grows_more_than_the_far_sky() -> None:
    recipe = replace(RECIPE, motion_intensity=1.0)
    photo = prepared(recipe)
    stage = ClipRenderer(photo, recipe)
    scale = np.diff(stage.source_positions(0.0), axis=1)[..., 0] / np.diff(stage.source_positions(1.0), axis=1)[..., 0]
    rows, columns = scale.shape
    pillar = scale[rows // 2, int(columns * 0.47) : int(columns * 0.53)].mean()
    sky = scale[2:5, 3:7].mean()
    assert pillar - 1 > 1.5 * (sky - 1)


def test_the_same_recipe_gives_the_same_frames() -> None:
    assert all(np.array_equal(a, b) for a, b in zip(clip(RECIPE), clip(RECIPE), strict=True))


def test_frames_and_progress_are_counted() -> None:
    heard: list[float] = []
    frames = Parallax(make_settings()).generate(prepared(RECIPE), RECIPE, heard.append, lambda: False)
    assert sum(1 for _ in frames.frames) == frames.count == RECIPE.frame_count
    assert heard[-1] == 1.0
    assert heard == sorted(heard)


def test_cancelling_stops_within_a_frame() -> None:
    stop = False
    frames = Parallax(make_settings()).generate(prepared(RECIPE), RECIPE, lambda share: None, lambda: stop).frames
    next(frames)
    stop = True
    with pytest.raises(Cancelled):
        next(frames)


def test_motion_is_smooth_below_a_pixel() -> None:
    recipe = replace(RECIPE, camera_movement=CameraMovement.PAN_RIGHT, fps=48)
    stage = ClipRenderer(prepared(recipe), recipe)
    path = np.array([stage.source_positions(i / 47)[8, 12, 0] for i in range(48)])
    assert np.abs(np.diff(path, 2)).max() < 0.05
