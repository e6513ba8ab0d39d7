from __future__ import annotations

from afterframe.state.idempotency import IdempotencyStore
from factories import Clock


def test_an_answer_is_given_again_for_the_same_key_for_a_day(answers: IdempotencyStore, clock: Clock) -> None:
    answers.put("key", {"renders": ["1"]})
    assert answers.get("key") == {"renders": ["1"]}
    clock.forward(86_401)
    answers.put("other", {})
    assert answers.get("key") is None
