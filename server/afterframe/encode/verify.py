"""Verifying a clip: it is decoded to its end, as far as possible while it is still being encoded."""

from __future__ import annotations

import contextlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

import ffmpeg
import psutil

from afterframe.encode.process import PROGRESS, Encoding, command_line, frame_count, own_clip, run, start
from afterframe.errors import EncodeError

_DAMAGE_SHOWS = {"skip_loop_filter": "all"}
"""Deblocking, a quarter of the time of decoding, comes after everything that can be damaged has been read."""
_FAIL = "-xerror"
"""At the first damage."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was decoded without damage."""

    count: int
    """Frames."""
    packets: str
    """ffmpeg's streamhash of the packets that they were coded in: "0,v,SHA256=..."."""


class ParallelDecoder:
    """Decodes what ffmpeg encodes, in a second ffmpeg that only gets CPU time that nobody else wants.

    Args:
        encoder: writes a copy of the clip, as Matroska, to its standard output.
    """

    def __init__(self, encoder: subprocess.Popen[bytes], encoding: Encoding) -> None:
        coded = ffmpeg.input("pipe:0", format="matroska", threads=1, **_DAMAGE_SHOWS)
        both = ffmpeg.merge_outputs(
            coded.output("pipe:1", format="null", fps_mode="passthrough"),
            coded.output("pipe:1", format="streamhash", codec="copy"),
        )
        command = [*command_line(both, encoding, _FAIL), *PROGRESS]
        assert encoder.stdout is not None
        self._process = start(command, stdin=encoder.stdout.fileno(), stdout=subprocess.PIPE)
        encoder.stdout.close()  # the two are alone with it now: each ends when the other does
        with contextlib.suppress(psutil.Error):
            psutil.Process(self._process.pid).nice(getattr(psutil, "IDLE_PRIORITY_CLASS", 19))
        self.decoded: Decoded | None = None
        """Once the block has ended; None: it could not decode everything."""

    def __enter__(self) -> ParallelDecoder:
        return self

    def __exit__(self, kind: object, value: BaseException | None, trace: object) -> None:
        if value is not None:
            self._process.kill()
        output, _ = self._process.communicate()
        if self._process.returncode == 0:
            report = output.decode("utf-8", "replace")
            self.decoded = Decoded(frame_count(report), _hash_in(report))


def verify(clip: Path, count: int, encoding: Encoding, decoded: Decoded | None = None) -> None:
    """Check that a clip decodes to its end.

    Args:
        count: the frames that it must have.
        decoded: what was decoded already. If the file holds just those packets, they are not decoded again.
    Raises:
        EncodeError: the clip is damaged, or has another number of frames.
    """
    if decoded is not None and stream_hash(clip, encoding) == decoded.packets:
        found = decoded.count
    else:
        found = count_frames(clip, encoding)
    if found != count:
        raise EncodeError(
            f"The clip decodes to {found} frames instead of {count}.",
            "Retry; if it happens again, `afterframe doctor` checks ffmpeg.",
            transient=True,
        )


def count_frames(clip: Path, encoding: Encoding) -> int:
    """Decode one of our own clips to its end, and count its frames.

    Raises:
        EncodeError: it is damaged.
    """
    source = own_clip(clip, **_DAMAGE_SHOWS)
    whole = source.output("pipe:1", format="null", fps_mode="passthrough")
    return frame_count(run([*command_line(whole, encoding, _FAIL), *PROGRESS]).decode("utf-8", "replace"))


def stream_hash(clip: Path, encoding: Encoding) -> str:
    """The hash of the packets in a clip, as :class:`Decoded` has it; they are not decoded.

    Raises:
        EncodeError: its outline cannot be read.
    """
    # Without skip_frame the first frames would be decoded only to know what they are.
    source = own_clip(clip, skip_frame="all", threads=1)
    hashed = source.output("pipe:1", format="streamhash", codec="copy")
    return _hash_in(run(command_line(hashed, encoding, _FAIL)).decode("utf-8", "replace"))


def _hash_in(report: str) -> str:
    return next((line for line in report.splitlines() if ",v,SHA256=" in line), "")
