"""The index in memory that lists of the review page are filtered, sorted and grouped with: columns of numbers. Pure.

A few dozen bytes and the words of each entry; so any choice in any order is counted and cut into pages within
milliseconds, from any place in it. Its columns come from :class:`afterframe.state.search_keys.SearchKeys`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from afterframe.domain import JobState, Verdict
from afterframe.errors import UsageError
from afterframe.state.folding import fold
from afterframe.state.search_keys import KeyKind, SearchKeys

IntColumn = npt.NDArray[np.int64]
RowMask = npt.NDArray[np.bool_]

STATES = tuple(str(state) for state in JobState if state.listed_as is state)
"""The states that lists tell apart; a clip's is always done."""
UNFINISHED_STATES = tuple(state for state in STATES if state != JobState.DONE)
"""Those of renders that are not clips yet."""
VERDICTS = tuple(str(verdict) for verdict in Verdict)


@dataclass(frozen=True, slots=True)
class Sort:
    """An order: by which columns, all in one direction, and how many of them make a group."""

    columns: tuple[str, ...]
    grouped: int = 0
    down: bool = True


SORTS: Mapping[str, Sort] = MappingProxyType(
    {
        "newest": Sort(()),
        "made": Sort(("made_day", "folder"), 2),
        "taken": Sort(("taken_day", "folder", "taken"), 2),
        "name": Sort(("folder", "name"), 1, down=False),
        "rating": Sort(("rating",), 1),
    }
)
"""Entries that are equal in all columns stand in the order in which they were made."""


@dataclass(frozen=True, slots=True)
class ListFilter:
    """Which entries; None: any."""

    verdict: str | None = None
    rating: int | None = None
    """At least so many stars."""
    since: str | None = None
    """First day that the photo was taken, ISO."""
    until: str | None = None
    """Last day, ISO."""
    text: str | None = None
    """Words, each of which stands in caption, keywords, persons, place, prompt or file name."""
    state: str | None = None
    """One of STATES."""
    shared: tuple[tuple[str, str], ...] = ()
    """(key of SHARED, the text that it must have)."""

    @classmethod
    def of(cls, **values: Any) -> ListFilter:
        """A filter by the names of fields and of SHARED keys together.

        Raises:
            TypeError: a name is neither.
        """
        shared = tuple((name, values.pop(name)) for name in SHARED if name in values)
        return cls(**values, shared=shared)


@dataclass(frozen=True, slots=True)
class Group:
    """Entries under one heading, one after the other in their order."""

    count: int
    labels: Mapping[str, Any]
    """What they have in common: "made_day", "taken_day" (ISO, "" for unknown), "folder", "rating"."""


@dataclass(frozen=True, slots=True)
class InternedTexts:
    """Texts that many entries share, each with a number."""

    texts: tuple[str, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)

    def having(self, texts: Iterable[str]) -> InternedTexts:
        """These and some more."""
        numbers = dict(self.numbers)
        for text in texts:
            numbers.setdefault(text, len(numbers))
        return self if len(numbers) == len(self.numbers) else InternedTexts(tuple(numbers), numbers)

    def ranks(self) -> IntColumn:
        """Number -> place in the alphabet."""
        ranks = np.empty(len(self.texts), np.int64)
        ranks[sorted(range(len(self.texts)), key=lambda number: self.texts[number])] = np.arange(len(self.texts))
        return ranks


ANSWERS = 16
"""Lists that are kept ready."""
KEYS = ("seq", *SearchKeys.kinds())
"""The columns of the key tables, as they are read."""
FOLDER = KEYS.index("folder")
SHARED = SearchKeys.of_kind(KeyKind.SHARED)
_DAYS = SearchKeys.of_kind(KeyKind.DAY)
_MOMENTS = SearchKeys.of_kind(KeyKind.MOMENT)
_OWN = SearchKeys.of_kind(KeyKind.OWN)
_WORDS = SearchKeys.of_kind(KeyKind.WORDS)
_ROW = (*KEYS, "state", "verdict", "rating")


