"""Frames to MP4 and back: the only caller of ffmpeg.

Frames go raw into ffmpeg's standard input, never through image files. H.264 High, yuv420p,
converted to and tagged as BT.709 (ITU-R BT.709-6; ISO/IEC 23091-2 code point 1 for primaries,
transfer and matrix), because untagged or BT.601 files shift colours in players.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import ffmpeg
import imageio_ffmpeg
import numpy as np
import piexif
import psutil

from afterframe.errors import Cancelled, EncodeError
from afterframe.imaging.frames import CancelCheck, EncodedClip, Frames, Pixels, Progress, Sound
from afterframe.naming import with_sound_for

BT709 = {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709", "range": "tv"}
FRAMES_AHEAD = 3
"""Frames made while ffmpeg works on earlier ones: enough to keep both busy, little memory."""
_THREADS = (os.cpu_count() or 1) * 3 // 2 + 1
"""One more than x264 takes by itself: they wait for each other's rows, and leave a processor idle meanwhile."""
STOP_S = 10.0
PROGRESS = ("-progress", "pipe:1")
CODECS = "h264,hevc,av1,libdav1d,libaom-av1,vp9,libvpx-vp9,mpeg4"
"""What a clip from a server may be coded in."""
SOUND_CODECS = "aac,opus,libopus,mp3float,mp3,flac,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_f32le"
"""What its sound may be coded in."""
SOUND_RATE = 48_000
"""Of a sound from a server: samples a second, in two channels."""
MAX_PIXELS = 1 << 26
"""Of one frame from a server: 8K and a bit."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How clips are written."""

    ffmpeg: str = ""
    """Path of the ffmpeg program; empty: the packaged one."""
    preset: str = "medium"
    crf: int = 18

    @property
    def program(self) -> str:
        """The ffmpeg program to run."""
        return self.ffmpeg or _packaged()


