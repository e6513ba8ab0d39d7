"""From one photo to another of the same place."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from afterframe.errors import Cancelled, GenerateError
from afterframe.generators.parallax.generator import Parallax
from afterframe.generators.parallax.passage import Passage
from afterframe.imaging.frames import Pixels, PreparedPhoto
from afterframe.scene import Scene
from factories import make_recipe, make_settings

SIZE = (320, 200)


def place(seed: int = 0) -> Pixels:
    """A wide view with much to hold on to."""
    random = np.random.default_rng(seed)
    wide = cv2.resize(random.integers(0, 256, (18, 40, 3), np.uint8), (800, 360), interpolation=cv2.INTER_CUBIC)
    for _ in range(60):
        x, y = int(random.integers(20, 780)), int(random.integers(20, 340))
        colour = [int(value) for value in random.integers(0, 256, 3)]
        cv2.rectangle(wide, (x, y), (x + int(random.integers(6, 30)), y + int(random.integers(6, 30))), colour, -1)
    return np.asarray(wide, np.uint8)


def seen(wide: Pixels, x: int, y: int = 60) -> Pixels:
    return np.ascontiguousarray(wide[y : y + SIZE[1], x : x + SIZE[0]])


def middle_off(first: Pixels, last: Pixels, wanted: Pixels) -> float:
    shown = Passage(first, last).frame(0.5)
    return float(np.abs(shown.astype(int) - wanted)[20:-20, 20:-20].mean())


@pytest.mark.parametrize("step", [4, 40, 120])
def test_half_way_the_camera_is_half_way(step: int) -> None:
    wide = place()
    first, last = seen(wide, 200), seen(wide, 200 + step)
    dissolved = (first.astype(int) + last) // 2
    half = seen(wide, 200 + step // 2)
    assert middle_off(first, last, half) < min(6, np.abs(dissolved - half)[20:-20, 20:-20].mean() / 2)


def test_a_turned_and_nearer_view_is_followed() -> None:
    first = seen(place(), 200)
    turn = cv2.getRotationMatrix2D((160, 100), 8, 1.2)
    last = np.asarray(cv2.warpAffine(first, turn, SIZE, borderMode=cv2.BORDER_REFLECT_101), np.uint8)
    passage = Passage(first, last)
    frames = [passage.frame(moment) for moment in np.linspace(0, 1, 9)]
    steps = [np.abs(one.astype(int) - other).mean() for one, other in pairwise(frames)]
    assert max(steps) < 0.6 * np.abs(first.astype(int) - last).mean()


def test_the_ends_are_the_photos_themselves() -> None:
    wide = place()
    first, last = seen(wide, 200), seen(wide, 230)
    passage = Passage(first, last)
    assert np.array_equal(passage.frame(0), first)
    assert np.array_equal(passage.frame(1), last)


@pytest.mark.parametrize("other", ["another place", "the far end", "noise", "black"])
def test_photos_without_a_way_between_them_are_refused(other: str) -> None:
    wide = place()
    last = {
        "another place": seen(place(7), 200),
        "the far end": seen(wide, 480),
        "noise": np.random.default_rng(3).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8),
        "black": np.zeros((SIZE[1], SIZE[0], 3), np.uint8),
    }[other]
    with pytest.raises(GenerateError) as refused:
        Passage(seen(wide, 0 if other == "the far end" else 200), last)
    assert refused.value.error_code == "photos_apart"


def test_another_exposure_of_the_same_place_is_the_same_place() -> None:
    wide = place()
    Passage(seen(wide, 200), np.asarray(seen(wide, 220) * 0.8, np.uint8))


def test_parallax_makes_the_clip_between_two_photos_and_can_be_stopped() -> None:
    wide = place()
    photo = PreparedPhoto(seen(wide, 200), (0, 0), Scene(), end=seen(wide, 230))
    recipe = make_recipe(size=SIZE, duration_s=1.0, end_photo="/photos/b.jpg")
    generator = Parallax(make_settings())
    assert generator.overscan(recipe) == 0
    told: list[float] = []
    made = generator.generate(photo, recipe, lambda share, *_: told.append(share), lambda: False)
    frames = list(made.frames)
    assert (made.pixel_format, len(frames)) == ("rgb24", made.count)
    assert np.array_equal(frames[-1], seen(wide, 230))
    assert told[-1] == 1
    with pytest.raises(Cancelled):
        list(generator.generate(photo, recipe, lambda *_: None, lambda: True).frames)