@dataclass(frozen=True)
class ListIndex:
    """The keys of all entries, one place each in every column, by ascending seq. Never changed, only replaced."""

    columns: Mapping[str, IntColumn]
    """seq, state, verdict, rating; of each DAY key its day (days since year 1, 0 unknown); of each MOMENT its second
    (since year 1) and, as NAME_day, its day; of each SHARED key the numbers of its texts."""
    texts: Mapping[str, Sequence[str]]
    """Of each OWN and WORDS key the texts themselves."""
    shared: Mapping[str, InternedTexts]

    @cached_property
    def orders(self) -> dict[str, IntColumn]:
        """Sort -> rows in that order, kept once made."""
        return {}

    @cached_property
    def answers(self) -> dict[tuple[ListFilter, str], IntColumn]:
        """What was asked last -> its rows in order."""
        return {}

    def having(self, rows: Sequence[tuple[Any, ...]]) -> ListIndex:
        """This and some more entries.

        Args:
            rows: KEYS, then state, verdict and rating, by ascending seq.
        """
        if not rows:
            return self
        values = dict(zip(_ROW, zip(*rows, strict=True), strict=True))
        shared = {name: self.shared[name].having(values[name]) for name in SHARED}
        more = _numbers(values, shared)
        columns = {name: np.append(self.columns[name], np.fromiter(more[name], np.int64)) for name in more}
        index = ListIndex(columns, {name: [*texts, *values[name]] for name, texts in self.texts.items()}, shared)
        inserted = len(self) and values["seq"][0] < self.columns["seq"][-1]
        return index.picked(np.argsort(columns["seq"], kind="stable")) if inserted else index

    def without(self, seqs: Sequence[int]) -> ListIndex:
        """This without some entries."""
        gone = np.isin(self.columns["seq"], np.array(seqs, np.int64))
        return self.picked(np.flatnonzero(~gone)) if gone.any() else self

    def picked(self, places: IntColumn) -> ListIndex:
        """The entries at some places, in that order."""
        columns = {name: column[places] for name, column in self.columns.items()}
        rows: list[int] = places.tolist()
        texts = {name: [column[row] for row in rows] for name, column in self.texts.items()}
        return ListIndex(columns, texts, self.shared)

    def __len__(self) -> int:
        return len(self.columns["seq"])

    def state_of(self, seq: int) -> str | None:
        """How far an entry is; None: it is not in the list."""
        row = int(np.searchsorted(self.columns["seq"], seq))
        here = row < len(self) and self.columns["seq"][row] == seq
        return STATES[self.columns["state"][row]] if here else None

    def order(self, sort: str) -> IntColumn:
        """The rows of all entries, in order."""
        if sort not in self.orders:
            how = SORTS[sort]
            keys = [self._sortable(column) for column in reversed(how.columns)]
            rows = np.lexsort((self.columns["seq"], *keys))
            self.orders[sort] = rows[::-1] if how.down else rows
        return self.orders[sort]

    def _sortable(self, column: str) -> IntColumn:
        if column in _OWN:
            texts = InternedTexts().having(self.texts[column])
            return texts.ranks()[np.fromiter(map(texts.numbers.__getitem__, self.texts[column]), np.int64)]
        if column in SHARED:
            return self.shared[column].ranks()[self.columns[column]]
        return self.columns[column]

    def chosen(self, choice: ListFilter) -> RowMask | None:
        """Which rows are chosen; None: all."""
        terms = [*self._equal(choice), *self._within(choice)]
        mask = np.logical_and.reduce(terms) if terms else None
        for word in sorted(fold(choice.text or "").split(), key=len, reverse=True):
            # The longest one is in the fewest entries; only what is left is scanned for the next.
            mask = self._with_word(word, np.ones(len(self), np.bool_) if mask is None else mask)
        return mask

    def _with_word(self, word: str, among: RowMask) -> RowMask:
        rows: list[int] = np.flatnonzero(among).tolist()
        found = np.zeros(len(rows), np.bool_)
        for name in _WORDS:
            texts = self.texts[name]
            scanned = texts if len(rows) == len(self) else [texts[row] for row in rows]
            found |= np.array([word in text for text in scanned], np.bool_)
        mask = np.zeros(len(self), np.bool_)
        mask[rows] = found
        return mask

    def _equal(self, choice: ListFilter) -> Iterable[RowMask]:
        if choice.state is not None:
            yield self.columns["state"] == STATES.index(choice.state)
        if choice.verdict is not None:
            yield self.columns["verdict"] == VERDICTS.index(choice.verdict)
        for column, wanted in choice.shared:
            yield self.columns[column] == self.shared[column].numbers.get(wanted, -1)

    def _within(self, choice: ListFilter) -> Iterable[RowMask]:
        if choice.rating is not None:
            yield self.columns["rating"] >= choice.rating
        if choice.since is not None:
            yield self.columns["taken_day"] >= day_number(choice.since)
        if choice.until is not None:
            yield (self.columns["taken_day"] <= day_number(choice.until)) & (self.columns["taken_day"] > 0)


