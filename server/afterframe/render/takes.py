"""Several takes of one clip: each made cheaply and measured, the best finished, the others kept for a day.

A cheap take does not always foretell the full render. So what is finished is measured again, and where it falls below
what the next take promises, that one is finished too. Where no take is good enough, other seeds are tried.
"""

from __future__ import annotations

import json
import logging
import math
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from afterframe.config import Home
from afterframe.domain import Recipe
from afterframe.generators.interface import MakesTakes
from afterframe.grade.takes import Judged, ranked
from afterframe.imaging.frames import Progress
from afterframe.recipe import add_reason
from afterframe.render.making import ClipMaking, MadeClip
from afterframe.system.files import write_file

MORE = 2
"""Further seeds that are tried when no take is good enough."""
FINISHED = 2
"""Takes that are finished at most."""
KEPT_S = 24 * 3600
"""How long takes are kept, seconds."""
_SEEDS = 2**31
_CLOSE = 0.25
"""A finished take may be worse than the next one promises by this much, in faults."""
_LIST = "takes.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Take:
    """One take as it is kept."""

    number: int
    """From 1; 1 has the seed that was asked for."""
    seed: int
    taken: bool
    """It is the one that was finished and published."""
    reason: str
    """Why it was taken, or why it lost."""
    measures: dict[str, float]


class TakeFolder:
    """The takes of one render in the cache."""

    def __init__(self, home: Home, job_id: str) -> None:
        self._folder = home.cache / "takes" / job_id

    def file(self, number: int) -> Path:
        """Where a take's clip is, or was."""
        return self._folder / f".take-{number}.mp4"

    def begin(self) -> None:
        """Make the folder anew, and drop those of earlier renders that have been kept long enough."""
        drop_old_takes(self._folder.parent, time.time())
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, mode=0o700)

    def keep(self, takes: list[Take]) -> None:
        """Write down what became of each."""
        write_file(self._folder / _LIST, json.dumps([asdict(take) for take in takes]).encode())

    def takes(self, now: float) -> list[Take]:
        """The takes, in order; none once they have been kept for a day.

        Args:
            now: Unix time, seconds.
        """
        try:
            path = self._folder / _LIST
            if now - path.stat().st_mtime > KEPT_S:
                return []
            return [Take(**take) for take in json.loads(path.read_bytes())]
        except (OSError, ValueError, TypeError):
            return []

    def drop(self) -> None:
        """Nothing came of it."""
        shutil.rmtree(self._folder, ignore_errors=True)


def drop_old_takes(folder: Path, now: float) -> None:
    """Remove the takes of renders that ended more than a day ago.

    Args:
        now: Unix time, seconds.
    """
    for one in folder.iterdir() if folder.is_dir() else ():
        try:
            if now - one.stat().st_mtime > KEPT_S:
                shutil.rmtree(one, ignore_errors=True)
        except OSError:
            continue


class TakeChoice:
    """Makes a clip by takes.

    Args:
        start: what makes cheap takes.
    """

    def __init__(self, making: ClipMaking, start: MakesTakes, folder: TakeFolder) -> None:
        self._making, self._start, self._folder = making, start, folder
        self._recipes: list[Recipe] = []
        self._judged: list[Judged] = []
        self._units_done = 0.0

    def best(self, recipe: Recipe, target: Path) -> MadeClip:
        """The best of ``recipe.takes`` takes, finished.

        Args:
            target: where its clip is to be.
        Raises:
            As the generator and the encoder do; then no takes are kept.
        """
        self._folder.begin()
        try:
            for number in self._numbers(recipe.takes):
                self._take(replace(recipe, seed=(recipe.seed + number - 1) % _SEEDS), number)
            order = ranked(self._judged)
            finished = self._finish(order, target)
        except BaseException:
            self._folder.drop()
            raise
        self._folder.keep(self._told(finished))
        return self._published(finished)

    def _numbers(self, takes: int) -> Iterator[int]:
        """From 1; a few more than asked for while none is good enough."""
        yield from range(1, takes + 1)
        for number in range(takes + 1, takes + 1 + MORE):
            if any(judged.good_enough for judged in self._judged):
                return
            yield number

    def _take(self, recipe: Recipe, number: int) -> None:
        made = self._making.judge(self._start.take, recipe, self._folder.file(number), self._part(recipe.takes, 0.5))
        assert made.judged is not None
        self._recipes.append(recipe)
        self._judged.append(made.judged)
        log.info("take %d, seed %d: %.2f %s", number, recipe.seed, made.judged.score, made.judged.worst)

    def _part(self, takes: int, units: float) -> Progress:
        """Progress of one take, or one finishing, as a part of the whole."""
        whole, before = takes * 0.5 + 1.0, self._units_done
        self._units_done += units

        def report(share: float, _eta_s: float | None = None, /) -> None:
            self._making.beat.progress(min(0.99, (before + share * units) / whole))

        return report

    def _finish(self, order: list[int], target: Path) -> dict[int, MadeClip]:
        """The finished takes by their place, the one to publish first; its clip is at ``target``."""
        finished: dict[int, MadeClip] = {}
        aside = self._folder.file(0)
        for rank, place in enumerate(order[:FINISHED]):
            if finished:
                shutil.move(target, aside)
            recipe = self._recipes[place]
            made = self._making.judge(self._making.generator.generate, recipe, target, self._part(recipe.takes, 1.0))
            best = next(iter(finished.values()), None)
            if best is not None and _score(best) <= _score(made):
                shutil.move(aside, target)
                finished[place] = made
            else:
                finished = {place: made, **finished}
            following = self._judged[order[rank + 1]].score if rank + 1 < len(order) else math.inf
            if _score(made) <= following + _CLOSE:
                break
            log.info("take %d falls below what take %d promises", place + 1, order[rank + 1] + 1)
        aside.unlink(missing_ok=True)
        return finished

    def _told(self, finished: dict[int, MadeClip]) -> list[Take]:
        best, made = next(iter(finished.items()))
        winner = self._judged[best]
        takes = []
        for place, (recipe, judged) in enumerate(zip(self._recipes, self._judged, strict=True)):
            other = finished.get(place)
            if place == best:
                reason = self._why(best, made)
            elif other and other.judged and made.judged:
                reason = f"finished, it fell below: {other.judged.worse_than(made.judged)}"
            else:
                reason = judged.worse_than(winner)
            takes.append(Take(place + 1, recipe.seed, place == best, reason, dict(judged.measures)))
        return takes

    def _why(self, best: int, made: MadeClip) -> str:
        """Why a take was taken, in words."""
        count, asked = len(self._judged), self._recipes[0].takes
        if not any(judged.good_enough for judged in self._judged):
            fault = self._judged[best].worst
            return f"none of {count} takes is good enough; of these the best was finished, though {fault}"
        more = (
            f", after {count - asked} more seeds than asked for: none of those was good enough" if count > asked else ""
        )
        fault = made.judged.worst if made.judged else ""
        return f"take {best + 1} of {count} has the fewest faults{more}" + (f"; its greatest: {fault}" if fault else "")

    def _published(self, finished: dict[int, MadeClip]) -> MadeClip:
        best, made = next(iter(finished.items()))
        return replace(made, recipe=add_reason(made.recipe, "seed", self._why(best, made)))


def _score(made: MadeClip) -> float:
    return made.judged.score if made.judged else math.inf
