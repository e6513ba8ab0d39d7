"""The latest frame of a running render, small, in the cache, for the page."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from afterframe.imaging.frames import Frames, Pixels
from afterframe.system.files import replacing

EVERY_S = 2.0
"""How often a frame is written, seconds."""
LONG_SIDE = 320
"""Of the frame as written, pixels."""


def with_live_preview(frames: Frames, target: Path, clock: Callable[[], float] = time.monotonic) -> Frames:
    """The same frames; now and then one is also written to ``target``, which is removed at the end.

    Args:
        target: a JPEG in the cache.
        clock: seconds, steady.
    """
    return replace(frames, frames=_watch(frames, target, clock))


def _watch(frames: Frames, target: Path, clock: Callable[[], float]) -> Iterator[Pixels]:
    due = clock() + EVERY_S  # faster clips need none
    try:
        for frame in frames.frames:
            if clock() >= due:
                _write(frame, frames, target)
                due = clock() + EVERY_S
            yield frame
    finally:
        with contextlib.suppress(OSError):
            target.unlink(missing_ok=True)


def _write(frame: Pixels, frames: Frames, target: Path) -> None:
    how = cv2.COLOR_YUV2BGR_I420 if frames.pixel_format == "yuv420p" else cv2.COLOR_RGB2BGR
    picture = cv2.cvtColor(frame, how)
    scale = min(1.0, LONG_SIDE / max(frames.size))
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])
    with contextlib.suppress(OSError):  # a preview is not worth a render
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with replacing(target) as part:
            part.write_bytes(np.asarray(data).tobytes())
