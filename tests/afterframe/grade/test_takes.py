"""Takes made for it: a drifted, a frozen, a flickering one ... The right one wins, for the stated reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from afterframe.grade.takes import Judged, TakeMeter, faults_of, ranked
from afterframe.imaging.frames import Frames, Pixels, PreparedPhoto
from afterframe.scene import Detection, Scene
from factories import make_picture, make_recipe

SIZE = (192, 128)
COUNT = 24
WIDE = np.asarray(make_picture((SIZE[0] + 60, SIZE[1])))
FACE = Detection(0.3, 0.25, 0.2, 0.4)


def at(number: float) -> Pixels:
    """A camera that pans gently: a good take."""
    left = round(number / 2)
    return np.ascontiguousarray(WIDE[:, left : left + SIZE[0]])


def tinted(picture: Pixels, levels: float) -> Pixels:
    return np.asarray(np.clip(picture + np.array([levels, 0, -levels]), 0, 255), np.uint8)


def with_another_face(picture: Pixels, number: int) -> Pixels:
    made = picture.copy()
    noise = np.random.default_rng(1).integers(0, 256, (51, 38, 3), np.uint8)
    made[32:83, 58:96] = np.asarray(made[32:83, 58:96] * 0.1 + noise * 0.9, np.uint8)
    return made if number > 6 else picture


def photographed(number: int) -> Pixels:
    """Another picture altogether, after the first frames."""
    return at(number) if number < 3 else np.random.default_rng(number).integers(0, 256, WIDE[:, :192].shape, np.uint8)


TAKES: dict[str, Callable[[int], Pixels]] = {
    "good": at,
    "drifted": lambda number: tinted(at(number), 3.5 * number),
    "frozen": lambda number: at(0),
    "flickering": lambda number: np.asarray(np.clip(at(number) + 14.0 * (number % 2), 0, 255), np.uint8),
    "off": lambda number: tinted(at(number), 40),
    "another face": lambda number: with_another_face(at(number), number),
    "another picture": photographed,
}


def judged(make: Callable[[int], Pixels], **recipe: Any) -> Judged:
    photo = PreparedPhoto(at(0), (0, 0), Scene(faces=(FACE,)))
    meter = TakeMeter(photo, make_recipe(size=SIZE, **recipe))
    made = [make(number) for number in range(COUNT)]
    passed = list(meter.watch(Frames("rgb24", SIZE, 8, COUNT, iter(made))).frames)
    assert all(np.array_equal(*pair) for pair in zip(passed, made, strict=True))
    return meter.judged()


@pytest.fixture(scope="module")
def all_judged() -> dict[str, Judged]:
    return {name: judged(make) for name, make in TAKES.items()}


def test_a_good_take_is_good_enough_and_comes_first_wherever_it_stands(all_judged: dict[str, Judged]) -> None:
    assert all_judged["good"].good_enough
    for turn in range(len(TAKES)):
        names = [*list(TAKES)[turn:], *list(TAKES)[:turn]]
        assert names[ranked([all_judged[name] for name in names])[0]] == "good"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("drifted", "its colours drift"),
        ("frozen", "hardly anything moves"),
        ("flickering", "it flickers"),
        ("off", "its first frame is off the photo"),
        ("another face", "its faces change"),
        ("another picture", "it does not show the photo any more"),
    ],
)
def test_each_loses_for_its_own_reason(all_judged: dict[str, Judged], name: str, reason: str) -> None:
    take = all_judged[name]
    assert take.worse_than(all_judged["good"]).startswith(reason)
    assert not take.good_enough
    assert take.worst.startswith(reason)


def test_a_still_take_is_right_where_stillness_was_wished_and_a_lively_one_is_not() -> None:
    assert judged(TAKES["frozen"], motion_intensity=0.0).good_enough
    assert faults_of({"photo": 0, "drift": 0, "flicker": 0, "motion": 30.0}, 0.5)["lively"] > 1
    assert "lively" not in faults_of({"drift": 0, "motion": 30.0}, 0.0)


def test_a_loop_that_jumps_loses() -> None:
    wave = np.rint(10 + 10 * np.sin(np.linspace(0, 2 * np.pi, COUNT, endpoint=False)))
    there_and_back = judged(lambda number: at(2 * wave[number]), loop=True)
    jumps = judged(at, loop=True)
    assert ranked([jumps, there_and_back]) == [1, 0]
    assert jumps.worse_than(there_and_back).startswith("its loop jumps")


def test_of_equals_the_earlier_one_is_taken(all_judged: dict[str, Judged]) -> None:
    good = all_judged["good"]
    assert ranked([all_judged["frozen"], good, good]) == [1, 2, 0]
    assert good.worse_than(good) == "as good as the one that was taken"
