"""The files of the two detectors: where they come from, fetched and checked. Never while photos are read."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import urllib3

from afterframe.errors import AfterframeError
from afterframe.vision.detectors import LARGEST_FILE, load_detectors

MIRROR = "AFTERFRAME_DETECTORS_URL"
"""Environment variable: an address under which both files lie by their names, in place of their makers' own."""
NO_ANSWER_S = 20.0
"""So long without a byte, and the server is given up, seconds."""
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class DetectorFile:
    """One of the two files."""

    name: str
    title: str
    licence: str
    url: str
    size: int
    """Bytes of the maker's own; another export may differ."""
    sha256: tuple[str, ...]
    """Of the known good ones."""


DETECTOR_FILES = (
    DetectorFile(
        "face_detection_yunet_2026may.onnx",
        "YuNet, faces",
        "MIT",
        "https://huggingface.co/opencv/face_detection_yunet/resolve/main/face_detection_yunet_2026may.onnx",
        229_738,
        ("ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0",),
    ),
    DetectorFile(
        "yolox_nano.onnx",
        "YOLOX-Nano, people, animals and things",
        "Apache-2.0",
        "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/yolox_nano.onnx",
        3_659_407,
        (
            "c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d",  # the makers' release 0.1.1rc0
            "e8af074932d4ed7e232278e3055cefcdea3edf178874a3694ae292649fb464dd",  # another export of the same net
        ),
    ),
)


def missing(folder: Path) -> tuple[DetectorFile, ...]:
    """The files that a folder lacks; none when both nets are there, whoever put them there under whatever name."""
    lacking = tuple(file for file in DETECTOR_FILES if not _is_good(folder / file.name, file))
    return () if not lacking or load_detectors(folder).complete else lacking


def fetch(
    folder: Path, progress: Callable[[str], None] = lambda _: None, *, no_answer_s: float = NO_ANSWER_S
) -> tuple[str, ...]:
    """Fetch what a folder lacks, both files at a time; one that was begun goes on where it stopped.

    Args:
        progress: called with a line for each file that has arrived, from several threads.
        no_answer_s: so long without a byte, and the server is given up, seconds.
    Returns:
        The names of the files that came.
    Raises:
        AfterframeError: one did not come, or not as it should be; a wrong one is not kept. The other one is.
    """
    wanted = missing(folder)

    def get(file: DetectorFile) -> AfterframeError | None:
        try:
            _fetch(file, folder, no_answer_s)
        except AfterframeError as error:
            return error
        progress(f"{file.title}: {file.name} is here.")
        return None

    with ThreadPoolExecutor(len(DETECTOR_FILES)) as threads:
        failed = [error for error in threads.map(get, wanted) if error]
    if failed:
        raise failed[0]
    return tuple(file.name for file in wanted)


def _fetch(file: DetectorFile, folder: Path, no_answer_s: float) -> None:
    part = folder / f"{file.name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not _is_good(part, file):
            _download(file, part, no_answer_s)
        if not _is_good(part, file):
            part.unlink()
            raise AfterframeError(
                f"{file.name} came, but is not the file that is known to be good; it was not kept.",
                "Try again later, or put the file there yourself: docs/models.md says where it comes from.",
                code="wrong_detector",
            )
        part.replace(folder / file.name)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise AfterframeError(
            f"{file.name} could not be fetched from {urllib3.util.parse_url(_address(file)).host}: {_reason(error)}.",
            "`afterframe models pull detectors` tries again, and goes on where it stopped.",
            code="no_detector",
        ) from error


def _download(file: DetectorFile, part: Path, no_answer_s: float) -> None:
    """Add to a part of a file what it lacks."""
    have = part.stat().st_size if part.is_file() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    with _opened(file, headers, no_answer_s) as answer:
        if answer.status == 416:
            part.unlink()
            raise urllib3.exceptions.HTTPError("what had come of it was no part of it; try again")
        if answer.status not in (200, 206):
            raise urllib3.exceptions.HTTPError(f"the server answers {answer.status}")
        goes_on = have and answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        with part.open("ab" if goes_on else "wb") as out:
            for piece in answer.stream(_CHUNK):
                if out.tell() + len(piece) > LARGEST_FILE:
                    raise urllib3.exceptions.HTTPError("it does not end")
                out.write(piece)


@contextlib.contextmanager
def _opened(file: DetectorFile, headers: dict[str, str], no_answer_s: float) -> Iterator[urllib3.BaseHTTPResponse]:
    timeout = urllib3.Timeout(connect=no_answer_s, read=no_answer_s)
    with urllib3.PoolManager(retries=urllib3.Retry(0, redirect=5), timeout=timeout) as pool:
        answer = pool.request("GET", _address(file), headers=headers, preload_content=False, decode_content=False)
        try:
            yield answer
        finally:
            answer.close()


def _address(file: DetectorFile) -> str:
    mirror = os.environ.get(MIRROR, "").rstrip("/")
    return f"{mirror}/{file.name}" if mirror else file.url


def _is_good(path: Path, file: DetectorFile) -> bool:
    try:
        if path.stat().st_size > LARGEST_FILE:
            return False
        return hashlib.sha256(path.read_bytes()).hexdigest() in file.sha256
    except OSError:
        return False


def _reason(error: Exception) -> str:
    if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason is not None:
        error = error.reason
    match error:
        case urllib3.exceptions.NameResolutionError():
            return "its address is not found (no connection?)"
        case urllib3.exceptions.NewConnectionError():
            return "it cannot be reached"
        case urllib3.exceptions.TimeoutError():
            return "no answer"
        case urllib3.exceptions.ProtocolError() | urllib3.exceptions.IncompleteRead():
            return "the connection broke"
        case OSError() if error.strerror:
            return error.strerror
    return str(error)
