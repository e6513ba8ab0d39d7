"""What is seen in drawn pictures; the real photos are checked where they are present."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from afterframe.scene import CLOUDED, BoundingBox, Scene
from afterframe.vision import analyse, map_scene, subject_mask
from afterframe.vision.look import with_marked_faces

PHOTOS = Path(__file__).parents[3].parent / "shared" / "photos"


def landscape(height: int = 240, width: int = 320) -> np.ndarray:
    """Blue sky over textured green-brown ground."""
    chance = np.random.default_rng(1)
    picture = np.empty((height, width, 3), np.uint8)
    picture[: height // 2] = (90, 140, 220)
    ground = chance.integers(40, 120, (height - height // 2, width, 1)) * np.array([0.8, 1.0, 0.4])
    picture[height // 2 :] = ground
    return picture


def disc(height: int = 240, width: int = 320) -> np.ndarray:
    """A red disc left of the middle on dull grey."""
    picture = np.full((height, width, 3), 120, np.uint8)
    cv2.circle(picture, (110, 120), 40, (220, 30, 30), -1)
    return picture


def test_the_same_pixels_are_always_seen_alike() -> None:
    assert analyse(landscape()) == analyse(landscape())


FOUND = Scene(faces=(BoundingBox(0.1, 0.1, 0.1, 0.1),), measures={"face_share": 0.01, "face_count": 1.0, "detail": 0.5})


def test_a_marked_face_counts_beside_those_that_were_found() -> None:
    scene = with_marked_faces(FOUND, [BoundingBox(0.6, 0.5, 0.2, 0.2)])
    assert scene.faces == (BoundingBox(0.6, 0.5, 0.2, 0.2), BoundingBox(0.1, 0.1, 0.1, 0.1))
    assert scene.measures == {"face_share": 0.04, "face_count": 2, "detail": 0.5}


def test_a_marked_face_takes_the_place_of_the_same_face_found() -> None:
    mark = BoundingBox(0.08, 0.08, 0.14, 0.14)
    assert with_marked_faces(FOUND, [mark]).faces == (mark,)


def test_without_marked_faces_the_scene_is_what_the_pixels_show() -> None:
    assert with_marked_faces(FOUND, []) is FOUND


def test_sky_over_ground_has_a_share_and_a_horizon() -> None:
    measures = analyse(landscape()).measures
    assert measures["sky_share"] == pytest.approx(0.5, abs=0.05)
    assert measures["horizon"] == pytest.approx(0.5, abs=0.05)


def test_a_plain_wall_is_no_sky() -> None:
    assert analyse(np.full((200, 300, 3), 200, np.uint8)).measures["sky_share"] == 0


def sea(height: int = 240, width: int = 320) -> np.ndarray:
    """Grey ripples, long and flat, up to a straight horizon under a blue sky."""
    chance = np.random.default_rng(4)
    picture = np.empty((height, width, 3), np.uint8)
    picture[:100] = (120, 170, 230)
    ripples = cv2.resize(chance.integers(60, 130, (70, 20), np.uint8), (width, 140), interpolation=cv2.INTER_CUBIC)
    picture[100:] = ripples[..., None] * np.array([0.9, 0.9, 1.0])
    return picture


def test_ripples_under_a_straight_horizon_are_the_sea() -> None:
    assert analyse(sea()).measures["water_share"] > 0.4


def test_rough_ground_under_a_straight_horizon_is_no_sea() -> None:
    assert analyse(landscape()).measures["water_share"] == 0


def test_blue_mountains_are_neither_sky_nor_water() -> None:
    picture = landscape()
    x = np.arange(320)
    ridge = (80 + 18 * np.sin(x / 23) + 9 * np.sin(x / 9)).astype(int)
    for column, top in enumerate(ridge):
        picture[top:150, column] = (60, 85, 130)
    measures = analyse(picture).measures
    assert measures["sky_share"] == pytest.approx(0.33, abs=0.05)
    assert measures["water_share"] == 0


def below_a_blue_sky(colour: tuple[int, int, int], height: int = 240, width: int = 320) -> np.ndarray:
    """A blue sky, a strip of woods, and below them a smooth plain of a colour that begins at a level shore."""
    picture = landscape(height, width)
    picture[height // 2 + 20 :] = np.asarray(colour, np.uint8)
    return picture


def test_a_smooth_lake_is_water_and_snow_in_the_shade_is_not() -> None:
    assert map_scene(below_a_blue_sky((60, 95, 140))).water.mean() > 0.2
    assert map_scene(below_a_blue_sky((205, 222, 245))).water.max() == 0.0


def test_a_setting_sun_over_the_sea_has_a_sky_down_to_the_horizon_though_waves_are_as_straight() -> None:
    height, width = 240, 320
    y, x = np.mgrid[0:height, 0:width].astype(float)
    glow = np.exp(-(((x - 160) / 90) ** 2) - ((y - 115) / 60) ** 2)
    picture = np.stack([200 + 55 * glow, 120 + 135 * glow, 40 + 200 * glow], -1)
    waves = 18 + 10 * np.sin(y / 1.5 + x / 40)
    picture[120:] = np.stack([waves, waves, waves * 1.4], -1)[120:]
    picture[185:188] = (180, 150, 90)  # a wave in the light
    seen = map_scene(np.clip(picture, 0, 255).astype(np.uint8))
    assert seen.sky[:110].mean() > 0.9
    assert seen.sky[130:].mean() < 0.05


def test_a_twilight_sky_goes_on_below_its_blue() -> None:
    height, width = 240, 320
    share = np.linspace(0, 1, 170)[:, None, None]
    picture = landscape(height, width)
    picture[:170] = (1 - share) * np.array([120, 140, 175]) + share * np.array([150, 118, 122])
    picture[170:] = picture[170:] // 2
    assert map_scene(picture).horizon == pytest.approx(170 / 240, abs=0.04)


def test_mist_that_stays_blue_below_a_rosy_sky_is_no_water() -> None:
    picture = below_a_blue_sky((60, 100, 140))
    share = np.linspace(0, 1, 120)[:, None, None]
    picture[:120] = (1 - share) * np.array([90, 140, 220]) + share * np.array([190, 140, 140])
    assert map_scene(picture).water.max() == 0.0


def test_only_a_sky_with_clouds_has_some() -> None:
    picture = landscape()
    share = np.linspace(0, 1, 120)[:, None, None]
    picture[:120] = (1 - share) * np.array([70, 120, 210]) + share * np.array([150, 190, 235])
    assert analyse(picture).measures["sky_clouds"] < CLOUDED
    for x, y in ((60, 40), (170, 25), (260, 70)):
        cv2.ellipse(picture, (x, y), (45, 12), 0, 0, 360, (240, 240, 245), -1)
    assert analyse(cv2.GaussianBlur(picture, (0, 0), 3)).measures["sky_clouds"] > CLOUDED


def test_beside_a_bright_sky_black_is_no_night() -> None:
    picture = landscape()
    picture[:120, :100] = 8
    assert analyse(picture).measures["sky_share"] == pytest.approx(0.5 * 220 / 320, abs=0.05)


def test_what_stands_out_is_the_subject() -> None:
    subject = analyse(disc()).subject
    assert subject is not None
    assert subject.centre == pytest.approx((110 / 320, 120 / 240), abs=0.05)


def test_an_even_picture_has_no_subject_and_no_faces() -> None:
    scene = analyse(np.full((200, 300, 3), 90, np.uint8))
    assert scene.subject is None
    assert scene.faces == ()


def test_the_sharp_half_is_in_focus_and_the_blurred_half_is_not() -> None:
    chance = np.random.default_rng(2)
    picture = cv2.resize(chance.integers(0, 255, (60, 80, 3), np.uint8), (320, 240), interpolation=cv2.INTER_NEAREST)
    picture[:, 160:] = cv2.GaussianBlur(picture, (0, 0), 5)[:, 160:]
    focus = map_scene(picture).focus
    assert focus[:, 20:140].mean() > 2 * focus[:, 180:300].mean()


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 2), (7, 5)])
def test_tiny_pictures_are_looked_at_without_complaint(shape: tuple[int, int]) -> None:
    analyse(np.full((*shape, 3), 128, np.uint8))


@pytest.mark.skipif(not PHOTOS.exists(), reason="the shared photos are not here")
@pytest.mark.parametrize(
    ("name", "faces"),
    [
        ("canon-powershot-a560.jpg", 4),
        ("canon-ixus-750.jpg", 2),
        ("canon-eos-30d-4.jpg", 1),
        ("nikon-e990.jpg", 0),
    ],
)
def test_real_faces_are_found(name: str, faces: int) -> None:
    pixels = cv2.cvtColor(cv2.imread(str(PHOTOS / name)), cv2.COLOR_BGR2RGB)
    assert len(analyse(pixels).faces) == faces


def test_an_outline_is_kept_and_found_again() -> None:
    seen = map_scene(disc())
    again = map_scene(disc(), analyse(disc())).subject
    assert seen.subject.mean() == pytest.approx(np.pi * 40**2 / (240 * 320), rel=0.1)
    assert np.abs((seen.subject > 0.5).astype(int) - (again > 0.5)).mean() < 0.002


def test_a_part_of_a_picture_has_its_part_of_the_outline() -> None:
    part = subject_mask.crop_mask(analyse(disc()).outline, BoundingBox(0.25, 0.25, 0.5, 0.5), (120, 160))
    expected = map_scene(disc()).subject[60:180, 80:240] > 0.5
    assert np.abs((subject_mask.unpack_mask(part, (120, 160)) > 0.5).astype(int) - expected).mean() < 0.01


def test_without_a_subject_there_is_no_outline() -> None:
    assert analyse(np.full((200, 300, 3), 120, np.uint8)).outline == ""
    assert subject_mask.crop_mask("", BoundingBox(0, 0, 0.5, 0.5), (10, 10)) == ""
    assert subject_mask.crop_mask(analyse(disc()).outline, BoundingBox(0.9, 0.9, 0.1, 0.1), (24, 32)) == ""
