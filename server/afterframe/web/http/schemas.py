"""The building blocks of what the API takes and gives, as JSON Schema. The resources stand in ``resources``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from afterframe.recipe import SETTINGS

Json = dict[str, Any]

MAX_PHOTOS = 500
"""Photos in one request."""
LARGEST = 2**62
"""Bound of every cursor; SQLite's integers end a little above."""


def form(properties: Mapping[str, Json], *, needs: tuple[str, ...] | None = None, at_least: int = 0) -> Json:
    """The schema of an object with exactly these keys; by default it needs all of them."""
    schema: Json = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    required = list(properties) if needs is None else list(needs)
    return schema | ({"required": required} if required else {}) | ({"minProperties": at_least} if at_least else {})


def listed(items: Json, *, at_most: int | None = None) -> Json:
    """The schema of a list; with a limit it is one that the API takes, which must not be empty."""
    limits = {"minItems": 1, "maxItems": at_most} if at_most else {}
    return {"type": "array", "items": items, **limits}


def ref(name: str) -> Json:
    """A schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: Json = {"type": "string"}
BOOLEAN: Json = {"type": "boolean"}
WHOLE: Json = {"type": "integer"}
COUNT: Json = {"type": "integer", "minimum": 0}
NUMBER: Json = {"type": "number"}
SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}
MAYBE_TEXT: Json = {"type": ["string", "null"]}
MAYBE_NUMBER: Json = {"type": ["number", "null"]}
CURSOR: Json = {
    "type": ["integer", "null"],
    "description": "Give it as `after` for the next page; null on the last.",
}
TIME: Json = {"type": "number", "description": "Unix time, seconds."}
PATH: Json = {
    "type": "string",
    "format": "path",
    "minLength": 1,
    "maxLength": 32_768,
    "description": "An absolute path, as the daemon's own machine spells it.",
}
KEPT_PATH: Json = {"type": "string", "format": "path"}
ID: Json = {"type": "string", "minLength": 1, "maxLength": 100}
ADDRESS_KEY: Json = {
    "type": "string",
    "maxLength": 500,
    "description": "Opens the address to a browser's session, for a while; POST /api/keys gives one.",
}
NAME: Json = {"type": "string", "minLength": 1, "maxLength": 100}
VARIANTS: Json = {
    "type": "integer",
    "minimum": int(SETTINGS["variants"].low),
    "maximum": int(SETTINGS["variants"].high),
}
OVERRIDES: Json = {
    "type": "object",
    "description": "Settings of the recipe for this request; docs/recipe.md explains each.",
    "properties": {
        name: {"description": f"{setting.about} {setting.allowed[0].upper()}{setting.allowed[1:]}."}
        for name, setting in SETTINGS.items()
    },
    "additionalProperties": False,
}


def one_of(*names: str) -> Json:
    """The schema of a closed vocabulary."""
    return {"type": "string", "enum": [str(name) for name in names]}
