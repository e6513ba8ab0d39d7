"""Fetching the two detectors, from a stand-in of their makers' servers."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from onnx_models import constant_net

from afterframe.errors import AfterframeError
from afterframe.vision import detector_files, load_detectors
from afterframe.vision.detector_files import MIRROR, fetch, missing
from afterframe.vision.face_net import FACE_OUTPUTS
from afterframe.vision.object_net import OBJECT_OUTPUT

FACES = constant_net({name: np.zeros((1, 4, 1), np.float32) for name in sorted(FACE_OUTPUTS)})
OBJECTS = constant_net({"output": np.zeros(OBJECT_OUTPUT, np.float32)})


class Server:
    """Two files, and how they are sent."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        """(file, range)."""
        self.breaks_after: int | None = None
        self.silent = False
        self.ranges = True
        self.ended = threading.Event()
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served.answer(self)

            def log_message(self, *_: object) -> None: ...

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/mirror"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        name, wanted = request.path.rpartition("/")[2], request.headers.get("Range", "")
        self.asked.append((name, wanted))
        if self.silent:
            self.ended.wait()
            return
        data = self.files.get(name)
        if data is None:
            request.send_error(404)
            return
        begin = int(re.sub(r"\D", "", wanted)) if wanted and self.ranges else 0
        request.send_response(206 if begin else 200)
        request.send_header("Content-Length", str(len(data) - begin))
        if begin:
            request.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        request.end_headers()
        end = len(data) if self.breaks_after is None else begin + self.breaks_after
        request.wfile.write(data[begin:end])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that has both, whose hashes are the known good ones."""
    served = Server()
    known = []
    for file, data in zip(detector_files.DETECTOR_FILES, (FACES, OBJECTS), strict=True):
        served.files[file.name] = data
        known.append(replace(file, sha256=(hashlib.sha256(data).hexdigest(),)))
    monkeypatch.setattr(detector_files, "DETECTOR_FILES", tuple(known))
    monkeypatch.setenv(MIRROR, served.url)
    thread = threading.Thread(target=served.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.ended.set()
    served.http.shutdown()
    served.http.server_close()
    thread.join()


NAMES = tuple(file.name for file in detector_files.DETECTOR_FILES)


def test_both_arrive_and_are_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    assert fetch(tmp_path / "models" / "vision") == NAMES
    folder = tmp_path / "models" / "vision"
    assert {path.name for path in folder.iterdir()} == set(NAMES)
    assert missing(folder) == ()
    assert fetch(folder) == ()
    assert len(server.asked) == len(NAMES)


def test_what_was_begun_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.breaks_after = 1000
    with pytest.raises(AfterframeError, match="could not be fetched"):
        fetch(tmp_path)
    assert (tmp_path / f"{NAMES[1]}.part").stat().st_size == 1000
    server.breaks_after = None
    fetch(tmp_path)
    assert (NAMES[1], "bytes=1000-") in server.asked
    assert (tmp_path / NAMES[1]).read_bytes() == OBJECTS


def test_a_server_that_always_sends_the_whole_file_is_understood(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{NAMES[1]}.part").write_bytes(OBJECTS[:500])
    server.ranges = False
    fetch(tmp_path)
    assert (tmp_path / NAMES[1]).read_bytes() == OBJECTS


def test_a_file_with_a_wrong_hash_is_refused_and_not_kept(server: Server, tmp_path: Path) -> None:
    server.files[NAMES[1]] = OBJECTS[:-1] + b"x"
    with pytest.raises(AfterframeError) as refused:
        fetch(tmp_path)
    assert refused.value.error_code == "wrong_detector"
    assert NAMES[1] in refused.value.message
    assert {path.name for path in tmp_path.iterdir()} == {NAMES[0]}, "the other one is kept"


def test_a_part_of_something_else_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{NAMES[1]}.part").write_bytes(b"an error page")
    with pytest.raises(AfterframeError):
        fetch(tmp_path)
    fetch(tmp_path)
    assert (tmp_path / NAMES[1]).read_bytes() == OBJECTS


@pytest.mark.parametrize("how", ["silent", "gone", "unknown file"])
def test_a_server_that_does_not_give_it_is_named_and_nothing_is_kept(
    server: Server, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.silent = how == "silent"
    if how == "gone":
        monkeypatch.setenv(MIRROR, "http://127.0.0.1:9")
    server.files.clear()
    with pytest.raises(AfterframeError) as refused:
        fetch(tmp_path, no_answer_s=0.1)
    assert refused.value.error_code == "no_detector"
    assert "127.0.0.1" in refused.value.message
    assert "models pull detectors" in refused.value.hint
    assert list(tmp_path.glob("*.onnx")) == []


def test_nets_put_there_by_hand_are_enough(tmp_path: Path) -> None:
    (tmp_path / "mine.onnx").write_bytes(OBJECTS)
    assert missing(tmp_path) == detector_files.DETECTOR_FILES
    (tmp_path / "faces.onnx").write_bytes(FACES)
    assert load_detectors(tmp_path).complete
    assert missing(tmp_path) == ()
