"""How unsteadily a clip's brightness changes from frame to frame where the same thing is shown."""

from __future__ import annotations

import cv2
import numpy as np

from afterframe.grade.flow import Flow, moved, warped
from afterframe.imaging.colour import Floats
from afterframe.imaging.frames import Pixels

_CELLS = 16
"""Changes are averaged over so many parts of each side."""


class FlickerMeter:
    """Sees a clip's frames one after the other.

    Each step's change along the flow is averaged over parts of the frame; a change that goes on as it began is none,
    one that turns back is.
    """

    def __init__(self) -> None:
        self.worst = 0.0
        """The largest of the clip's steps, levels of 255."""
        self._before: Pixels | None = None
        self._change: Floats | None = None

    def see(self, grey: Pixels) -> Flow | None:
        """The next frame, as :func:`afterframe.grade.flow.small_grey` makes it; the flow to it from the one before."""
        before, self._before = self._before, grey
        if before is None:
            return None
        flow = moved(before, grey)
        change = warped(grey, flow).astype(np.float32) - before
        cells = np.asarray(cv2.resize(change, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA), np.float32)
        if self._change is not None:
            self.worst = max(self.worst, float(np.sqrt(np.mean((cells - self._change) ** 2))))
        self._change = cells
        return flow
