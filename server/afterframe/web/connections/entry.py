"""What may come in: decided from a request's headers, before any of its body is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

Environ = Mapping[str, str]
"""A request line and headers, by WSGI's names."""


class Lane(Enum):
    """Threads of their own for requests of one kind, so that long ones never take those of short ones."""

    QUICK = "quick"
    VERDICTS = "verdicts"
    """What the photographer decides: never behind look-ups, however many pages and plug-ins ask."""
    PHOTOS = "photos"
    """Many photos are read, which takes minutes."""
    PICTURES = "pictures"
    """Pictures, posters and drafts are made, a few photos read, or files measured: seconds each."""
    STREAMS = "streams"
    """Answers that last."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How one request is taken."""

    lane: Lane
    max_body: int
    """Bytes of its body that are read; 0: none, and it is answered by its headers alone."""


Door = Callable[[Environ], Entry]
