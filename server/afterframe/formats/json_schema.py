"""Checks JSON against the contract, and sidecars likewise: the part of JSON Schema that our contract uses, no more."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from afterframe.errors import UsageError

Schema = Mapping[str, Any]

KEYWORDS = frozenset(
    [
        "type",
        "enum",
        "properties",
        "required",
        "additionalProperties",
        "minProperties",
        "items",
        "minItems",
        "maxItems",
        "minLength",
        "pattern",
        "maxLength",
        "minimum",
        "maximum",
        "description",
        "default",
        "format",
        "$ref",
    ]
)
"""Everything that :func:`check` understands; a test checks that the contract uses nothing else."""

REF = "#/components/schemas/"

_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "string": (lambda value: isinstance(value, str), "text"),
    "boolean": (lambda value: isinstance(value, bool), "true or false"),
    "integer": (lambda value: isinstance(value, int) and not isinstance(value, bool), "a whole number"),
    "number": (lambda value: isinstance(value, int | float) and not isinstance(value, bool), "a number"),
    "array": (lambda value: isinstance(value, list), "a list"),
    "object": (lambda value: isinstance(value, dict), "an object"),
    "null": (lambda value: value is None, "null"),
}


def check(value: object, schema: Schema, named: Mapping[str, Schema], where: str = "") -> None:
    """Check that a value matches a schema.

    Args:
        named: the schemas that ``$ref`` can name.
        where: the value's place, for the message: "photos[3]".
    Raises:
        UsageError: it does not; the message names the place and what is expected there.
    """
    if "$ref" in schema:
        schema = named[schema["$ref"].removeprefix(REF)]
    _check_kind(value, schema, where)
    if "enum" in schema and value not in schema["enum"]:
        words = ", ".join(str(choice) for choice in schema["enum"])
        raise _wrong(where, f"must be one of {words}")
    if isinstance(value, str):
        _check_text(value, schema, where)
    elif isinstance(value, dict):
        _check_object(value, schema, named, where)
    elif isinstance(value, list):
        _check_list(value, schema, named, where)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _check_range(value, schema, where)


def _check_kind(value: object, schema: Schema, where: str) -> None:
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_KINDS[kind][0](value) for kind in kinds):
        raise _wrong(where, "must be " + " or ".join(_KINDS[kind][1] for kind in kinds))


def _check_text(text: str, schema: Schema, where: str) -> None:
    least = schema.get("minLength", 0)
    if len(text) < least:
        raise _wrong(where, "must not be empty" if least == 1 else f"must have at least {least} characters")
    if len(text) > schema.get("maxLength", math.inf):
        raise _wrong(where, f"must have at most {schema['maxLength']} characters")
    # ECMAScript's $, which JSON Schema means, matches before no line end.
    if "pattern" in schema and not re.search(re.sub(r"\$\Z", r"\\Z", schema["pattern"]), text):
        raise _wrong(where, f"must match {schema['pattern']}")
    if schema.get("format") != "path" and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise _wrong(where, "must be valid Unicode")


def _check_object(value: dict[str, Any], schema: Schema, named: Mapping[str, Schema], where: str) -> None:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    rest: Schema | bool = schema.get("additionalProperties", True)
    for key in schema.get("required", ()):
        if key not in value:
            raise _wrong(_inside(where, key), "is missing")
    for key, item in value.items():
        if key in properties:
            check(item, properties[key], named, _inside(where, key))
        elif rest is False:
            known = ", ".join(properties) or "none"
            raise UsageError(
                f"“{_inside(where, key)[:200]}” is not a known key.",
                f"Known here: {known}.",
                code="unknown_key",
            )
        elif isinstance(rest, Mapping):
            check(item, rest, named, _inside(where, key))
    if len(value) < schema.get("minProperties", 0):
        raise _wrong(where, "needs at least one of " + ", ".join(properties))


def _check_list(value: list[Any], schema: Schema, named: Mapping[str, Schema], where: str) -> None:
    least = schema.get("minItems", 0)
    if len(value) < least:
        raise _wrong(where, "must not be empty" if least == 1 else f"must have {least} entries")
    if len(value) > schema.get("maxItems", math.inf):
        raise _wrong(where, f"must have at most {schema['maxItems']} entries")
    for index, item in enumerate(value):
        check(item, schema.get("items", {}), named, f"{where}[{index}]")


def _check_range(value: float, schema: Schema, where: str) -> None:
    # JSON sets no limit: 1e999 and whole numbers of a thousand digits are valid, and no arithmetic of ours holds them.
    if not abs(value) <= sys.float_info.max:
        raise _wrong(where, "is too large a number")
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    if not low <= value <= high:
        limits = f"from {low} to {high}" if high < math.inf else f"at least {low}"
        raise _wrong(where, f"must be {limits}")


def _inside(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _wrong(where: str, what: str) -> UsageError:
    return UsageError(
        f"“{where[:200]}” {what}." if where else f"The body {what}.",
        "GET /api/openapi.json says what each route takes.",
    )
