"""People and animals: nothing is bent inside a head, and everybody parts from the background as one."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from afterframe.domain import CameraMovement, PhotoType, Recipe
from afterframe.generators.parallax.clip_renderer import ClipRenderer
from afterframe.generators.parallax.generator import Parallax
from afterframe.generators.parallax.warp import SPACING, Field
from afterframe.imaging.frames import PreparedPhoto
from afterframe.imaging.framing import frame
from afterframe.scene import BoundingBox, Detection, Scene
from factories import make_settings

SIZE = (480, 320)
RECIPE = Recipe(
    photo_type=PhotoType.ENVIRONMENTAL,
    prompt="",
    negative_prompt="",
    motion_intensity=1.0,
    style_consistency=0.9,
    camera_movement=CameraMovement.PUSH_IN,
    duration_s=4.0,
    fps=24,
    size=SIZE,
    seed=7,
)
MOMENTS = (0.4, 0.8, 1.0)


def park() -> np.ndarray:
    """A blue sky, rough green ground under a straight horizon, and a dark post in front of both."""
    chance = np.random.default_rng(5)
    pixels = np.empty((400, 600, 3), np.uint8)
    pixels[:] = (110, 160, 230)
    ground = cv2.resize(chance.integers(30, 140, (60, 150), np.uint8), (600, 240))
    pixels[160:] = ground[..., None] * np.array([0.6, 0.9, 0.4])
    pixels[120:360, 280:310] = (50, 50, 60)
    return pixels


def sea() -> np.ndarray:
    """Flat ripples up to a straight horizon."""
    chance = np.random.default_rng(4)
    pixels = np.empty((400, 600, 3), np.uint8)
    pixels[:] = (120, 170, 230)
    ripples = cv2.resize(chance.integers(60, 130, (115, 40), np.uint8), (600, 230), interpolation=cv2.INTER_CUBIC)
    pixels[170:] = ripples[..., None] * np.array([0.9, 0.9, 1.0])
    return pixels


def prepared(pixels: np.ndarray, recipe: Recipe, scene: Scene) -> PreparedPhoto:
    return frame(pixels, scene, recipe.size, Parallax(make_settings()).overscan(recipe))


def looked_up(field: Field, points: np.ndarray) -> np.ndarray:
    """Where frame pixels (n, 2) look, read between the nodes as the warp does."""
    at = (points + 0.5) / SPACING + 0.5
    first = np.clip(np.floor(at).astype(int), 0, np.array(field.shape[1::-1]) - 2)
    (x, y), (u, v) = first.T, np.clip(at - first, 0.0, 1.0).T[..., None]
    above = field[y, x] * (1 - u) + field[y, x + 1] * u
    below = field[y + 1, x] * (1 - u) + field[y + 1, x + 1] * u
    return np.asarray(above * (1 - v) + below * v)


def shown_at(field: Field, source: np.ndarray) -> np.ndarray:
    """Where points of the photo (n, 2) appear in the frame."""
    places = source.copy()
    for _ in range(15):
        places = places - (looked_up(field, places) - source)
    return places


def points_of(box: BoundingBox, photo: PreparedPhoto) -> np.ndarray:
    """A grid of points in a box, pixels of the surround."""
    height, width = photo.surround.shape[:2]
    steps = (np.arange(9) + 0.5) / 9
    x, y = np.meshgrid((box.x + steps * box.width) * width, (box.y + steps * box.height) * height)
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)


def bent(start: np.ndarray, end: np.ndarray) -> float:
    """The largest distance that is left after the best shift, turn and scale, pixels."""
    x, y = start.T.astype(np.float64)
    one, none = np.ones_like(x), np.zeros_like(x)
    rows = np.concatenate([np.stack([x, -y, one, none], 1), np.stack([y, x, none, one], 1)])
    way = np.concatenate([end[:, 0], end[:, 1]])
    left = way - rows @ np.linalg.lstsq(rows, way, rcond=None)[0]
    return float(np.hypot(*left.reshape(2, -1)).max())


def most_bent(photo: PreparedPhoto, recipe: Recipe, *boxes: BoundingBox) -> float:
    """Of all boxes over the clip, share of the box's shorter side."""
    stage = ClipRenderer(photo, recipe)
    fields = [stage.source_positions(moment, copy) for moment in MOMENTS for copy in (0, 1)]
    worst = 0.0
    for box in boxes:
        source = points_of(box, photo)
        shorter = min(box.width * photo.surround.shape[1], box.height * photo.surround.shape[0])
        worst = max(worst, *(bent(source, shown_at(field, source)) / shorter for field in fields))
    return worst


def core(body: BoundingBox) -> BoundingBox:
    """A body's box without its corners, which are background."""
    return BoundingBox(body.x + 0.2 * body.width, body.y + 0.1 * body.height, 0.6 * body.width, 0.8 * body.height)