def _numbers(values: Mapping[str, tuple[Any, ...]], shared: Mapping[str, InternedTexts]) -> dict[str, Iterable[int]]:
    """The columns of some entries.

    Args:
        values: of _ROW, one each of every entry.
    """
    return {
        "seq": values["seq"],
        "state": map(STATES.index, values["state"]),
        "verdict": map(VERDICTS.index, values["verdict"]),
        "rating": values["rating"],
        **{name: map(day_number, values[name]) for name in _DAYS},
        **{f"{name}_day": map(day_number, values[name]) for name in _MOMENTS},
        **{name: map(_seconds, values[name]) for name in _MOMENTS},
        **{name: map(shared[name].numbers.__getitem__, values[name]) for name in SHARED},
    }


def day_number(day: str) -> int:
    """An ISO date (or the beginning of a longer text) as days since year 1; 0 where it is none."""
    try:
        return date.fromisoformat(day[:10]).toordinal()
    except ValueError:
        return 0


def _seconds(taken: str) -> int:
    try:
        moment = datetime.fromisoformat(taken)
    except ValueError:
        return 0
    return moment.toordinal() * 86_400 + moment.hour * 3600 + moment.minute * 60 + moment.second


_TEXTLESS = {name: InternedTexts() for name in SHARED}
EMPTY = ListIndex(
    {name: np.zeros(0, np.int64) for name in _numbers(dict.fromkeys(_ROW, ()), _TEXTLESS)},
    dict.fromkeys((*_OWN, *_WORDS), ()),
    _TEXTLESS,
)


def rows_of(index: ListIndex, choice: ListFilter, sort: str) -> IntColumn:
    """The rows that are chosen, in order; the last few answers are kept, since pages ask one after the other."""
    found = index.answers.get((choice, sort))
    if found is None:
        order, chosen = index.order(sort), index.chosen(choice)
        found = index.answers[choice, sort] = order if chosen is None else order[chosen[order]]
        for old in list(index.answers)[:-ANSWERS]:
            index.answers.pop(old, None)
    return found


def rows_before(index: ListIndex, choice: ListFilter, sort: str, seq: int) -> int:
    """How many rows there are up to an entry, which itself need not be chosen any more."""
    rows = rows_of(index, choice, sort)
    place = np.flatnonzero(index.columns["seq"][rows] == seq)
    if len(place):
        return int(place[0]) + 1
    order, chosen = index.order(sort), index.chosen(choice)
    place = np.flatnonzero(index.columns["seq"][order] == seq)
    if not len(place):
        raise UsageError("The clip that this page begins behind is gone.", "Begin anew.", code="cursor_gone")
    before = order[: place[0] + 1]
    return len(before) if chosen is None else int(np.count_nonzero(chosen[before]))


def labels(index: ListIndex, column: str, values: IntColumn) -> list[Any]:
    """A column's values as a person reads them."""
    if column in SHARED:
        return [index.shared[column].texts[value] for value in values]
    if column.endswith("_day"):
        return [date.fromordinal(int(value)).isoformat() if value else "" for value in values]
    return [int(value) for value in values]
