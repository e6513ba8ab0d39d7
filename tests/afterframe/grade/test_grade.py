from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from afterframe.encode.process import Encoding
from afterframe.encode.stills import as_video_frame
from afterframe.grade.alignment import Tracker
from afterframe.grade.match import match_grade
from afterframe.imaging.colour import Floats, ciede2000, small_rgb, to_cielab, to_linear, to_srgb
from afterframe.imaging.frames import Frames, Pixels, PreparedPhoto
from afterframe.scene import Detection, Scene
from factories import make_picture

SIZE = (192, 128)
FPS = 8


@pytest.fixture
def photo() -> PreparedPhoto:
    return PreparedPhoto(np.asarray(make_picture(SIZE)), (0, 0), Scene())


def shifted(picture: Pixels, stops: float = -0.4, warmth: float = 1.12, saturation: float = 0.75) -> Pixels:
    """Another exposure, in stops; another white balance, in linear light; another saturation."""
    gains = np.array([warmth, 1, 1 / warmth], np.float32) * np.float32(2**stops)
    rgb = to_srgb(to_linear(picture.astype(np.float32) / 255) * gains)
    grey = (rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32))[..., None]
    return np.asarray(np.clip((grey + (rgb - grey) * saturation) * 255 + 0.5, 0, 255), np.uint8)


def moved(picture: Pixels, count: int, step: int = 2) -> list[Pixels]:
    """A clip in which the camera pans over the picture."""
    return [np.roll(picture, -step * index, axis=1) for index in range(count)]


def graded(clip: Sequence[Pixels], photo: PreparedPhoto) -> list[Pixels]:
    height, width = clip[0].shape[:2]
    return list(match_grade(Frames("rgb24", (width, height), FPS, len(clip), iter(clip)), photo).frames)


def difference(one: Pixels, other: Pixels) -> float:
    """Mean dE00."""
    return float(ciede2000(lab(one), lab(other)).mean())


def lab(picture: Pixels) -> Floats:
    return to_cielab(small_rgb(picture, "rgb24", 256))


def mean_difference(one: Sequence[Pixels], other: Sequence[Pixels]) -> float:
    return float(np.mean([difference(a, b) for a, b in zip(one, other, strict=True)]))


def test_a_shifted_clip_comes_back_to_its_photos_colours(photo: PreparedPhoto) -> None:
    true = moved(photo.pixels, 24)
    clip = [shifted(frame) for frame in true]
    assert mean_difference(graded(clip, photo), true) < 0.2 * mean_difference(clip, true)


def test_slow_drift_is_followed(photo: PreparedPhoto) -> None:
    true = moved(photo.pixels, 32)
    clip = [
        shifted(frame, -0.5 * t, 1 + 0.15 * t, 1 - 0.3 * t)
        for frame, t in zip(true, np.linspace(0, 1, 32), strict=True)
    ]
    assert mean_difference(graded(clip, photo), true) < 0.3 * mean_difference(clip, true)


def test_colours_that_jump_after_the_first_frame_are_brought_back_without_touching_it(photo: PreparedPhoto) -> None:
    true = moved(photo.pixels, 16)
    result = graded([true[0], *(shifted(frame) for frame in true[1:])], photo)
    assert np.array_equal(result[0], true[0])
    assert difference(result[1], true[1]) < 0.2 * difference(shifted(true[1]), true[1])


def test_a_steady_clip_gets_one_grade_and_does_not_flicker(photo: PreparedPhoto) -> None:
    rng = np.random.default_rng(7)
    still = shifted(photo.pixels).astype(float)
    clip = [np.clip(still + rng.normal(0, 3, still.shape), 0, 255).astype(np.uint8) for _ in range(24)]
    means = np.array([frame.mean(axis=(0, 1)) for frame in graded(clip, photo)])
    assert np.abs(np.diff(means, axis=0)).max() < 0.5


def test_a_clip_that_is_right_already_is_left_alone(photo: PreparedPhoto) -> None:
    clip = moved(photo.pixels, 12)
    assert all(np.array_equal(*pair) for pair in zip(graded(clip, photo), clip, strict=True))


def test_a_clip_of_a_photo_that_was_compressed_for_its_model_still_begins_in_the_photos_colours(
    photo: PreparedPhoto,
) -> None:
    compressed = as_video_frame(photo.pixels, 33, Encoding())
    clip = moved(shifted(compressed), 24)
    first = graded(clip, photo)[0]
    assert difference(clip[0], photo.pixels) > 4
    detail_lost = difference(compressed, photo.pixels)
    assert difference(first, photo.pixels) < detail_lost + 0.5


