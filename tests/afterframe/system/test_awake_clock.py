from __future__ import annotations

from afterframe.system.awake_clock import LONGEST_S, AwakeClock
from factories import Clock


def test_time_passes_while_it_is_looked_at(clock: Clock) -> None:
    awake = AwakeClock(clock)
    for _ in range(20):
        clock.forward(0.5)
        awake()
    assert awake() == 10.0


def test_a_sleep_counts_as_an_instant(clock: Clock) -> None:
    awake = AwakeClock(clock)
    clock.forward(3600)
    assert awake() == LONGEST_S
    clock.forward(1)
    assert awake() == LONGEST_S + 1


def test_a_clock_that_is_set_back_does_not_take_time_away(clock: Clock) -> None:
    awake = AwakeClock(clock)
    clock.forward(1)
    before = awake()
    clock.forward(-3600)
    assert awake() == before
    clock.forward(1)
    assert awake() == before + 1
