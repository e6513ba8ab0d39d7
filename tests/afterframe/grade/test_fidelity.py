from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pytest

from afterframe.domain import CameraMovement, Direction
from afterframe.generators.parallax.generator import Parallax
from afterframe.grade.fidelity import Fidelity
from afterframe.imaging.frames import Frames, Pixels, PreparedPhoto
from afterframe.scene import Scene
from factories import make_picture, make_recipe, make_settings

SIZE = (192, 128)


@pytest.fixture
def photo() -> PreparedPhoto:
    return PreparedPhoto(np.asarray(make_picture(SIZE)), (0, 0), Scene())


def measured(photo: PreparedPhoto, clip: Iterable[Pixels], **recipe: Any) -> Mapping[str, float]:
    made = list(clip)
    fidelity = Fidelity(photo, make_recipe(size=SIZE, **recipe))
    passed = list(fidelity.watch(Frames("rgb24", SIZE, 8, len(made), iter(made))).frames)
    assert all(np.array_equal(*pair) for pair in zip(passed, made, strict=True))
    return fidelity.measures()


def brighter(picture: Pixels, levels: float) -> Pixels:
    return np.asarray(np.clip(picture.astype(float) + levels, 0, 255), np.uint8)


def test_the_photo_itself_has_no_difference_and_no_drift(photo: PreparedPhoto) -> None:
    assert measured(photo, [photo.pixels] * 9) == {"photo_psnr_db": 100.0, "photo_de00": 0.0, "drift_de00": 0.0}


def test_a_first_frame_that_is_off_is_told_and_is_no_drift(photo: PreparedPhoto) -> None:
    told = measured(photo, [brighter(photo.pixels, 10)] * 9)
    assert told["photo_psnr_db"] == pytest.approx(20 * np.log10(255 / (10 * 219 / 255)), abs=0.5)
    assert told["photo_de00"] > 1.5
    assert told["drift_de00"] == 0


def test_drift_is_measured_where_the_photos_pixels_went(photo: PreparedPhoto) -> None:
    pan = [np.roll(photo.pixels, -2 * index, axis=1) for index in range(17)]
    drifting = [brighter(frame, index) for index, frame in enumerate(pan)]
    calm, moved = measured(photo, pan), measured(photo, drifting)
    assert calm["drift_de00"] < 0.5
    assert moved["drift_de00"] > calm["drift_de00"] + 2
    assert moved["photo_de00"] == 0


def test_the_last_frame_is_the_photos_when_the_clip_leads_up_to_it(photo: PreparedPhoto) -> None:
    clip = [brighter(photo.pixels, 16 - index) for index in range(17)]
    told = measured(photo, clip, direction=Direction.BEFORE)
    assert told["photo_psnr_db"] == 100
    assert told["drift_de00"] > 2
    assert measured(photo, clip)["photo_psnr_db"] < 30


def test_a_clip_that_shows_something_else_has_no_drift_to_speak_of(photo: PreparedPhoto) -> None:
    noise = [np.random.default_rng(seed).integers(0, 256, photo.pixels.shape, np.uint8) for seed in range(9)]
    assert "drift_de00" not in measured(photo, noise)


def test_a_seam_that_jumps_stands_out(photo: PreparedPhoto) -> None:
    wave = np.sin(np.linspace(0, 2 * np.pi, 24, endpoint=False))
    loop = [np.roll(photo.pixels, round(8 * at), axis=1) for at in wave]
    assert measured(photo, loop, loop=True)["loop_seam"] < 1.5
    assert measured(photo, loop[:15], loop=True)["loop_seam"] > 2
    assert "loop_seam" not in measured(photo, loop)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_shortest_clips_are_measured_too(photo: PreparedPhoto, count: int) -> None:
    assert measured(photo, [photo.pixels] * count, loop=True)["photo_psnr_db"] == 100


def test_planes_are_measured_as_they_go_to_the_encoder(photo: PreparedPhoto) -> None:
    """The parallax generator's own first frame is the photo, but for chroma at half the size."""
    recipe = make_recipe(size=SIZE, camera_movement=CameraMovement.STATIC, motion_intensity=0.0, loop=True)
    fidelity = Fidelity(photo, recipe)
    frames = Parallax(make_settings()).generate(photo, recipe, lambda *_: None, lambda: False)
    assert frames.pixel_format == "yuv420p"
    for _ in fidelity.watch(frames).frames:
        pass
    told = fidelity.measures()
    assert told["photo_psnr_db"] > 50
    assert told["photo_de00"] < 1
    assert told["loop_seam"] <= 1.5


def test_nothing_is_claimed_of_a_clip_that_was_given_up(photo: PreparedPhoto) -> None:
    fidelity = Fidelity(photo, make_recipe(size=SIZE))
    frames = fidelity.watch(Frames("rgb24", SIZE, 8, 9, iter([photo.pixels])))
    list(frames.frames)
    assert "drift_de00" not in fidelity.measures()
