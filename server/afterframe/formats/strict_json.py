"""JSON as its standard has it (RFC 8259): without NaN and infinities, which other readers refuse as a whole."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def dumps(data: object, **options: Any) -> str:
    """JSON text. A number that JSON does not have becomes null: one such value must not spoil a whole document."""
    try:
        return json.dumps(data, allow_nan=False, **options)
    except ValueError:
        return json.dumps(without_nan(data), allow_nan=False, **options)


def without_nan(data: object) -> object:
    """The same with null in place of NaN and infinities."""
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, Mapping):
        return {name: without_nan(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [without_nan(value) for value in data]
    return data


def loads(text: str) -> Any:
    """What a JSON text holds.

    Raises:
        ValueError: it is not JSON, holds NaN or an infinity, or is nested too deep.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number of JSON")
