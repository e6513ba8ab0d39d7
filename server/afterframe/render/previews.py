"""What a running render looks like so far, small, in the cache, for page and plug-ins."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from afterframe.imaging.frames import Frames, PixelFormat, Pixels, Progress
from afterframe.system.files import replacing

EVERY_S = 1.0
"""How often a picture is written, seconds."""
PATIENCE_S = 2.0
"""Clips whose frames are made faster than this need no picture, seconds."""
LONG_SIDE = 320
"""Of the picture as written, pixels."""
QUALITY = 75
"""Of the JPEG: some 10 KB."""


class LivePreview:
    """The preview of one render; a context manager that takes it away at the end.

    Between the steps of a model it is what :attr:`Frames.preview` shows, afterwards the latest frame.

    Args:
        target: a JPEG in the cache.
        clock: seconds, steady.
    """

    def __init__(self, target: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._target, self._clock = target, clock
        self._due = clock()
        self._picture: Callable[[], Pixels | None] = lambda: None

    def __enter__(self) -> LivePreview:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._target.unlink(missing_ok=True)

    def progress(self, told: Progress) -> Progress:
        """The same progress; each report may also bring a picture."""

        def report(share: float, eta_s: float | None = None, /) -> None:
            if self._clock() >= self._due and (picture := self._picture()) is not None:
                self._write(picture, "rgb24")
            told(share, eta_s)

        return report

    def before_frames(self, frames: Frames) -> None:
        """The clip that is being made, before its frames are read."""
        self._picture = frames.preview

    def of_frames(self, frames: Frames) -> Frames:
        """The same frames; now and then one is also written."""
        return replace(frames, frames=self._watched(frames))

    def _watched(self, frames: Frames) -> Iterator[Pixels]:
        self._picture = lambda: None
        self._due = self._clock() + PATIENCE_S
        for frame in frames.frames:
            if self._clock() >= self._due:
                self._write(frame, frames.pixel_format)
            yield frame

    def _write(self, frame: Pixels, form: PixelFormat) -> None:
        self._due = self._clock() + EVERY_S
        picture = cv2.cvtColor(frame, cv2.COLOR_YUV2BGR_I420 if form == "yuv420p" else cv2.COLOR_RGB2BGR)
        scale = min(1.0, LONG_SIDE / max(picture.shape))
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        with contextlib.suppress(OSError):  # a preview is not worth a render
            self._target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with replacing(self._target) as part:
                part.write_bytes(np.asarray(data).tobytes())
