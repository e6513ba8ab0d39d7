"""The clip of a video server back to frames and sound.

It comes over the network: only the MP4 demuxer and common codecs touch it, within a limit of pixels.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np

from afterframe.encode.process import PROGRESS, Encoding, command_line, file_url, frame_count, raw_frames, run
from afterframe.errors import EncodeError
from afterframe.imaging.frames import EncodedClip, Frames, Pixels, Sound

CODECS = "h264,hevc,av1,libdav1d,libaom-av1,vp9,libvpx-vp9,mpeg4"
"""Decoders for the pictures of a server's clip."""
SOUND_CODECS = "aac,opus,libopus,mp3float,mp3,flac,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_f32le"
"""Decoders for its sound."""
SOUND_RATE = 48_000
"""Samples a second that its sound is converted to, in two channels."""
MAX_PIXELS = 1 << 26
"""Of one frame: 8K and a bit."""
MAX_ENLARGED = 4
"""A clip may have so many times the pixels that were asked for."""
MAX_FPS = 240

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Stream:
    """The pictures of a clip, as its headers and its packets say."""

    size: tuple[int, int]
    fps: int
    count: int


def decode_clip(clip: EncodedClip, encoding: Encoding) -> Frames:
    """The frames of a clip that a server made, decoded as they are read, and its sound, if it has one.

    A sound that cannot be decoded is omitted, and logged.

    Raises:
        EncodeError: it cannot be decoded, or its shape is not what was asked for.
    """
    try:
        stream = _probe(clip.path, encoding)
    except EncodeError as error:
        raise error if error.error_code in ("no_ffmpeg", "no_movie") else _not_a_clip(error.message) from error
    count = min(stream.count, round(clip.longest_s * stream.fps))
    if count < 2 or not 1 <= stream.fps <= MAX_FPS:
        raise _not_a_clip(f"{count} frames, {stream.fps} a second")
    if count / stream.fps < clip.shortest_s:
        raise _not_a_clip(f"it lasts {count / stream.fps:.2g} s, at least {clip.shortest_s:.2g} s were asked for")
    _check_shape(clip.size, stream.size)
    pictures = _pictures(clip.path, stream.size, count, encoding)
    sound = partial(_sound, clip.path, count / stream.fps, encoding)
    return Frames("rgb24", stream.size, stream.fps, count, pictures, model=clip.model, sound=sound)


def frame_at(clip: EncodedClip, frames: Frames, index: int, encoding: Encoding) -> Pixels:
    """One frame of a clip by its number, (height, width, 3).

    Args:
        frames: what :func:`decode_clip` found.
    Raises:
        EncodeError: it cannot be decoded.
    """
    *_, frame = _pictures(clip.path, frames.size, index + 1, encoding)
    return frame


def _probe(path: Path, encoding: Encoding) -> _Stream:
    # One frame as YUV4MPEG2: its header tells size and rate in a fixed form (yuv4mpeg(5)).
    head = run(_picture_command(path, encoding, format="yuv4mpegpipe", pix_fmt="yuv420p", vframes=1))
    report = run([*_picture_command(path, encoding, format="null"), *PROGRESS])
    fields = {word[:1]: word[1:] for word in head.partition(b"\n")[0].decode("ascii", "replace").split()[1:]}
    try:
        frames, seconds = map(int, fields["F"].split(":"))
        fps = round(frames / seconds)
        return _Stream((int(fields["W"]), int(fields["H"])), fps, frame_count(report.decode("utf-8", "replace")))
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise _not_a_clip("it has no picture") from error


def _check_shape(asked: tuple[int, int], sent: tuple[int, int]) -> None:
    too_large = sent[0] * sent[1] > MAX_ENLARGED * asked[0] * asked[1]
    if too_large or not 0.9 < (sent[0] / sent[1]) / (asked[0] / asked[1]) < 1.1:
        raise EncodeError(
            f"The server made {sent[0]}x{sent[1]} pixels instead of {asked[0]}x{asked[1]}.",
            "Its model cannot do this size: ask for another one, or use another server.",
            code="wrong_shape",
        )


def _pictures(path: Path, size: tuple[int, int], count: int, encoding: Encoding) -> Iterator[Pixels]:
    command = _picture_command(path, encoding, format="rawvideo", pix_fmt="rgb24", vframes=count)
    for data in raw_frames(command, size):
        yield np.frombuffer(data, np.uint8).reshape(size[1], size[0], 3)


def _sound(path: Path, length_s: float, encoding: Encoding) -> Sound | None:
    """The sound of a clip, as long as its pictures; None: it has none, or it is damaged."""
    try:
        data = _sound_samples(path, length_s, encoding)
    except EncodeError as error:
        why = error.message.splitlines()[0]
        log.warning("The sound of a server's clip cannot be decoded, so the clip is silent: %s", why)
        return None
    samples = np.zeros((round(length_s * SOUND_RATE), 2), np.float32)
    decoded = np.frombuffer(data, "<i2").reshape(-1, 2)[: len(samples)]
    samples[: len(decoded)] = decoded / 32768
    return Sound(samples, SOUND_RATE) if len(decoded) else None


def _sound_samples(path: Path, length_s: float, encoding: Encoding) -> bytes:
    """16-bit samples in two channels, at most ``length_s`` seconds of them; none where the clip is silent."""
    source = _opened(path, f"{CODECS},{SOUND_CODECS}")
    streams = ffmpeg.output(source.video, source["a?"], "pipe:1", format="streamhash", codec="copy")
    if b",a,SHA256=" not in run(command_line(streams, encoding, "-xerror")):
        return b""
    # Where it begins late or has a gap, silence is put in, so that it stays with the pictures; cut first, or a
    # gap of days would be filled in memory.
    heard = source.audio.filter("atrim", end=length_s).filter("aresample", SOUND_RATE, **{"async": 1, "first_pts": 0})
    output = heard.output("pipe:1", format="s16le", ac=2, t=length_s)
    return run(command_line(output, encoding, "-xerror"))


def _picture_command(path: Path, encoding: Encoding, **output: object) -> list[str]:
    pictures = _opened(path, CODECS).video.output("pipe:1", fps_mode="passthrough", **output)
    return command_line(pictures, encoding, "-xerror")


def _opened(path: Path, codecs: str) -> Any:
    return ffmpeg.input(
        file_url(path), f="mp4", protocol_whitelist="file", codec_whitelist=codecs, max_pixels=MAX_PIXELS
    )


def _not_a_clip(reason: str) -> EncodeError:
    return EncodeError(
        f"What the server sent is not a whole clip: {reason}.",
        "Retry; if it happens again, check the server's own log.",
        code="no_movie",
        transient=True,
    )
