"""What lists on the review page are found, chosen and ordered by: columns of numbers in memory. Pure.

A few dozen bytes and the words of each entry; so any choice in any order is counted and cut into pages within
milliseconds, from any place in it.
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

from afterframe.domain import Verdict
from afterframe.errors import UsageError
from afterframe.state.search_keys import fold

IntColumn = npt.NDArray[np.int64]
RowMask = npt.NDArray[np.bool_]

STATES = ("done", "queued", "running", "failed", "cancelled")
"""How far a clip is; what is being put in place counts as running."""
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
"""Clips that are equal in all columns stand in the order in which they were made."""


@dataclass(frozen=True, slots=True)
class ListFilter:
    """Which clips; None: whichever."""

    verdict: str | None = None
    rating: int | None = None
    """At least so many stars."""
    photo_type: str | None = None
    camera: str | None = None
    lens: str | None = None
    folder: str | None = None
    since: str | None = None
    """First day that the photo was taken, ISO."""
    until: str | None = None
    """Last day, ISO."""
    text: str | None = None
    """Words, each of which stands in caption, keywords, place, prompt or file name."""
    state: str | None = None
    """One of STATES."""


@dataclass(frozen=True, slots=True)
class Group:
    """Clips that stand under one heading, one after the other in their order."""

    count: int
    labels: Mapping[str, Any]
    """What they have in common: "made_day", "taken_day" (ISO, "" for unknown), "folder", "rating"."""


@dataclass(frozen=True, slots=True)
class InternedTexts:
    """Texts that many clips share, each with a number."""

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
KEYS = ("seq", "folder", "name", "made_day", "taken", "photo_type", "camera", "lens", "words")
"""The columns of clip_keys, as they are read."""
FOLDER = KEYS.index("folder")
SHARED = ("folder", "photo_type", "camera", "lens")


@dataclass(frozen=True)
class ListIndex:
    """What all clips are found by, one entry each in every column, by ascending seq. Never changed, only replaced."""

    columns: Mapping[str, IntColumn]
    """seq, state, verdict, rating, made_day and taken_day (days since year 1, 0 unknown), taken (seconds since year 1),
    and the numbers of SHARED texts."""
    words: Sequence[str]
    names: Sequence[str]
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
        """This and some more clips.

        Args:
            rows: KEYS, then state, verdict and rating, by ascending seq.
        """
        if not rows:
            return self
        values = dict(zip((*KEYS, "state", "verdict", "rating"), zip(*rows, strict=True), strict=True))
        shared = {name: self.shared[name].having(values[name]) for name in SHARED}
        more: dict[str, Iterable[int]] = {
            "seq": values["seq"],
            "state": map(STATES.index, values["state"]),
            "verdict": map(VERDICTS.index, values["verdict"]),
            "rating": values["rating"],
            "made_day": map(day_number, values["made_day"]),
            "taken_day": map(day_number, values["taken"]),
            "taken": map(_seconds, values["taken"]),
            **{name: map(shared[name].numbers.__getitem__, values[name]) for name in SHARED},
        }
        columns = {name: np.append(self.columns[name], np.fromiter(more[name], np.int64)) for name in more}
        words, names = [*self.words, *values["words"]], [*self.names, *values["name"]]
        if len(self.words) and values["seq"][0] < self.columns["seq"][-1]:
            order = np.argsort(columns["seq"], kind="stable")
            columns = {name: column[order] for name, column in columns.items()}
            rows_in_order: list[int] = order.tolist()
            words, names = [words[row] for row in rows_in_order], [names[row] for row in rows_in_order]
        return ListIndex(columns, words, names, shared)

    def without(self, seqs: Sequence[int]) -> ListIndex:
        """This without some clips."""
        gone = np.isin(self.columns["seq"], np.array(seqs, np.int64))
        if not gone.any():
            return self
        columns = {name: column[~gone] for name, column in self.columns.items()}
        kept: list[int] = np.flatnonzero(~gone).tolist()
        return ListIndex(columns, [self.words[row] for row in kept], [self.names[row] for row in kept], self.shared)

    def state_of(self, seq: int) -> str | None:
        """How far a clip is; None: it is not on the shelf."""
        row = int(np.searchsorted(self.columns["seq"], seq))
        here = row < len(self.words) and self.columns["seq"][row] == seq
        return STATES[self.columns["state"][row]] if here else None

    def order(self, sort: str) -> IntColumn:
        """The rows of all clips, in order."""
        if sort not in self.orders:
            how = SORTS[sort]
            keys = [self._sortable(column) for column in reversed(how.columns)]
            rows = np.lexsort((self.columns["seq"], *keys))
            self.orders[sort] = rows[::-1] if how.down else rows
        return self.orders[sort]

    def _sortable(self, column: str) -> IntColumn:
        if column == "name":
            names = InternedTexts().having(self.names)
            return names.ranks()[np.fromiter(map(names.numbers.__getitem__, self.names), np.int64)]
        if column in SHARED:
            return self.shared[column].ranks()[self.columns[column]]
        return self.columns[column]

    def chosen(self, choice: ListFilter) -> RowMask | None:
        """Which rows are chosen; None: all."""
        terms = [*self._equal(choice), *self._within(choice)]
        marks = np.logical_and.reduce(terms) if terms else None
        for word in sorted(fold(choice.text or "").split(), key=len, reverse=True):
            # The longest one is in the fewest clips; only what is left is looked through for the next.
            if marks is None:
                marks = np.array([word in text for text in self.words], np.bool_)
                continue
            rows: list[int] = np.flatnonzero(marks).tolist()
            marks[rows] = [word in self.words[row] for row in rows]
        return marks

    def _equal(self, choice: ListFilter) -> Iterable[RowMask]:
        if choice.state is not None:
            yield self.columns["state"] == STATES.index(choice.state)
        if choice.verdict is not None:
            yield self.columns["verdict"] == VERDICTS.index(choice.verdict)
        for column in SHARED:
            if (wanted := getattr(choice, column)) is not None:
                yield self.columns[column] == self.shared[column].numbers.get(wanted, -1)

    def _within(self, choice: ListFilter) -> Iterable[RowMask]:
        if choice.rating is not None:
            yield self.columns["rating"] >= choice.rating
        if choice.since is not None:
            yield self.columns["taken_day"] >= day_number(choice.since)
        if choice.until is not None:
            yield (self.columns["taken_day"] <= day_number(choice.until)) & (self.columns["taken_day"] > 0)


_NUMBERS = ("seq", "state", "verdict", "rating", "made_day", "taken_day", "taken", *SHARED)
EMPTY = ListIndex(
    {name: np.zeros(0, np.int64) for name in _NUMBERS},
    (),
    (),
    {name: InternedTexts() for name in SHARED},
)


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


def rows_of(shelf: ListIndex, choice: ListFilter, sort: str) -> IntColumn:
    """The rows that are chosen, in order; the last few answers are kept, since pages ask one after the other."""
    found = shelf.answers.get((choice, sort))
    if found is None:
        order, chosen = shelf.order(sort), shelf.chosen(choice)
        found = shelf.answers[choice, sort] = order if chosen is None else order[chosen[order]]
        for old in list(shelf.answers)[:-ANSWERS]:
            shelf.answers.pop(old, None)
    return found


def rows_before(shelf: ListIndex, choice: ListFilter, sort: str, seq: int) -> int:
    """How many rows there are up to a clip, which itself need not be chosen any more."""
    order, chosen = shelf.order(sort), shelf.chosen(choice)
    place = np.flatnonzero(shelf.columns["seq"][order] == seq)
    if not len(place):
        raise UsageError("The clip that this page begins behind is gone.", "Begin anew.", code="cursor_gone")
    before = order[: place[0] + 1]
    return len(before) if chosen is None else int(np.count_nonzero(chosen[before]))


def labels(shelf: ListIndex, column: str, values: IntColumn) -> list[Any]:
    """A column's values as a person reads them."""
    if column in SHARED:
        return [shelf.shared[column].texts[value] for value in values]
    if column.endswith("_day"):
        return [date.fromordinal(int(value)).isoformat() if value else "" for value in values]
    return [int(value) for value in values]
