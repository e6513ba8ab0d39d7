"""How the fields of a noun are written down: in the state file, in a sidecar, in the API.

Each field of a dataclass carries its own :class:`Record` (``field(metadata=recorded(...))``). Code that writes or reads
the noun goes over ``dataclasses.fields`` with the functions here: no second list of the fields exists.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from datetime import UTC, datetime
from typing import Any

RECORD = "record"
"""The key of a :class:`Record` in its field's metadata."""


@dataclass(frozen=True, slots=True)
class Codec:
    """A value's plain form, as JSON has it, and the way back."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


AS_IT_IS = Codec(_same, _same)


@dataclass(frozen=True, slots=True)
class Property:
    """The text property of a sidecar that holds a field."""

    name: str
    """With its prefix: "afterframe:variant"."""
    write: Callable[[Any], str | None] = str
    """None: nothing is written."""
    read: Callable[[str], Any] = str


@dataclass(frozen=True, slots=True)
class Shown:
    """How the API shows a field, in its plain form."""

    schema: Mapping[str, Any]
    """JSON Schema, description included."""
    name: str = ""
    """The field's name in the API; "" where it is the field's own."""


@dataclass(frozen=True, slots=True)
class Record:
    """How one field is written down."""

    plain: Codec
    """For the state file, the API, and the JSON of an interrupted publish."""
    stored: bool
    """It has a column of its own name in the state file."""
    fixed: bool
    """Its column keeps what was written first."""
    json: bool
    """Its column holds the plain form as JSON text."""
    sidecar: Property | None
    api: Shown | None


def recorded(
    *,
    plain: Codec = AS_IT_IS,
    stored: bool = True,
    fixed: bool = False,
    json: bool = False,
    sidecar: Property | None = None,
    api: Shown | None = None,
) -> dict[str, Record]:
    """The metadata of a field; see :class:`Record`. By default it stands in the state file alone, as it is."""
    return {RECORD: Record(plain, stored, fixed, json, sidecar, api)}


def shown(type_: str | list[str], *, name: str = "", **schema: Any) -> Shown:
    """A field in the API: its JSON type, its name where it has another one there, and more of its schema."""
    return Shown({"type": type_, **schema}, name)


def record_of(field: Field[Any]) -> Record:
    """How a field is written down."""
    record: Record = (field.metadata or recorded())[RECORD]
    return record


# -- text in a sidecar ---------------------------------------------------------------------------


def if_any(value: object) -> str | None:
    """As text; None, an empty text and zero are left out."""
    return str(value) if value else None


def iso_time(time_s: float) -> str:
    """Unix time, seconds, as XMP writes a date (ISO 8601, UTC, to the second)."""
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="seconds")


def unix_s(iso: str) -> float:
    """The reverse of :func:`iso_time`."""
    return datetime.fromisoformat(iso).timestamp()


# -- JSON ----------------------------------------------------------------------------------------


def to_plain(noun: Any) -> dict[str, Any]:
    """All fields in their plain form, by name."""
    return {f.name: record_of(f).plain.write(getattr(noun, f.name)) for f in fields(noun)}


def from_plain(noun: type, data: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a noun's fields, to make it of.

    What is missing has its default, so that what earlier versions wrote still reads; unknown keys are ignored.

    Raises:
        KeyError: a field without a default is missing.
        ValueError, TypeError: a value is not what the field holds.
    """
    return {f.name: record_of(f).plain.read(data[f.name]) for f in fields(noun) if f.name in data or _needed(f)}


def _needed(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


# -- the state file ------------------------------------------------------------------------------


def stored(noun: type) -> list[Field[Any]]:
    """The fields that have a column."""
    return [f for f in fields(noun) if record_of(f).stored]


def to_column(field: Field[Any], noun: Any) -> Any:
    """What a field's column holds."""
    record = record_of(field)
    plain = record.plain.write(getattr(noun, field.name))
    return json.dumps(plain) if record.json else plain


def from_column(field: Field[Any], value: Any) -> Any:
    """The reverse of :func:`to_column`: the field's value."""
    record = record_of(field)
    return record.plain.read(json.loads(value) if record.json else value)


# -- the sidecar ---------------------------------------------------------------------------------


def to_properties(noun: Any) -> dict[str, str]:
    """The properties of all fields that have one, by name, in the order of the fields."""
    texts = {p.name: p.write(getattr(noun, f.name)) for f in fields(noun) if (p := record_of(f).sidecar)}
    return {name: text for name, text in texts.items() if text is not None}


def from_properties(noun: type, texts: Mapping[str, str]) -> dict[str, Any]:
    """The values of the fields that have a property, by field name; what is missing has its default.

    Raises:
        KeyError: a property without a default is missing.
        ValueError, TypeError: a text is not what the field holds.
    """
    return {
        f.name: p.read(texts[p.name])
        for f in fields(noun)
        if (p := record_of(f).sidecar) and (p.name in texts or _needed(f))
    }


# -- the API -------------------------------------------------------------------------------------


def fields_shown(noun: type) -> dict[str, dict[str, Any]]:
    """The JSON Schemas of the fields that the API shows, by their names there."""
    return {a.name or f.name: dict(a.schema) for f in fields(noun) if (a := record_of(f).api)}


def to_api(noun: Any) -> dict[str, Any]:
    """The fields that the API shows, by their names there."""
    return {
        a.name or f.name: record_of(f).plain.write(getattr(noun, f.name))
        for f in fields(noun)
        if (a := record_of(f).api)
    }
