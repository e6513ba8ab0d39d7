from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterframe.domain import Stamp
from afterframe.intake.settle import StabilityTracker

PHOTO = Path("/photos/a.jpg")


def due(settler: StabilityTracker, now: float) -> list[tuple[Path, bool]]:
    return list(settler.due(now))


@pytest.fixture
def settler() -> StabilityTracker:
    return StabilityTracker(settle_s=2, broken_s=10)


def test_a_growing_file_is_not_settled_until_it_stands_still(settler: StabilityTracker) -> None:
    for second in range(5):
        settler.see(PHOTO, Stamp(second, second), now=second, age_s=0)
        assert due(settler, second) == []
    assert due(settler, 5.9) == []
    assert due(settler, 6.0) == [(PHOTO, False)]


def test_a_renamed_file_is_settled_at_once(settler: StabilityTracker) -> None:
    settler.see(PHOTO, Stamp(1, 1), now=0, age_s=0, renamed=True)
    assert due(settler, 0) == [(PHOTO, False)]


def test_an_older_file_is_settled_at_once(settler: StabilityTracker) -> None:
    settler.see(PHOTO, Stamp(1, 1), now=0, age_s=3600)
    assert due(settler, 0) == [(PHOTO, False)]


def test_a_file_with_an_old_date_that_still_grows_is_watched_on(settler: StabilityTracker) -> None:
    settler.see(PHOTO, Stamp(1, 1), now=0, age_s=3600)
    due(settler, 0)
    settler.see(PHOTO, Stamp(2, 1), now=1, age_s=3600)
    assert due(settler, 1) == []
    assert due(settler, 3) == [(PHOTO, False)]


def test_a_broken_file_is_tried_again_only_when_it_changes_and_given_up_in_the_end(settler: StabilityTracker) -> None:
    settler.see(PHOTO, Stamp(1, 1), now=0, age_s=0)
    assert due(settler, 2) == [(PHOTO, False)]
    assert due(settler, 5) == []
    settler.see(PHOTO, Stamp(2, 2), now=6, age_s=0)
    assert due(settler, 8) == [(PHOTO, False)]
    assert due(settler, 16) == [(PHOTO, True)]


@given(st.lists(st.tuples(st.floats(0.01, 30), st.booleans()), min_size=1, max_size=20))
def test_a_file_is_only_ever_due_after_it_stood_still(steps: list[tuple[float, bool]]) -> None:
    settler = StabilityTracker(settle_s=2, broken_s=10)
    now, changed_at, size = 0.0, 0.0, 1
    settler.see(PHOTO, Stamp(size, 0), now=0, age_s=0)
    for wait, changes in steps:
        now += wait
        if changes:
            size, changed_at = size + 1, now
            settler.see(PHOTO, Stamp(size, 0), now=now, age_s=0)
        for _, final in settler.due(now):
            assert now - changed_at >= (10 if final else 2)


def test_the_next_look_is_when_something_may_be_due(settler: StabilityTracker) -> None:
    assert settler.next_due_s(0) is None
    settler.see(PHOTO, Stamp(1, 1), now=0, age_s=0)
    assert settler.next_due_s(0.5) == 1.5
    due(settler, 2)
    assert settler.next_due_s(2) == 8
    settler.forget(PHOTO)
    assert settler.next_due_s(2) is None
