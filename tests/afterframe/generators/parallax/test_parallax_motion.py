"""What moves, and what must not: towers, faces, followed subjects, light."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from afterframe.domain import CameraMovement, PhotoType, Recipe
from afterframe.generators.parallax.ambient_motion import light
from afterframe.generators.parallax.camera import SUBJECT_NEARNESS, pose, progress
from afterframe.generators.parallax.clip_renderer import ClipRenderer
from afterframe.generators.parallax.generator import Parallax
from afterframe.generators.parallax.motion_fields import FLOW_CYCLE_S, second_share
from afterframe.imaging.frames import PreparedPhoto
from afterframe.imaging.framing import frame
from afterframe.scene import BoundingBox, Detection, Scene
from factories import make_settings

RECIPE = Recipe(
    photo_type=PhotoType.ENVIRONMENTAL,
    prompt="",
    negative_prompt="",
    motion_intensity=0.8,
    style_consistency=0.9,
    camera_movement=CameraMovement.PAN_RIGHT,
    duration_s=4.0,
    fps=24,
    size=(256, 192),
    seed=7,
)


def prepared(pixels: np.ndarray, recipe: Recipe, scene: Scene | None = None) -> PreparedPhoto:
    return frame(pixels, scene or Scene(), recipe.size, Parallax(make_settings()).overscan(recipe))


def skyline() -> np.ndarray:
    """A blue sky with a tower in it, over rough ground."""
    chance = np.random.default_rng(5)
    pixels = np.empty((240, 320, 3), np.uint8)
    pixels[:] = (110, 160, 230)
    ground = cv2.resize(chance.integers(30, 140, (30, 80), np.uint8), (320, 90))
    pixels[150:] = ground[..., None] * np.array([0.7, 0.8, 0.5])
    pixels[40:160, 150:180] = (60, 60, 70)
    return pixels


def test_a_tower_in_the_sky_does_not_lean() -> None:
    stage = ClipRenderer(prepared(skyline(), RECIPE), RECIPE)
    start, end = stage.source_positions(0.0), stage.source_positions(1.0)
    column = start.shape[1] // 2
    moved = (end - start)[:, column, 0]
    top, foot = moved[int(0.22 * len(moved))], moved[int(0.6 * len(moved))]
    assert abs(top - foot) < 0.25 * abs(moved).max()


def test_clouds_move_beyond_the_camera() -> None:
    still = replace(RECIPE, camera_movement=CameraMovement.STATIC)
    stage = ClipRenderer(prepared(skyline(), still), still)
    moved = np.abs(stage.source_positions(1.0) - stage.source_positions(0.0))[..., 0]
    assert moved[3:8, 3:8].max() > 1.0
    assert moved[-4:].mean() < 0.4


def seaside() -> np.ndarray:
    """Flat ripples under a straight horizon."""
    chance = np.random.default_rng(4)
    pixels = np.empty((240, 320, 3), np.uint8)
    pixels[:] = (120, 170, 230)
    ripples = cv2.resize(chance.integers(60, 130, (70, 20), np.uint8), (320, 140), interpolation=cv2.INTER_CUBIC)
    pixels[100:] = ripples[..., None] * np.array([0.9, 0.9, 1.0])
    return pixels


@pytest.mark.parametrize("loop", [False, True])
def test_water_flows_on_in_one_direction(loop: bool) -> None:
    recipe = replace(RECIPE, camera_movement=CameraMovement.STATIC, loop=loop, motion_intensity=1.0)
    stage = ClipRenderer(prepared(seaside(), recipe), recipe)
    way = np.array([stage.source_positions(m)[-10:, 5:-5, 0].mean() for m in np.linspace(0, 1, 9)])
    assert np.all(np.diff(way) > 0) or np.all(np.diff(way) < 0)


def test_flowing_water_loops_without_a_seam() -> None:
    recipe = replace(RECIPE, camera_movement=CameraMovement.STATIC, loop=True)
    stage = ClipRenderer(prepared(seaside(), recipe), recipe)
    first, half = stage.frame(0.0).copy(), stage.frame(0.4).copy()
    assert np.array_equal(stage.frame(1.0), first)
    assert np.abs(first.astype(int) - half).mean() > 0.5


def test_a_copy_is_invisible_when_it_jumps_back() -> None:
    cycle = FLOW_CYCLE_S / RECIPE.duration_s
    assert second_share(RECIPE, 0.0) == 0
    assert second_share(RECIPE, 0.5 * cycle) == pytest.approx(1)
    assert second_share(RECIPE, cycle) == pytest.approx(0, abs=1e-9)


def test_a_face_is_moved_whole() -> None:
    recipe = replace(RECIPE, photo_type=PhotoType.PORTRAIT, camera_movement=CameraMovement.PUSH_IN)
    scene = Scene(faces=(Detection(0.4, 0.2, 0.2, 0.27),), subject=BoundingBox(0.28, 0.05, 0.44, 0.95))
    stage = ClipRenderer(prepared(skyline(), recipe, scene), recipe)
    start, end = stage.source_positions(0.0), stage.source_positions(1.0)
    x, y = start[..., 0] / 256, start[..., 1] / 192
    face = (x > 0.4) & (x < 0.6) & (y > 0.2) & (y < 0.47)
    points = np.column_stack([start[face], np.ones(face.sum())])
    carried = points @ np.linalg.lstsq(points, end[face], rcond=None)[0]
    assert np.abs(end[face] - carried).max() < 0.02 * 0.2 * 256


def test_breath_lifts_without_a_camera_move() -> None:
    recipe = replace(RECIPE, photo_type=PhotoType.PORTRAIT, camera_movement=CameraMovement.STATIC)
    scene = Scene(faces=(Detection(0.4, 0.2, 0.2, 0.27),), subject=BoundingBox(0.28, 0.05, 0.44, 0.95))
    stage = ClipRenderer(prepared(skyline(), recipe, scene), recipe)
    lifted = max(
        float(np.abs(stage.source_positions(m) - stage.source_positions(0.0)).max()) for m in (0.25, 0.5, 0.75)
    )
    assert 0.1 < lifted < 3.0


@pytest.mark.parametrize("movement", [CameraMovement.PAN_LEFT, CameraMovement.PAN_RIGHT])
def test_a_followed_subject_stays_while_the_background_slips(movement: CameraMovement) -> None:
    recipe = replace(RECIPE, photo_type=PhotoType.ACTION, camera_movement=movement)
    at = pose(recipe, 1.0)
    subject, behind = at.shift[0], at.shift[0] - SUBJECT_NEARNESS * at.near_shift[0]
    assert abs(behind) > 3 * abs(subject)


def test_still_lifes_are_lit_anew_and_start_as_they_were() -> None:
    drifting = light(replace(RECIPE, photo_type=PhotoType.STILL_LIFE), 40, moving=True)
    assert drifting is not None
    recipe = replace(RECIPE, photo_type=PhotoType.STILL_LIFE)
    assert np.array_equal(drifting.at(recipe, 0.0), np.ones((1, 40), np.float32))
    assert 0.005 < np.abs(drifting.at(recipe, 1.0) - 1).max() < 0.05


def test_something_always_changes_even_on_a_static_camera() -> None:
    recipe = replace(RECIPE, camera_movement=CameraMovement.STATIC, photo_type=PhotoType.PORTRAIT)
    stage = ClipRenderer(prepared(np.full((240, 320, 3), 120, np.uint8), recipe), recipe)
    first = stage.frame(0.0).copy()
    assert np.abs(first.astype(int) - stage.frame(1.0)).max() >= 1


def test_paths_ease_in_and_out() -> None:
    way = np.array([progress(RECIPE, m) for m in np.linspace(0, 1, 101)])
    speed = np.diff(way)
    assert way[0] == 0
    assert way[-1] == pytest.approx(1)
    assert speed[0] < 0.1 * speed.max()
    assert speed[-1] < 0.1 * speed.max()
    assert speed.min() >= 0
