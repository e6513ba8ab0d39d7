"""How long the phases of a render take on this machine: learned from earlier renders, so that the ETA is realistic."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from afterframe.errors import Cancelled
from afterframe.imaging.frames import CancelCheck, Progress
from afterframe.system.files import write_file

PHASES = ("load", "text", "step", "decode")
TYPICAL_S = {"load": 30.0, "text": 3.0, "step": 5.0, "decode": 12.0}
"""Seconds, before anything was measured: only their proportions matter, for the progress bar; they give no ETA."""
NEWEST_WEIGHT = 0.4
"""Weight of the newest render in the mean."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds that each phase takes."""

    load: float
    text: float
    step: float
    """Of one step."""
    decode: float
    known: bool
    """They were measured on this machine, not guessed."""


class PhaseTimings:
    """The file of measured timings.

    Args:
        file: JSON, created with the first timings. A damaged one counts as empty.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def expect(self, model: str, megapixels: float) -> Costs:
        """How long a render of so many million pixels (all frames together) will take.

        Args:
            model: model, memory plan and device together.
        """
        learned = self._read().get(model, {})
        scaled = {name: seconds * megapixels for name, seconds in learned.items() if name in ("step", "decode")}
        known = all(name in learned for name in PHASES)
        return Costs(**{**TYPICAL_S, **learned, **scaled}, known=known)

    def learn(self, model: str, megapixels: float, seconds: Mapping[str, float]) -> None:
        """Remember how long the phases of a render took; phases that did not happen keep their timings."""
        everything = self._read()
        known = everything.get(model, {})
        for name, spent in seconds.items():
            new = spent / megapixels if name in ("step", "decode") else spent
            known[name] = known[name] * (1 - NEWEST_WEIGHT) + new * NEWEST_WEIGHT if name in known else new
        with contextlib.suppress(OSError):  # a full disk must not stop a render
            self._write({**everything, model: known})

    def _read(self) -> dict[str, dict[str, float]]:
        try:
            data = json.loads(self._file.read_text("utf-8"))
            return {
                str(model): {str(name): float(value) for name, value in costs.items() if name in PHASES}
                for model, costs in data.items()
            }
        except (OSError, ValueError, AttributeError, TypeError):
            return {}

    def _write(self, data: Mapping[str, object]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_file(self._file, json.dumps(data, indent=1).encode())


class PhaseProgress:
    """One render under way: reports progress and ETA, and stops when asked.

    Args:
        phases: those that will happen ("load" and "text" may be done already).
        clock: monotonic, seconds.
    """

    def __init__(
        self,
        costs: Costs,
        steps: int,
        phases: tuple[str, ...],
        progress: Progress,
        cancelled: CancelCheck,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._expected = {name: seconds for name, seconds in asdict(costs).items() if name in phases}
        self._known = costs.known
        self.steps = steps
        """How many steps the clip has."""
        self._progress = progress
        self._cancelled = cancelled
        self._clock = clock
        self.spent: dict[str, float] = {}
        """Seconds of each phase that has ended; of the steps, the mean of one."""
        self._steps_done = 0
        self._first_step_s = 0.0
        self._step_began = self._began = clock()
        self._share = 0.0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """The duration of one phase other than the steps."""
        self.check_cancelled()
        began = self._clock()
        yield
        self.spent[name] = self._clock() - began
        self.report()

    def begin_steps(self) -> None:
        """The steps begin now."""
        self.check_cancelled()
        self._step_began = self._clock()

    def step(self) -> None:
        """One step is done.

        Raises:
            Cancelled: it was asked for.
        """
        now = self._clock()
        took, self._step_began = now - self._step_began, now
        self._steps_done += 1
        if self._steps_done == 1:  # it also compiles and warms up: not typical of the others
            self._first_step_s = took
            self.spent["step"] = took
        else:
            mean = self.spent["step"] if self._steps_done > 2 else took
            self.spent["step"] = mean + (took - mean) / (self._steps_done - 1)
        self.report()
        self.check_cancelled()

    def check_cancelled(self) -> None:
        """Stop here if the render was cancelled.

        Raises:
            Cancelled: it was.
        """
        if self._cancelled():
            raise Cancelled("The clip was cancelled.")

    def report(self) -> None:
        """Report progress and ETA; also a sign of life during a long phase."""
        left = self._left_s()
        if self._known or self._steps_done > 1:
            elapsed = self._clock() - self._began
            self._share = max(self._share, min(elapsed / (elapsed + left + 1e-6), 0.99))
            self._progress(self._share, left)
        else:  # nothing was measured yet: typical proportions, and no ETA
            total = sum(s * (self.steps if name == "step" else 1) for name, s in self._expected.items())
            self._share = max(self._share, min(1 - left / total, 0.99))
            self._progress(self._share)

    @property
    def steps_s(self) -> float:
        """What the steps of a clip take, seconds, as earlier renders tell; 0: none was measured."""
        return self._expected.get("step", 0.0) * self.steps if self._known else 0.0

    def _left_s(self) -> float:
        left = 0.0
        for name, expected in self._expected.items():
            if name == "step":
                left += self.spent.get("step", expected) * (self.steps - self._steps_done)
            elif name not in self.spent:
                left += expected
        return left