@cache
def _packaged() -> str:
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def version(encoding: Encoding) -> str:
    """ffmpeg's own first line.

    Raises:
        EncodeError: it cannot be run.
    """
    try:
        said = _run([encoding.program, "-version"]).decode("utf-8", "replace").splitlines()
    except EncodeError as error:
        if error.error_code == "no_ffmpeg":
            raise
        said = []
    if not said or not said[0].startswith("ffmpeg"):
        raise EncodeError(f"{encoding.program} is no ffmpeg.", "Check render.ffmpeg in config.toml.", code="no_ffmpeg")
    return said[0]


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was decoded while it was encoded: :func:`verify` then only asks whether the file holds just that."""

    count: int
    """Frames."""
    packets: str
    """A hash of what they were coded in."""


def encode(
    frames: Frames, target: Path, encoding: Encoding, progress: Progress, cancelled: CancelCheck
) -> Decoded | None:
    """Write a clip, and decode it meanwhile with what the encoder leaves of the processors.

    Args:
        target: the file to make; it must not exist.
        progress: called with the share of frames handed over, 0-1.
    Returns:
        What was decoded, for :func:`verify`; None if it was not, or not all of it.
    Raises:
        Cancelled: ``cancelled()`` became true; the file is incomplete.
        EncodeError: ffmpeg failed (disk full, say), or the generator gave too few frames.
        Whatever the generator raises while its frames are read.
    """
    try:
        target.open("xb").close()  # ffmpeg's own -n leaves with status 0 when the file exists
    except OSError as error:
        raise _explained(os.strerror(error.errno or 0)) or EncodeError(
            f"{target} cannot be written: {error.strerror or error}.", "Check the folder."
        ) from error
    process = _start(
        _command(frames, target, encoding), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        with _Decoder(process, encoding) as decoder, _Feeder(process) as feeder:
            written = 0
            for frame in frames.frames:
                if cancelled():
                    raise Cancelled("Stopped.")
                feeder.put(np.ascontiguousarray(frame).data)
                written += 1
                progress(written / frames.count)
        if cancelled():
            raise Cancelled("Stopped.")
        if process.wait() != 0:
            raise _failed(feeder.complaint)
    finally:
        _end(process)
    if written != frames.count:
        raise EncodeError(f"{written} of {frames.count} frames were made.", "Try again.", retryable=True)
    if sound := frames.sound():
        _add_sound(target, sound, encoding)
        return None
    return decoder.decoded


def _command(frames: Frames, target: Path, encoding: Encoding) -> list[str]:
    width, height = frames.size
    source = ffmpeg.input(
        "pipe:0", format="rawvideo", pix_fmt=frames.pixel_format, s=f"{width}x{height}", framerate=frames.fps
    )
    if frames.pixel_format == "rgb24":
        source = source.filter("scale", out_color_matrix="bt709", out_range="tv", flags="accurate_rnd+full_chroma_int")
    clip = re.sub(r"([\\'|])", r"\\\1", _url(target))
    # As a filter: raw frames come in untagged, and that would win over options of the encoder.
    output = ffmpeg.output(
        source.filter("setparams", **BT709),
        # Both lay out their packets alike; clusters are short so that the decoder does not wait for its last ones.
        f"[f=mp4:movflags=+faststart]{clip}|[f=matroska:cluster_time_limit=100:onfail=ignore]pipe:1",
        format="tee",
        vcodec="libx264",
        flags="+global_header",
        pix_fmt="yuv420p",
        preset=encoding.preset,
        crf=encoding.crf,
        threads=_THREADS,
    )
    command: list[str] = output.global_args("-hide_banner", "-nostdin", "-loglevel", "error", "-y").compile(
        cmd=encoding.program
    )
    return command


def _add_sound(clip: Path, sound: Sound, encoding: Encoding) -> None:
    """Put a sound (AAC) beside the pictures of a clip; the pictures are copied as they are."""
    with_sound = with_sound_for(clip)
    samples = np.clip(sound.samples, -1, 1).astype("<f4")
    heard = ffmpeg.input("pipe:0", format="f32le", ar=sound.rate, ac=samples.shape[1])
    command = (
        ffmpeg.output(
            ffmpeg.input(_url(clip), protocol_whitelist="file").video,
            heard.audio,
            _url(with_sound),
            format="mp4",
            vcodec="copy",
            acodec="aac",
            audio_bitrate="192k",
            movflags="+faststart",
        )
        .global_args("-hide_banner", "-loglevel", "error", "-y")
        .compile(cmd=encoding.program)
    )
    try:
        _run(command, samples.tobytes())
        with_sound.replace(clip)
    finally:
        with_sound.unlink(missing_ok=True)


def _url(path: Path) -> str:
    # A bare name such as "a:b.mp4" would be taken for a protocol.
    return f"file:{path}"


class _Feeder:
    """Writes to ffmpeg in a thread of its own, so that frames are made while it encodes."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._queue: queue.Queue[memoryview | None] = queue.Queue(FRAMES_AHEAD)
        self._writer = threading.Thread(target=self._write, name="ffmpeg-writer")
        self._reader = threading.Thread(target=self._read, name="ffmpeg-errors")
        self._broken = threading.Event()
        self.complaint = ""

    def __enter__(self) -> _Feeder:
        self._writer.start()
        self._reader.start()
        return self

    def put(self, data: memoryview) -> None:
        if self._broken.is_set():
            raise EncodeError("ffmpeg stopped early.", code="encode_stopped")
        self._queue.put(data)

    def __exit__(self, kind: object, value: BaseException | None, trace: object) -> None:
        if value is not None:
            self._process.kill()
        self._queue.put(None)
        self._writer.join()
        self._reader.join()
        if isinstance(value, EncodeError) and value.error_code == "encode_stopped":
            raise _failed(self.complaint) from value

    def _write(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        while (data := self._queue.get()) is not None:
            if not self._broken.is_set():
                try:
                    pipe.write(data)
                except OSError:
                    self._broken.set()
        with contextlib.suppress(OSError):
            pipe.close()

    def _read(self) -> None:
        pipe = self._process.stderr
        assert pipe is not None
        self.complaint = pipe.read().decode("utf-8", "replace")[-2000:].strip()


class _Decoder:
    """Decodes what ffmpeg encodes, in a second ffmpeg that only takes processors that nobody else wants."""

    def __init__(self, encoder: subprocess.Popen[bytes], encoding: Encoding) -> None:
        coded = ffmpeg.input("pipe:0", format="matroska", threads=1, **_DAMAGE_SHOWS)
        command = _command_of(
            ffmpeg.merge_outputs(
                coded.output("pipe:1", format="null", fps_mode="passthrough"),
                coded.output("pipe:1", format="streamhash", codec="copy"),
            ),
            encoding,
        )
        assert encoder.stdout is not None
        pipe = subprocess.PIPE
        source = encoder.stdout.fileno()
        self._process = _start([*command, *PROGRESS], stdin=source, stdout=pipe, stderr=subprocess.DEVNULL)
        encoder.stdout.close()  # the two are alone with it now: each ends when the other does
        with contextlib.suppress(psutil.Error):
            psutil.Process(self._process.pid).nice(getattr(psutil, "IDLE_PRIORITY_CLASS", 19))
        self.decoded: Decoded | None = None

    def __enter__(self) -> _Decoder:
        return self

    def __exit__(self, kind: object, value: BaseException | None, trace: object) -> None:
        if value is not None:
            self._process.kill()
        said, _ = self._process.communicate()
        if self._process.returncode == 0:
            report = said.decode("utf-8", "replace")
            self.decoded = Decoded(_frame_count(report), _hash_in(report))


def _failed(complaint: str) -> EncodeError:
    return _explained(complaint) or EncodeError(
        f"ffmpeg failed: {complaint or 'it gave no reason'}", "`afterframe doctor` checks ffmpeg."
    )


def _explained(complaint: str) -> EncodeError | None:
    """The error in a photographer's words, where the system's own words are known."""
    if any(words in complaint for words in ("No space left", "ENOSPC", "quota exceeded")):
        return EncodeError(
            "The disk is full; the clip was not written.", "Free some space, then retry.", code="disk_full"
        )
    if any(words in complaint for words in ("Read-only file system", "Permission denied")):
        return EncodeError(
            "The folder cannot be written to.",
            "Give yourself the right to write there, then retry.",
            code="read_only",
        )
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait(STOP_S)
    for pipe in (process.stdin, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


_DAMAGE_SHOWS = {"skip_loop_filter": "all"}
"""Deblocking, a quarter of the time of decoding, comes after all that can be damaged has been read."""


def verify(clip: Path, frames: Frames, encoding: Encoding, decoded: Decoded | None = None) -> None:
    """See that a clip decodes to its end, and count its frames.

    Args:
        decoded: what was decoded of it already: if the file holds just that, it is not decoded again.
    Raises:
        EncodeError: it does not decode, or has another number of frames.
    """
    if decoded is not None and _packets(clip, encoding) == decoded.packets:
        count = decoded.count
    else:
        source = ffmpeg.input(_url(clip), protocol_whitelist="file", **_DAMAGE_SHOWS)
        whole = _command_of(source.output("pipe:1", format="null", fps_mode="passthrough"), encoding)
        count = _count([*whole, *PROGRESS])
    if count != frames.count:
        raise EncodeError(
            f"The clip decodes to {count} frames instead of {frames.count}.",
            "Retry; if it stays so, `afterframe doctor` checks ffmpeg.",
            retryable=True,
        )


def _packets(clip: Path, encoding: Encoding) -> str:
    # Without skip_frame the first frames would be decoded only to know what they are.
    source = ffmpeg.input(_url(clip), protocol_whitelist="file", skip_frame="all", threads=1)
    command = _command_of(source.output("pipe:1", format="streamhash", codec="copy"), encoding)
    return _hash_in(_run(command).decode("utf-8", "replace"))


def _count(command: list[str]) -> int:
    """The frames that a command with PROGRESS decoded."""
    return _frame_count(_run(command).decode("utf-8", "replace"))


def _frame_count(report: str) -> int:
    counts = [int(line.partition("=")[2]) for line in report.splitlines() if line.startswith("frame=")]
    return counts[-1] if counts else 0


def _hash_in(report: str) -> str:
    """ffmpeg's streamhash of the pictures: "0,v,SHA256=..."."""
    return next((line for line in report.splitlines() if ",v,SHA256=" in line), "")


def _command_of(output: Any, encoding: Encoding) -> list[str]:
    """The command line that reads to the end, and fails at the first damage."""
    command: list[str] = output.global_args("-hide_banner", "-nostdin", "-v", "error", "-xerror").compile(
        cmd=encoding.program
    )
    return command


def read_frames(clip: Path, size: tuple[int, int], encoding: Encoding) -> Iterator[bytes]:
    """Decode one of our own clips to rgb24 frames, (height * width * 3) bytes each."""
    command = (
        ffmpeg.input(_url(clip), protocol_whitelist="file")
        .output("pipe:1", format="rawvideo", pix_fmt="rgb24")
        .global_args("-hide_banner", "-nostdin", "-v", "error")
        .compile(cmd=encoding.program)
    )
    yield from _raw(command, size)


def _raw(command: list[str], size: tuple[int, int]) -> Iterator[bytes]:
    length = size[0] * size[1] * 3
    process = _start(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        while len(frame := process.stdout.read(length)) == length:
            yield frame
    finally:
        process.stdout.close()
        _end(process)


def decode_clip(movie: EncodedClip, encoding: Encoding) -> Frames:
    """The frames of a clip that a server made, decoded as they are read, and its sound, if it has one.

    It comes over the network: only the MP4 demuxer and common codecs touch it, within a limit of pixels. A sound that
    cannot be decoded is left away.

    Raises:
        EncodeError: it cannot be decoded, or its shape is not what was asked for.
    """
    try:
        # One frame as YUV4MPEG2: its header tells size and rate in a fixed form (yuv4mpeg(5)).
        head = _run(_from_network(movie.path, encoding, format="yuv4mpegpipe", pix_fmt="yuv420p", vframes=1))
        found = _count([*_from_network(movie.path, encoding, format="null"), *PROGRESS])
    except EncodeError as error:
        raise error if error.error_code == "no_ffmpeg" else _no_movie(error.message) from error
    fields = {word[:1]: word[1:] for word in head.partition(b"\n")[0].decode("ascii", "replace").split()[1:]}
    try:
        size = (int(fields["W"]), int(fields["H"]))
        above, below = map(int, fields["F"].split(":"))
        fps = round(above / below)
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise _no_movie("it has no picture") from error
    count = min(found, round(movie.longest_s * fps))
    if count < 2 or not 1 <= fps <= 240:
        raise _no_movie(f"{count} frames, {fps} a second")
    asked, got = movie.size[0] / movie.size[1], size[0] / size[1]
    if not 0.9 < got / asked < 1.1:
        raise EncodeError(
            f"The server made {size[0]}x{size[1]} pixels instead of {movie.size[0]}x{movie.size[1]}.",
            "Its model cannot do this shape: ask for another size, or use another server.",
            code="wrong_shape",
        )
    pictures = _pictures(movie.path, size, count, encoding)
    sound = partial(_sound, movie.path, count / fps, encoding)
    return Frames("rgb24", size, fps, count, pictures, model=movie.model, sound=sound)


def _pictures(path: Path, size: tuple[int, int], count: int, encoding: Encoding) -> Iterator[Pixels]:
    command = _from_network(path, encoding, format="rawvideo", pix_fmt="rgb24", vframes=count)
    for data in _raw(command, size):
        yield np.frombuffer(data, np.uint8).reshape(size[1], size[0], 3)


def _sound(path: Path, length_s: float, encoding: Encoding) -> Sound | None:
    """What is heard in a clip that a server made, as long as its pictures; None: nothing, or it is damaged."""
    source = _opened(path, f"{CODECS},{SOUND_CODECS}")
    streams = ffmpeg.output(source.video, source["a?"], "pipe:1", format="streamhash", codec="copy")
    # Where it begins late or has a gap, silence is put in, so that it stays with the pictures; cut first, or a
    # gap of days would be filled in memory.
    heard = source.audio.filter("atrim", end=length_s).filter("aresample", SOUND_RATE, **{"async": 1, "first_pts": 0})
    try:
        if b",a,SHA256=" not in _run(_command_of(streams, encoding)):
            return None
        data = _run(_command_of(heard.output("pipe:1", format="s16le", ac=2, t=length_s), encoding))
    except EncodeError as error:
        why = error.message.splitlines()[0]
        log.warning("The sound of a server's clip cannot be decoded, so the clip is silent: %s", why)
        return None
    samples = np.zeros((round(length_s * SOUND_RATE), 2), np.float32)
    told = np.frombuffer(data, "<i2").reshape(-1, 2)[: len(samples)]
    samples[: len(told)] = told / 32768
    return Sound(samples, SOUND_RATE) if len(told) else None


def _from_network(path: Path, encoding: Encoding, **output: object) -> list[str]:
    return _command_of(_opened(path, CODECS).video.output("pipe:1", fps_mode="passthrough", **output), encoding)


def _opened(path: Path, codecs: str) -> Any:
    return ffmpeg.input(_url(path), f="mp4", protocol_whitelist="file", codec_whitelist=codecs, max_pixels=MAX_PIXELS)


def _no_movie(reason: str) -> EncodeError:
    return EncodeError(
        f"What the server sent is not a whole clip: {reason}.",
        "Retry; if it stays so, look at the server's own log.",
        code="no_movie",
        retryable=True,
    )


def write_poster(clip: Path, target: Path, encoding: Encoding, *, mark: bytes) -> None:
    """Write a clip's first frame as JPEG. ``target`` is replaced.

    Args:
        mark: goes into EXIF Software, so that the poster is known for ours.
    Raises:
        EncodeError: ffmpeg failed.
    """
    command = (
        ffmpeg.input(_url(clip), protocol_whitelist="file")
        .output(_url(target), format="image2", vframes=1, update=1, **{"q:v": 2})
        .global_args("-hide_banner", "-nostdin", "-v", "error", "-y")
        .compile(cmd=encoding.program)
    )
    _run(command)
    piexif.insert(piexif.dump({"0th": {piexif.ImageIFD.Software: mark}}), str(target))


def write_sheet(
    clip: Path, target: Path, encoding: Encoding, frame_count: int, grid: tuple[int, int], width: int
) -> None:
    """Write frames from all along a clip side by side, as JPEG. ``target`` is replaced.

    Args:
        frame_count: of the clip; one with fewer frames than the sheet has places leaves the last ones black.
        grid: columns and rows.
        width: of each frame, pixels.
    Raises:
        EncodeError: ffmpeg failed.
    """
    columns, rows = grid
    every = max(1, frame_count // (columns * rows))
    command = (
        ffmpeg.input(_url(clip), protocol_whitelist="file")
        .filter("select", f"not(mod(n,{every}))")
        .filter("scale", width, -2)
        .filter("tile", f"{columns}x{rows}")
        .output(_url(target), format="image2", vframes=1, update=1, fps_mode="passthrough", **{"q:v": 3})
        .global_args("-hide_banner", "-nostdin", "-v", "error", "-y")
        .compile(cmd=encoding.program)
    )
    _run(command)


def _run(command: list[str], given: bytes | None = None) -> bytes:
    stdin = subprocess.DEVNULL if given is None else subprocess.PIPE
    process = _start(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said, complaint = process.communicate(given)
    if process.returncode != 0:
        raise _failed(complaint.decode("utf-8", "replace").strip()[-2000:])
    return said


def _start(
    command: list[str],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise EncodeError(
            f"ffmpeg cannot be run: {error.strerror or error}.", "Check render.ffmpeg in config.toml.", code="no_ffmpeg"
        ) from error
