"""How the fields of an entity are written down: in the state file, in a sidecar, in the API.

Each field of a dataclass carries its own :class:`FieldMapping` (``field(metadata=mapped(...))``). Code that writes or
reads the entity goes over ``dataclasses.fields`` with the functions here: no second list of the fields exists.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from afterframe.formats import strict_json

MAPPING = "mapping"
"""The key of a :class:`FieldMapping` in its field's metadata."""


@dataclass(frozen=True, slots=True)
class JsonForm:
    """A value's plain form, as JSON has it, and the way back."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


UNCHANGED = JsonForm(_same, _same)


@dataclass(frozen=True, slots=True)
class Property:
    """The text property of a sidecar that holds a field."""

    name: str
    """With its prefix: "afterframe:variant"."""
    write: Callable[[Any], str | None] = str
    """None: nothing is written."""
    read: Callable[[str], Any] = str


@dataclass(frozen=True, slots=True)
class ApiField:
    """How the API shows a field, in its plain form."""

    schema: Mapping[str, Any]
    """JSON Schema, description included."""
    name: str = ""
    """The field's name in the API; "" where it is the field's own."""


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """How one field is written down."""

    plain: JsonForm
    """For the state file, the API, and the JSON of an interrupted publish."""
    stored: bool
    """It has a column of its own name in the state file."""
    fixed: bool
    """Its column keeps what was written first."""
    json: bool
    """Its column holds the plain form as JSON text."""
    sidecar: Property | None
    api: ApiField | None


def mapped(
    *,
    plain: JsonForm = UNCHANGED,
    stored: bool = True,
    fixed: bool = False,
    json: bool = False,
    sidecar: Property | None = None,
    api: ApiField | None = None,
) -> dict[str, FieldMapping]:
    """The metadata of a field; see :class:`FieldMapping`. By default it stands in the state file alone, as it is."""
    return {MAPPING: FieldMapping(plain, stored, fixed, json, sidecar, api)}


def shown(type_: str | list[str], *, name: str = "", **schema: Any) -> ApiField:
    """A field in the API: its JSON type, its name where it has another one there, and more of its schema."""
    return ApiField({"type": type_, **schema}, name)


def mapping_of(field: Field[Any]) -> FieldMapping:
    """How a field is written down."""
    mapping: FieldMapping = (field.metadata or mapped())[MAPPING]
    return mapping


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


def stars(text: str) -> int:
    """XMP's rating is a real number, -1 for rejected (Specification part 2, 8.4). What is none is no rating."""
    try:
        return round(max(0.0, min(5.0, float(text))) if math.isfinite(float(text)) else 0)
    except ValueError:
        return 0


def numbers_text(numbers: Mapping[str, float]) -> str | None:
    """Numbers by name as JSON; none are left out."""
    return json.dumps(finite_numbers(numbers), sort_keys=True) if numbers else None


def numbers_of(text: str) -> dict[str, float]:
    """The reverse of :func:`numbers_text`; what is no number, whoever wrote it, counts as not known."""
    try:
        found = strict_json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return finite_numbers(found) if isinstance(found, dict) else {}


# -- JSON ----------------------------------------------------------------------------------------


def finite_numbers(numbers: Mapping[str, object]) -> dict[str, float]:
    """Those that JSON can hold; what earlier versions let in besides is left out."""
    return {name: float(n) for name, n in numbers.items() if isinstance(n, int | float) and math.isfinite(n)}


def to_plain(entity: Any) -> dict[str, Any]:
    """All fields in their plain form, by name."""
    return {f.name: mapping_of(f).plain.write(getattr(entity, f.name)) for f in fields(entity)}


def from_plain(entity: type, data: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an entity's fields, to make it of.

    What is missing has its default, so that what earlier versions wrote still reads; unknown keys are ignored.

    Raises:
        KeyError: a field without a default is missing.
        ValueError, TypeError: a value is not what the field holds.
    """
    return {f.name: mapping_of(f).plain.read(data[f.name]) for f in fields(entity) if f.name in data or _needed(f)}


def _needed(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


# -- the state file ------------------------------------------------------------------------------


def stored(entity: type) -> list[Field[Any]]:
    """The fields that have a column."""
    return [f for f in fields(entity) if mapping_of(f).stored]


def to_column(field: Field[Any], entity: Any) -> Any:
    """What a field's column holds."""
    mapping = mapping_of(field)
    plain = mapping.plain.write(getattr(entity, field.name))
    return strict_json.dumps(plain) if mapping.json else plain


def from_column(field: Field[Any], value: Any) -> Any:
    """The reverse of :func:`to_column`: the field's value."""
    mapping = mapping_of(field)
    return mapping.plain.read(json.loads(value) if mapping.json else value)


# -- the sidecar ---------------------------------------------------------------------------------


def to_properties(entity: Any) -> dict[str, str]:
    """The properties of all fields that have one, by name, in the order of the fields."""
    texts = {p.name: p.write(getattr(entity, f.name)) for f in fields(entity) if (p := mapping_of(f).sidecar)}
    return {name: text for name, text in texts.items() if text is not None}


def from_properties(entity: type, texts: Mapping[str, str]) -> dict[str, Any]:
    """The values of the fields that have a property, by field name; what is missing has its default.

    Raises:
        KeyError: a property without a default is missing.
        ValueError, TypeError: a text is not what the field holds.
    """
    return {
        f.name: p.read(texts[p.name])
        for f in fields(entity)
        if (p := mapping_of(f).sidecar) and (p.name in texts or _needed(f))
    }


# -- the API -------------------------------------------------------------------------------------


def api_schemas(entity: type) -> dict[str, dict[str, Any]]:
    """The JSON Schemas of the fields that the API shows, by their names there."""
    return {a.name or f.name: dict(a.schema) for f in fields(entity) if (a := mapping_of(f).api)}


def to_api(entity: Any) -> dict[str, Any]:
    """The fields that the API shows, by their names there."""
    return {
        a.name or f.name: mapping_of(f).plain.write(getattr(entity, f.name))
        for f in fields(entity)
        if (a := mapping_of(f).api)
    }
