"""Frames to a verified MP4.

Frames go raw into ffmpeg's standard input, never through image files. H.264 High, yuv420p, converted to and tagged as
BT.709 (ITU-R BT.709-6; ISO/IEC 23091-2 code point 1 for primaries, transfer and matrix), because untagged or BT.601
files shift colours in players.
"""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import nullcontext
from pathlib import Path

import ffmpeg
import numpy as np

from afterframe.encode.process import (
    Encoding,
    Feeder,
    command_line,
    end,
    failure,
    file_url,
    known_failure,
    own_clip,
    run,
    start,
)
from afterframe.encode.verify import ParallelDecoder, verify
from afterframe.errors import Cancelled, EncodeError
from afterframe.imaging.frames import CancelCheck, Frames, Progress, Sound
from afterframe.naming import with_sound_for

BT709 = {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709", "range": "tv"}
_THREADS = (os.cpu_count() or 1) * 3 // 2 + 1
"""One more than x264 takes by itself: they wait for each other's rows, and leave a CPU core idle meanwhile."""


def encode(
    frames: Frames,
    target: Path,
    encoding: Encoding,
    progress: Progress,
    cancelled: CancelCheck,
    *,
    verified: bool = True,
) -> None:
    """Write a clip. It is decoded to its end, too, with the CPU time that the encoder leaves.

    Args:
        target: the file to make; it must not exist.
        progress: called with the share of frames handed over, 0-1.
        verified: False: nothing is decoded. A draft is not worth it.
    Raises:
        Cancelled: ``cancelled()`` became true; the file is incomplete.
        EncodeError: ffmpeg failed (disk full, say), the generator gave too few frames, or the file does not decode to
            as many.
        Whatever the generator raises while its frames are read.
    """
    _reserve(target)
    pipe = subprocess.PIPE
    stdout = pipe if verified else subprocess.DEVNULL
    process = start(_command(frames, target, encoding, copied=verified), stdin=pipe, stdout=stdout, stderr=pipe)
    try:
        decoder = ParallelDecoder(process, encoding) if verified else None
        with decoder or nullcontext(), Feeder(process) as feeder:
            written = _feed(frames, feeder, progress, cancelled)
        if cancelled():
            raise Cancelled("Stopped.")
        if process.wait() != 0:
            raise failure(feeder.complaint)
    finally:
        end(process)
    if written != frames.count:
        raise EncodeError(f"{written} of {frames.count} frames were made.", "Try again.", transient=True)
    if sound := frames.sound():
        _add_sound(target, sound, encoding)
    if decoder:
        verify(target, frames.count, encoding, None if sound else decoder.decoded)


def _reserve(target: Path) -> None:
    try:
        target.open("xb").close()  # ffmpeg's own -n leaves with status 0 when the file exists
    except OSError as error:
        raise known_failure(os.strerror(error.errno or 0)) or EncodeError(
            f"{target} cannot be written: {error.strerror or error}.", "Check the folder."
        ) from error


def _feed(frames: Frames, feeder: Feeder, progress: Progress, cancelled: CancelCheck) -> int:
    """Hand every frame over; how many there were."""
    written = 0
    for frame in frames.frames:
        if cancelled():
            raise Cancelled("Stopped.")
        feeder.put(np.ascontiguousarray(frame).data)
        written += 1
        progress(written / frames.count)
    return written


def _command(frames: Frames, target: Path, encoding: Encoding, *, copied: bool) -> list[str]:
    """The encoder's command line.

    Args:
        copied: the same packets also go to its standard output, as Matroska.
    """
    width, height = frames.size
    source = ffmpeg.input(
        "pipe:0", format="rawvideo", pix_fmt=frames.pixel_format, s=f"{width}x{height}", framerate=frames.fps
    )
    if frames.pixel_format == "rgb24":
        source = source.filter("scale", out_color_matrix="bt709", out_range="tv", flags="accurate_rnd+full_chroma_int")
    url, form = _destination(target, copied=copied)
    output = ffmpeg.output(
        # As a filter: raw frames come in untagged, and that would win over options of the encoder.
        source.filter("setparams", **BT709),
        url,
        vcodec="libx264",
        flags="+global_header",
        pix_fmt="yuv420p",
        preset=encoding.preset,
        crf=encoding.crf,
        threads=_THREADS,
        **form,
    )
    return command_line(output, encoding, "-y")


def _destination(target: Path, *, copied: bool) -> tuple[str, dict[str, str]]:
    """Where the packets go, and the options for it."""
    if not copied:
        return file_url(target), {"format": "mp4", "movflags": "+faststart"}
    clip = re.sub(r"([\\'|])", r"\\\1", file_url(target))
    # Both lay out their packets alike; clusters are short so that the decoder does not wait for its last ones.
    copy = "[f=matroska:cluster_time_limit=100:onfail=ignore]pipe:1"
    return f"[f=mp4:movflags=+faststart]{clip}|{copy}", {"format": "tee"}


def _add_sound(clip: Path, sound: Sound, encoding: Encoding) -> None:
    """Put a sound (AAC) beside the pictures of a clip; the pictures are copied as they are."""
    with_sound = with_sound_for(clip)
    samples = np.clip(sound.samples, -1, 1).astype("<f4")
    heard = ffmpeg.input("pipe:0", format="f32le", ar=sound.rate, ac=samples.shape[1])
    output = ffmpeg.output(
        own_clip(clip).video,
        heard.audio,
        file_url(with_sound),
        format="mp4",
        vcodec="copy",
        acodec="aac",
        audio_bitrate="192k",
        movflags="+faststart",
    )
    try:
        run(command_line(output, encoding, "-y"), samples.tobytes())
        with_sound.replace(clip)
    finally:
        with_sound.unlink(missing_ok=True)