FACES = {
    "before the horizon": (Detection(0.2, 0.3, 0.08, 0.16),),
    "in the grass": (Detection(0.7, 0.7, 0.1, 0.18),),
    "small": (Detection(0.36, 0.45, 0.03, 0.05),),
    "beside a post": (Detection(0.5, 0.34, 0.07, 0.12),),
    "two that touch, one behind": (Detection(0.3, 0.35, 0.16, 0.28), Detection(0.45, 0.4, 0.05, 0.08)),
    "a crowd": tuple(Detection(0.12 + 0.07 * n, 0.3 + 0.05 * (n % 3), 0.05, 0.09) for n in range(9)),
}


@pytest.mark.parametrize("faces", FACES.values(), ids=FACES)
@pytest.mark.parametrize(
    ("kind", "movement"),
    [
        (PhotoType.PORTRAIT, CameraMovement.PUSH_IN),
        (PhotoType.ENVIRONMENTAL, CameraMovement.PAN_RIGHT),
        (PhotoType.ACTION, CameraMovement.PAN_LEFT),
        (PhotoType.STILL_LIFE, CameraMovement.ORBIT_LEFT),
    ],
)
def test_nothing_is_bent_inside_a_face(faces: tuple[Detection, ...], kind: PhotoType, movement: CameraMovement) -> None:
    recipe = replace(RECIPE, photo_type=kind, camera_movement=movement)
    photo = prepared(park(), recipe, Scene(faces=faces, subject=BoundingBox(0.25, 0.2, 0.3, 0.7)))
    assert most_bent(photo, recipe, *photo.scene.faces) <= 0.02


def test_nothing_is_bent_inside_the_head_of_somebody_who_looks_away() -> None:
    things = (Detection(0.42, 0.3, 0.2, 0.6, "person", 0.8), Detection(0.47, 0.3, 0.09, 0.16, "head", 0.8))
    photo = prepared(park(), RECIPE, Scene(things=things))
    assert most_bent(photo, RECIPE, photo.scene.things[1]) <= 0.02


@pytest.mark.parametrize("label", ["person", "dog"])
@pytest.mark.parametrize("movement", [CameraMovement.PUSH_IN, CameraMovement.PAN_RIGHT])
def test_who_is_not_the_subject_parts_from_the_ground_as_one(label: str, movement: CameraMovement) -> None:
    recipe = replace(RECIPE, camera_movement=movement)
    passer = Detection(0.6, 0.4, 0.14, 0.5, label, 0.8)
    photo = prepared(park(), recipe, Scene(subject=BoundingBox(0.1, 0.5, 0.1, 0.2), things=(passer,)))
    assert most_bent(photo, recipe, core(photo.scene.things[0])) <= 0.02


def test_waves_and_currents_go_around_a_swimmer() -> None:
    recipe = replace(RECIPE, camera_movement=CameraMovement.STATIC)
    swimmer = Detection(0.4, 0.6, 0.16, 0.2, "person", 0.8)
    photo = prepared(sea(), recipe, Scene(things=(swimmer,)))
    stage, source = ClipRenderer(photo, recipe), points_of(core(photo.scene.things[0]), photo)
    beside = source + np.float32((0.3 * SIZE[0], 0))

    def moved(points: np.ndarray) -> np.ndarray:
        return np.abs(shown_at(stage.source_positions(0.5, 1), points) - shown_at(stage.source_positions(0.0), points))

    assert moved(source).max() < 0.4
    assert moved(beside).mean() > 0.5


def test_breath_bends_no_face_of_a_pair() -> None:
    recipe = replace(RECIPE, photo_type=PhotoType.PORTRAIT, camera_movement=CameraMovement.STATIC)
    faces = (Detection(0.3, 0.15, 0.14, 0.24), Detection(0.55, 0.5, 0.1, 0.17))
    photo = prepared(park(), recipe, Scene(faces=faces, subject=BoundingBox(0.2, 0.1, 0.5, 0.9)))
    assert most_bent(photo, recipe, *photo.scene.faces) <= 0.002


@pytest.mark.parametrize("faces", FACES.values(), ids=FACES)
def test_around_faces_the_picture_is_stretched_and_never_folds(faces: tuple[Detection, ...]) -> None:
    photo = prepared(park(), RECIPE, Scene(faces=faces, subject=BoundingBox(0.25, 0.2, 0.3, 0.7)))
    looks = ClipRenderer(photo, RECIPE).source_positions(1.0)
    across, down = np.diff(looks, axis=1)[:-1] / SPACING, np.diff(looks, axis=0)[:, :-1] / SPACING
    jacobian = np.stack([across, down], axis=-1)
    assert (np.linalg.det(jacobian) > 0).all()
    assert np.linalg.svd(jacobian, compute_uv=False).max() < 1.6
