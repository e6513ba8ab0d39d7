from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import pytest

from afterframe.field_mapping import (
    JsonForm,
    Property,
    api_schemas,
    from_column,
    from_plain,
    from_properties,
    if_any,
    iso_time,
    mapped,
    shown,
    stored,
    to_api,
    to_column,
    to_plain,
    to_properties,
    unix_s,
)


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Thing:
    """One field of each kind."""

    id: str
    colour: Colour = field(
        metadata=mapped(
            plain=JsonForm(str, Colour), sidecar=Property("x:colour", read=Colour), api=shown("string", name="paint")
        )
    )
    tags: tuple[str, ...] = field(default=(), metadata=mapped(plain=JsonForm(list, tuple), json=True))
    note: str = field(
        default="",
        metadata=mapped(stored=False, sidecar=Property("x:note", if_any), api=shown("string", maxLength=9)),
    )


THING = Thing("one", Colour.RED, ("a", "b"), "said")


def test_a_plain_form_is_read_back() -> None:
    plain = to_plain(THING)
    assert plain == {"id": "one", "colour": "red", "tags": ["a", "b"], "note": "said"}
    assert Thing(**from_plain(Thing, plain)) == THING


def test_what_is_missing_has_its_default_and_what_is_unknown_is_ignored() -> None:
    assert Thing(**from_plain(Thing, {"id": "one", "colour": "red", "mood": "blue"})) == Thing("one", Colour.RED)


def test_what_has_no_default_must_be_there() -> None:
    with pytest.raises(KeyError, match="colour"):
        from_plain(Thing, {"id": "one"})
    with pytest.raises(KeyError, match="x:colour"):
        from_properties(Thing, {})


def test_a_column_is_read_back() -> None:
    columns = {column.name: to_column(column, THING) for column in stored(Thing)}
    assert columns == {"id": "one", "colour": "red", "tags": '["a", "b"]'}
    assert [from_column(column, columns[column.name]) for column in stored(Thing)] == ["one", Colour.RED, ("a", "b")]


def test_the_properties_of_a_sidecar_are_read_back_into_their_fields() -> None:
    assert to_properties(THING) == {"x:colour": "red", "x:note": "said"}
    assert from_properties(Thing, to_properties(THING)) == {"colour": Colour.RED, "note": "said"}


def test_a_property_without_a_value_is_not_written() -> None:
    assert to_properties(Thing("one", Colour.RED)) == {"x:colour": "red"}


def test_the_api_shows_a_field_under_its_name_there() -> None:
    assert to_api(THING) == {"paint": "red", "note": "said"}
    assert api_schemas(Thing) == {"paint": {"type": "string"}, "note": {"type": "string", "maxLength": 9}}


def test_a_time_is_kept_to_the_second() -> None:
    assert unix_s(iso_time(1_700_000_000.75)) == 1_700_000_000
