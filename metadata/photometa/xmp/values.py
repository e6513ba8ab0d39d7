"""What an XMP property can hold: text, arrays, alternatives by language, structures.

The data model of XMP Specification part 1, clause 6. All of it is immutable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar, Union

Value = Union[str, "Array", "LangAlt", "Struct"]

_V = TypeVar("_V")


class Array(tuple[Value, ...]):
    """Base of the three array forms; equal to a plain tuple or an array of the same form."""

    __slots__ = ()

    def __new__(cls, items: Iterable[Value] = ()) -> Array:
        """Take the items; a single text is a mistake, not an array of letters."""
        if isinstance(items, str):
            raise TypeError(f"{cls.__name__} takes the items, not one text")
        return super().__new__(cls, items)

    def __eq__(self, other: object) -> bool:
        return (type(other) is type(self) or type(other) is tuple) and tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return tuple.__hash__(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self)!r})"


class Bag(Array):
    """Items in no particular order (rdf:Bag)."""

    __slots__ = ()


class Seq(Array):
    """Items in order (rdf:Seq)."""

    __slots__ = ()


class Alt(Array):
    """Alternatives, the default first (rdf:Alt)."""

    __slots__ = ()


class _Frozen(Mapping[str, _V]):
    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, _V]) -> None:
        self._items = dict(items)

    def __getitem__(self, key: str) -> _V:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, _Frozen) and type(other) is not type(self):
            return False
        return Mapping.__eq__(self, other)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._items!r})"


class LangAlt(_Frozen[str]):
    """A text in one or more languages: RFC 3066 tag or "x-default" -> text."""

    __slots__ = ()

    @property
    def default(self) -> str:
        """The text of x-default, else the first."""
        return self._items.get("x-default") or next(iter(self._items.values()), "")


class Struct(_Frozen[Value]):
    """Named fields: "prefix:name" -> value. A value with qualifiers has the field "rdf:value"."""

    __slots__ = ()


class Properties(dict[str, Value]):
    """A packet's properties by "prefix:name"."""

    def __init__(self, items: Mapping[str, Value] = {}, namespaces: Mapping[str, str] = {}) -> None:
        super().__init__(items)
        self.namespaces = dict(namespaces)
        """The prefixes beyond the standard ones that stand in the names, with their URIs."""
