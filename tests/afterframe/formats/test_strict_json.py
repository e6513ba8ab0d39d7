from __future__ import annotations

import math

import pytest

from afterframe.formats import strict_json


def test_a_number_that_json_does_not_have_becomes_null_and_the_rest_stays() -> None:
    data = {"a": [1.5, math.nan, {"b": (math.inf, -math.inf, "NaN", None, True)}]}
    assert strict_json.loads(strict_json.dumps(data)) == {"a": [1.5, None, {"b": [None, None, "NaN", None, True]}]}


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', "[" * 200_000, '{"a":' * 200_000, "", "{"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        strict_json.loads(text)
