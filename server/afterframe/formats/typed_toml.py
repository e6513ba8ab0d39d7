"""Frozen dataclasses from TOML, for files that a person writes: each mistake is named with its place and its remedy.

A dataclass says all of it: its fields are the keys, their types the kinds of values, and ``Annotated[int, Range(0,
51)]`` is the range of a number. Fields may be ``bool``, ``int``, ``float``, ``str``, a ``Literal`` of texts, a
dataclass, a mapping with text keys, or a tuple of any one of these (``tuple[str, ...]``).
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from afterframe.errors import ConfigError, shortened

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers that a key may have: lowest and highest."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"from {self.low:.15g} to {self.high:.15g}"


def read_text(path: Path) -> str:
    """The text of a file that a person writes. A byte order mark, as Windows' programs put it before, is none of it.

    Raises:
        ConfigError: it cannot be read, or is not in UTF-8.
        FileNotFoundError: it is not there.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe would be waited for
            raise ConfigError(f"{path} is not a file.", "Move away what stands in its place.")
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not written in UTF-8.", "Save it as UTF-8 in your editor.") from error
    except (IsADirectoryError, NotADirectoryError) as error:
        raise ConfigError(
            f"{path} cannot be a file: {error.strerror}.", "Move away what stands in its place."
        ) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", "Allow yourself to read it.") from error


def parse(kind: type[T], text: str, file: str, docs: str) -> T:
    """A dataclass from TOML.

    Args:
        kind: the dataclass.
        file: the file, as errors name it.
        docs: the page that explains its keys, named in every hint.
    Raises:
        ConfigError: it is not TOML, or has an unknown key, lacks one, or has a value of the wrong kind or out of range.
    """
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number of too many digits, brackets nested too deep
        raise ConfigError(f"{file} is not valid TOML: {error}.", "Fix or remove the line it names.") from error
    return _build(kind, data, _KeyPath(file, docs))


@dataclass(frozen=True, slots=True)
class _KeyPath:
    """Where in which file."""

    file: str
    docs: str
    key: str = ""
    """Dotted; empty: the file as a whole."""

    def child(self, name: str) -> _KeyPath:
        return replace(self, key=f"{self.key}.{name}" if self.key else name)

    def entry(self, number: int) -> _KeyPath:
        return replace(self, key=f"{self.key} #{number}")

    def error(self, problem: str, remedy: str) -> ConfigError:
        return ConfigError(f"{self.file}: {problem}.", f"{remedy}; see {self.docs}.")


def _build(kind: type[T], data: Mapping[str, Any], at: _KeyPath) -> T:
    hints = get_type_hints(kind, include_extras=True)
    for name in data:
        if name not in hints:
            inside = f" in {at.key}" if at.key else ""
            raise at.error(
                f"“{shortened(name)}” is not a setting{inside}",
                f"{_guess(name, hints)}Known here: {', '.join(sorted(hints))}",
            )
    for field in fields(kind):  # type: ignore[arg-type]
        if field.name not in data and field.default is MISSING and field.default_factory is MISSING:
            raise at.error(f"{at.child(field.name).key} is missing", f"It takes {_wanted(hints[field.name])}")
    return kind(**{name: _value(hints[name], value, at.child(name)) for name, value in data.items()})


def _value(hint: Any, value: Any, at: _KeyPath) -> Any:
    kind, limits = get_args(hint)[:2] if get_origin(hint) is Annotated else (hint, None)
    origin, args = get_origin(kind) or kind, get_args(kind)
    match value:
        case dict() if is_dataclass(origin) and isinstance(origin, type):
            return _build(origin, value, at)
        case dict() if origin is Mapping:
            return {name: _value(args[1], item, at.child(name)) for name, item in value.items()}
        case list() if origin is tuple:
            return tuple(_value(args[0], item, at.entry(number)) for number, item in enumerate(value, 1))
        case bool() | str() if type(value) is origin or (origin is Literal and value in args):
            return value
        case int() | float() if _is_number(value, origin, limits):
            return origin(value)
        case _ if origin is Any:
            return value
    guess = _guess(value, args) if origin is Literal and isinstance(value, str) else ""
    raise at.error(f"{at.key} cannot be {_shown(value)}", f"{guess}It takes {_wanted(hint)}")


def _is_number(value: float, kind: Any, limits: Range | None) -> bool:
    """Whether a number is of a kind and within limits; NaN is in none."""
    of_its_kind = type(value) is kind or (kind is float and type(value) is int)
    low, high = (limits.low, limits.high) if limits else (-sys.float_info.max, sys.float_info.max)
    return of_its_kind and low <= value <= high


def _wanted(hint: Any) -> str:
    """The kind of value that a key takes, in words."""
    kind, limits = get_args(hint)[:2] if get_origin(hint) is Annotated else (hint, None)
    origin, args = get_origin(kind) or kind, get_args(kind)
    if origin is Literal:
        return f"one of {', '.join(map(_shown, args))}"
    if origin is tuple:
        return f"a list, each entry {_wanted(args[0])}"
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text in quotes"}
    return f"{words.get(origin, 'a table')}{f' {limits}' if limits else ''}"


def _shown(value: Any) -> str:
    """A value as the file has it, as far as a message repeats it."""
    match value:
        case dict() | list():  # it may hold a password
            return "a table" if isinstance(value, dict) else "a list"
        case int() if abs(value) > sys.float_info.max:
            return "so large a number"
    return shortened(json.dumps(value, ensure_ascii=False, default=str))


def _guess(name: str, names: Iterable[str]) -> str:
    close = get_close_matches(name, list(names), 1)
    return f"Did you mean “{close[0]}”? " if close else ""
