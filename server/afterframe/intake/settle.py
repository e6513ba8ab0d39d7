"""Which arriving files stand still."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from afterframe.domain import Stamp


@dataclass(slots=True)
class _Arrival:
    stamp: Stamp
    still_since: float
    settled: bool
    tried: bool = False


@dataclass(slots=True)
class StabilityTracker:
    """Which arriving files stand still. Pure: it looks at stamps and at the time that it is told.

    Args:
        settle_s: how long a file must stand still.
        broken_s: how long before a file that does not decode is given up.
    """

    settle_s: float
    broken_s: float
    _arrivals: dict[Path, _Arrival] = field(default_factory=dict)

    def see(self, path: Path, stamp: Stamp, *, now: float, age_s: float, renamed: bool = False) -> None:
        """A file was noticed.

        Args:
            now: monotonic seconds.
            age_s: seconds since its last change.
            renamed: it came by a rename, so that it was complete before.
        """
        known = self._arrivals.get(path)
        if known is None or not stamp.agrees(known.stamp):
            settled = renamed or (known is None and age_s >= self.settle_s)
            self._arrivals[path] = _Arrival(stamp, now, settled)
        elif renamed:
            known.settled = True

    def forget(self, path: Path) -> None:
        """It is dealt with, or gone."""
        self._arrivals.pop(path, None)

    def due(self, now: float) -> Iterator[tuple[Path, bool]]:
        """(path, final): files to try now; ``final`` when a broken one is to be given up."""
        for path, arrival in list(self._arrivals.items()):
            still_s = now - arrival.still_since
            if still_s >= self.broken_s:
                yield path, True
            elif not arrival.tried and (arrival.settled or still_s >= self.settle_s):
                arrival.tried = True
                yield path, False

    def needs_recheck(self) -> list[Path]:
        """Files that have to be looked at again before they can be tried."""
        return [path for path, arrival in self._arrivals.items() if arrival.tried or not arrival.settled]

    def next_due_s(self, now: float) -> float | None:
        """Seconds until the next file may be due; None when nothing waits."""
        times = [
            (a.still_since + (self.broken_s if a.tried else 0.0 if a.settled else self.settle_s)) - now
            for a in self._arrivals.values()
        ]
        return max(0.0, min(times)) if times else None
