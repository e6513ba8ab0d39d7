from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import pytest

from afterframe.domain import Direction
from afterframe.grade.photo_frame import REACH, PhotoFrame, flicker
from afterframe.imaging.frames import Frames, Pixels, PreparedPhoto
from afterframe.scene import Scene
from factories import make_picture, make_recipe

SIZE = (192, 128)
PHOTO = np.asarray(make_picture(SIZE))


def melted(clip: Sequence[Pixels], photo: Pixels = PHOTO, **recipe: Any) -> tuple[list[Pixels], str]:
    photo_frame = PhotoFrame(PreparedPhoto(photo, (0, 0), Scene()), make_recipe(size=SIZE, **recipe))
    made = list(photo_frame.melt(Frames("rgb24", SIZE, 8, len(clip), iter(clip))).frames)
    assert len(made) == len(clip)
    return made, photo_frame.reason


def soft(picture: Pixels) -> Pixels:
    """As a VAE leaves it: without its finest detail, a little darker."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.2) * 0.99, np.uint8)


def pan(count: int = 16, by: int = 1, made: Callable[[Pixels], Pixels] = soft) -> list[Pixels]:
    wide = np.asarray(make_picture((SIZE[0] + by * count, SIZE[1])))
    return [made(np.ascontiguousarray(wide[:, by * at : by * at + SIZE[0]])) for at in range(count)]


def test_the_photo_is_the_first_frame_and_is_gone_after_six() -> None:
    photo, clip = pan(made=np.copy)[0], pan()
    made, reason = melted(clip, photo)
    assert np.array_equal(made[0], photo)
    assert all(np.array_equal(*pair) for pair in zip(made[REACH:], clip[REACH:], strict=True))
    assert not any(np.array_equal(*pair) for pair in zip(made[1 : REACH - 1], clip[1 : REACH - 1], strict=True))
    assert reason == "the photo itself, melted into the model's frames within 6"


def test_what_moves_keeps_its_place_and_gains_the_photos_detail() -> None:
    sharp, clip = pan(by=2, made=np.copy), pan(by=2)
    made, _ = melted(clip, sharp[0])
    for at in (1, 2, 3):
        own = np.abs(clip[at].astype(int) - sharp[at])[8:-8, 8:-8].mean()
        assert np.abs(made[at].astype(int) - sharp[at])[8:-8, 8:-8].mean() < own


def test_a_clip_that_leads_up_to_its_photo_ends_with_it() -> None:
    photo, clip = pan(made=np.copy)[0], pan()[::-1]
    made, reason = melted(clip, photo, direction=Direction.BEFORE)
    assert np.array_equal(made[-1], photo)
    assert all(np.array_equal(*pair) for pair in zip(made[:-REACH], clip[:-REACH], strict=True))
    assert reason


def test_a_loops_seam_is_no_step_out_of_the_photo() -> None:
    half = pan(8)
    clip = [*half, *half[:0:-1]]
    made, _ = melted(clip, pan(made=np.copy)[0], loop=True)
    assert np.array_equal(made[0], pan(made=np.copy)[0])
    seam = np.abs(made[0].astype(int) - made[-1]).mean()
    assert seam < np.abs(made[0].astype(int) - clip[-1]).mean()


def test_a_clip_that_goes_to_another_photo_ends_with_that_one() -> None:
    sharp, clip = pan(made=np.copy), pan()
    photo = PreparedPhoto(sharp[0], (0, 0), Scene(), end=sharp[-1])
    made = list(PhotoFrame(photo, make_recipe(size=SIZE)).melt(Frames("rgb24", SIZE, 8, 16, iter(clip))).frames)
    assert np.array_equal(made[0], sharp[0])
    assert np.array_equal(made[-1], sharp[-1])
    assert len(made) == 16


def test_a_model_that_shows_something_else_keeps_its_frames_and_it_is_said() -> None:
    other = [np.asarray(make_picture(SIZE, seed=9))[::-1].copy()] * 12
    made, reason = melted(other)
    assert all(np.array_equal(*pair) for pair in zip(made, other, strict=True))
    assert reason.startswith("the model's own frames stay")


@pytest.mark.parametrize("loop", [True, False])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 13])
def test_clips_of_any_length_keep_their_length(count: int, loop: bool) -> None:
    made, _ = melted(pan(count), pan(made=np.copy)[0], loop=loop)
    assert count < 3 or np.array_equal(made[0], pan(made=np.copy)[0])


def test_frames_of_another_kind_or_size_pass_through() -> None:
    photo_frame = PhotoFrame(PreparedPhoto(PHOTO, (0, 0), Scene()), make_recipe(size=SIZE))
    planes = [np.full((192, 192), 90, np.uint8)] * 8
    assert list(photo_frame.melt(Frames("yuv420p", SIZE, 8, 8, iter(planes))).frames) == planes
    small = [frame[:64] for frame in pan()]
    assert all(np.array_equal(*pair) for pair in zip(melted(small)[0], small, strict=True))


def test_flicker_is_what_turns_back_not_what_moves_or_fades() -> None:
    still = [PHOTO] * 8
    fading = [np.asarray(PHOTO * (1 - 0.01 * at), np.uint8) for at in range(8)]
    unsteady = [np.asarray(np.clip(PHOTO + 6.0 * (at % 2), 0, 255), np.uint8) for at in range(8)]
    assert flicker(still) == 0
    assert flicker(pan(8, by=2)) < 1
    assert flicker(fading) < 1
    assert flicker(unsteady) > 8
