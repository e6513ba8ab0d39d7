"""Keywords: flat ones and the leaves of hierarchies, each once."""

from __future__ import annotations

from collections.abc import Iterable

_INTERNAL = ("_digikam_internal_tags_", "darktable")
"""Roots of hierarchies in which programs keep notes of their own."""
_IPTC_BYTES = 64
"""IPTC IIM 4.2, 2:25: a longer keyword was cut."""


def leaf(path: str, separator: str) -> str | None:
    """The last name of a hierarchy, "Trips|2024|Waterfall"; None for a program's own."""
    names = [name.strip() for name in path.split(separator)]
    names = [name for name in names if name]
    return names[-1] if names and names[0].lower() not in _INTERNAL else None


def without_doubles(keywords: Iterable[str | None]) -> tuple[str, ...]:
    """Each keyword once, as it was written first: case is no difference."""
    kept: dict[str, str] = {}
    for word in keywords:
        if word:
            kept.setdefault(word.casefold(), word)
    return tuple(kept.values())


def joined(first: tuple[str, ...], iptc: tuple[str, ...]) -> tuple[str, ...]:
    """XMP's keywords and those that only IPTC has; one that was cut there is none of its own."""
    cut = {word for word in iptc if len(word.encode()) >= _IPTC_BYTES - 3 and any(k.startswith(word) for k in first)}
    return without_doubles((*first, *(word for word in iptc if word not in cut)))
