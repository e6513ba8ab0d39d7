"""Running ffmpeg: its program, command lines and pipes, and its errors in a photographer's words."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import ffmpeg
import imageio_ffmpeg

from afterframe.errors import EncodeError

FRAMES_AHEAD = 3
"""Frames made while ffmpeg works on earlier ones: enough to keep both busy, little memory."""
STOP_S = 10.0
PROGRESS = ("-progress", "pipe:1")
"""Options that make ffmpeg report how far it is; :func:`frame_count` reads the report."""


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
    """The first line that ffmpeg prints about itself.

    Raises:
        EncodeError: it cannot be run.
    """
    try:
        lines = run([encoding.program, "-version"]).decode("utf-8", "replace").splitlines()
    except EncodeError as error:
        if error.error_code == "no_ffmpeg":
            raise
        lines = []
    if not lines or not lines[0].startswith("ffmpeg"):
        raise EncodeError(f"{encoding.program} is not ffmpeg.", "Check render.ffmpeg in config.toml.", code="no_ffmpeg")
    return lines[0]


def command_line(output: Any, encoding: Encoding, *options: str) -> list[str]:
    """The command line of a graph of ffmpeg-python; ffmpeg then prints nothing but errors."""
    command: list[str] = output.global_args("-hide_banner", "-nostdin", "-v", "error", *options).compile(
        cmd=encoding.program
    )
    return command


def file_url(path: Path) -> str:
    """A file's name as ffmpeg takes it: a bare "a:b.mp4" would be taken for a protocol."""
    return f"file:{path}"


def own_clip(clip: Path, **options: object) -> Any:
    """One of our own clips as an input; nothing in it can make ffmpeg open a network address."""
    return ffmpeg.input(file_url(clip), protocol_whitelist="file", **options)


def start(
    command: list[str],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start ffmpeg.

    Raises:
        EncodeError: ``no_ffmpeg``: it cannot be run.
    """
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


def run(command: list[str], data: bytes | None = None) -> bytes:
    """What ffmpeg writes to its standard output.

    Args:
        data: for its standard input.
    Raises:
        EncodeError: it cannot be run, or failed.
    """
    stdin = subprocess.DEVNULL if data is None else subprocess.PIPE
    process = start(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, complaint = process.communicate(data)
    if process.returncode != 0:
        raise failure(complaint.decode("utf-8", "replace").strip()[-2000:])
    return output


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill ffmpeg if it still runs, and close what it was written to and its errors were read from."""
    if process.poll() is None:
        process.kill()
    process.wait(STOP_S)
    for pipe in (process.stdin, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def raw_frames(command: list[str], size: tuple[int, int]) -> Iterator[bytes]:
    """The rgb24 frames that a command writes to its standard output, (height * width * 3) bytes each."""
    length = size[0] * size[1] * 3
    process = start(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        while len(frame := process.stdout.read(length)) == length:
            yield frame
    finally:
        process.stdout.close()
        end(process)


def frame_count(report: str) -> int:
    """How many frames went through, as a command with PROGRESS reports it."""
    counts = [int(line.partition("=")[2]) for line in report.splitlines() if line.startswith("frame=")]
    return counts[-1] if counts else 0


class Feeder:
    """Writes to ffmpeg in a thread of its own, so that frames are made while it encodes."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._queue: queue.Queue[memoryview | None] = queue.Queue(FRAMES_AHEAD)
        self._writer = threading.Thread(target=self._write, name="ffmpeg-writer")
        self._reader = threading.Thread(target=self._read, name="ffmpeg-errors")
        self._broken = threading.Event()
        self.complaint = ""
        """What ffmpeg printed, once the block has ended."""

    def __enter__(self) -> Feeder:
        self._writer.start()
        self._reader.start()
        return self

    def put(self, data: memoryview) -> None:
        """Hand over one frame; waits while ffmpeg has enough of them.

        Raises:
            EncodeError: ``encode_stopped``: ffmpeg takes no more. Leaving the block tells why.
        """
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
            raise failure(self.complaint) from value

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


def failure(complaint: str) -> EncodeError:
    """The error for what ffmpeg printed before it failed."""
    return known_failure(complaint) or EncodeError(
        f"ffmpeg failed: {complaint or 'it gave no reason'}", "`afterframe doctor` checks ffmpeg."
    )


def known_failure(complaint: str) -> EncodeError | None:
    """The error in a photographer's words, where the system's own words are known."""
    if any(words in complaint for words in ("No space left", "ENOSPC", "quota exceeded")):
        return EncodeError(
            "The disk is full; the clip was not written.", "Free some space, then retry.", code="disk_full"
        )
    if any(words in complaint for words in ("Read-only file system", "Permission denied")):
        return EncodeError(
            "The folder cannot be written to.",
            "Give yourself write permission for it, then retry.",
            code="read_only",
        )
    return None