def test_a_clip_that_does_not_show_its_photo_is_left_alone(photo: PreparedPhoto) -> None:
    noise = [np.random.default_rng(seed).integers(0, 256, photo.pixels.shape, np.uint8) for seed in range(6)]
    tiles = np.kron(np.random.default_rng(1).integers(0, 256, (16, 24, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
    other = [tiles] * 6
    grey = [np.full_like(photo.pixels, 90) for _ in range(6)]
    for clip in (noise, other, grey):
        assert all(np.array_equal(*pair) for pair in zip(graded(clip, photo), clip, strict=True))


def test_a_grade_sets_in_gradually_when_the_photo_comes_into_sight_late(photo: PreparedPhoto) -> None:
    """A clip that leads up to its photo may begin with something else."""
    tiles = np.kron(np.random.default_rng(1).integers(60, 200, (16, 24, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
    clip = [tiles] * 24 + [shifted(photo.pixels)] * 24
    result = graded(clip, photo)
    assert difference(result[-1], photo.pixels) < 0.2 * difference(clip[-1], photo.pixels)
    change = [frame.mean() - given.mean() for frame, given in zip(result, clip, strict=True)]
    assert np.abs(np.diff(change)).max() < 0.5 * abs(change[-1])


def test_what_comes_into_the_picture_does_not_pull_the_rest(photo: PreparedPhoto) -> None:
    """A red thing that the photo does not have grows until it covers a third of the frame."""
    true = [photo.pixels.copy() for _ in range(24)]
    for index, frame in enumerate(true):
        frame[:, : SIZE[0] * index // 72] = (200, 30, 30)
    clip = [shifted(frame) for frame in true]
    assert mean_difference(graded(clip, photo), true) < 0.35 * mean_difference(clip, true)


def test_skin_comes_first_where_there_are_faces(photo: PreparedPhoto) -> None:
    """Skin and a wall of nearly the same colour drift apart: no transform of colours can serve both."""
    skin, wall = np.array([205, 150, 125]), np.array([200, 152, 130])
    picture = photo.pixels.copy()
    picture[:, 40:150] = wall
    picture[40:100, 70:120] = skin
    clip_frame = picture.copy()
    clip_frame[:, 40:150] = wall + 14
    clip_frame[40:100, 70:120] = skin - 14
    with_face = PreparedPhoto(picture, (0, 0), Scene(faces=(Detection(70 / 192, 40 / 128, 50 / 192, 60 / 128),)))
    without = replace(with_face, scene=Scene())

    def skin_off(prepared: PreparedPhoto) -> float:
        (frame,) = graded([clip_frame], prepared)
        return difference(frame[45:95, 75:115], picture[45:95, 75:115])

    assert skin_off(with_face) <= min(skin_off(without), difference(clip_frame[45:95, 75:115], picture[45:95, 75:115]))


def test_planes_pass_through(photo: PreparedPhoto) -> None:
    frames = Frames("yuv420p", SIZE, FPS, 1, iter([np.zeros((192, 192), np.uint8)]))
    assert match_grade(frames, photo) is frames


def test_frames_stream(photo: PreparedPhoto) -> None:
    """A second and a few frames are held, no more."""
    read = 0

    def counted() -> Iterator[Pixels]:
        nonlocal read
        for frame in moved(photo.pixels, 40):
            read += 1
            yield shifted(frame)

    out = match_grade(Frames("rgb24", SIZE, FPS, 40, counted()), photo).frames
    first = next(out)
    assert read <= FPS + 6
    assert len([first, *out]) == 40


def test_a_clip_that_is_given_up_leaves_no_threads(photo: PreparedPhoto) -> None:
    """The suite's own check looks for them."""
    frames = match_grade(Frames("rgb24", SIZE, FPS, 40, iter(moved(shifted(photo.pixels), 40))), photo)
    next(frames.frames)
    del frames


def test_a_generator_that_fails_is_heard(photo: PreparedPhoto) -> None:
    def failing() -> Iterator[Pixels]:
        yield photo.pixels
        raise MemoryError

    with pytest.raises(MemoryError):
        list(match_grade(Frames("rgb24", SIZE, FPS, 2, failing()), photo).frames)


@pytest.mark.parametrize("size", [(192, 12), (192, 6), (12, 192), (3, 192)])
def test_a_strip_is_not_followed_and_nothing_is_said_of_its_colours(size: tuple[int, int]) -> None:
    strip = np.random.default_rng(1).random((size[1], size[0], 3)).astype(np.float32)
    assert not Tracker(strip).match(strip).usable
