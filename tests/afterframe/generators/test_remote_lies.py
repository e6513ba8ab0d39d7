"""Servers that lie: heads without end, ids that are none, redirects, clips that are not what was asked for."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_remote import clip_of, ignore, no, photo_for, settings_for
from video_servers import VideoServer, make_clip

from afterframe.config import EndpointConfig
from afterframe.errors import GenerateError
from afterframe.generators.remote import client as module
from afterframe.generators.remote.client import RemoteJobState, ServerClient, ServerFailed, ServerGone, ServerRefused
from afterframe.generators.remote.generator import PHOTO_SHARE, Remote, check_endpoints
from factories import make_recipe


class Liar:
    """A server that says the same bytes to everybody, whatever they ask."""

    def __init__(self, says: bytes, *, forever: bytes = b"", before: threading.Event | None = None) -> None:
        self.says, self.forever, self.before = says, forever, before
        self.heard: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self.endpoint = EndpointConfig(
            url=f"http://127.0.0.1:{self._listener.getsockname()[1]}", name="liar", timeout_s=10.0
        )

    def _serve(self) -> None:
        while not self._ending.is_set():
            line, _ = self._listener.accept()
            with line:
                line.settimeout(10)
                try:
                    self._answer(line)
                except OSError:
                    continue

    def _answer(self, line: socket.socket) -> None:
        if self.before is not None:
            self.before.wait(0.5)
        request = line.recv(65536)
        length = int((request.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]) or 0)
        missing = length - len(request.partition(b"\r\n\r\n")[2]) if request else 0
        while missing > 0 and (more := line.recv(65536)):
            missing -= len(more)
        self.heard.append(request.partition(b"\r\n")[0])
        line.sendall(self.says)
        while self.forever and not self._ending.is_set():
            line.sendall(self.forever)
            self._ending.wait(0.01)

    def __enter__(self) -> Liar:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        socket.create_connection(self._listener.getsockname()).close()
        self._thread.join()
        self._listener.close()


@contextmanager
def asking(liar: Liar) -> Iterator[ServerClient]:
    client = ServerClient(liar.endpoint)
    try:
        yield client
    finally:
        client.close()


def told(body: object, status: str = "200 OK") -> bytes:
    """A whole answer; bytes as they are, anything else as JSON."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n".encode() + text


# -- what is no answer ------------------------------------------------------------------------

NO_ANSWERS = {
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a status of no number": b"HTTP/1.1 great\r\n\r\n",
    "a status beyond": b"HTTP/1.1 99999 OK\r\n\r\n",
    "a length below nothing": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n{}",
    "a length of no number": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
    "less than it says": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
    "pieces of no length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{}",
    "a piece of a negative length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n{}",
    "a piece cut short": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{}",
    "a header line without end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n{}",
    "very many headers": b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 2000 + b"\r\n{}",
    "headers that are none": b"HTTP/1.1 200 OK\r\n\x00\xff\r\n: :\r\n\r\n{}",
    "an encoding that was not asked for": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08junk",
    "not a number": told(b'{"id": NaN, "status": NaN, "data": NaN}'),
    "a number of many digits": told(b'{"id": ' + b"9" * 10_000 + b"}"),
    "deep": told(b"[" * 100_000),
    "a list": told([1, 2]),
    "text": told(b"<html>welcome</html>"),
    "no UTF-8": told(b'{"id": "\xff\xfe"}'),
}


@pytest.mark.parametrize("says", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_answer_is_told_with_the_server_and_takes_no_strike_of_surprise(
    says: bytes, home_of_its_own: Path
) -> None:
    with Liar(says) as liar:
        check_endpoints([liar.endpoint])
        generator = Remote(settings_for(home_of_its_own, (liar.endpoint,)))
        with pytest.raises(GenerateError, match="liar: ") as caught:
            clip_of(generator)
        generator.close()
    assert caught.value.hint
    assert caught.value.message.isprintable()


@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda body: b"HTTP/1.1 200 OK\r\n" + body))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_bytes_raise_anything_but_that_the_server_is_no_use(says: bytes) -> None:
    with Liar(says) as liar, asking(liar) as client:
        for question in (lambda: client.status("1"), lambda: client.create({"prompt": "x"}, b"png")):
            with pytest.raises((ServerGone, ServerRefused)):
                question()
                raise ServerGone("it was an answer")


@pytest.mark.parametrize("forever", [b"HTTP/1.1 100 Continue\r\n\r\n", b"x", b"X: x\r\n"])
def test_a_head_that_has_no_end_is_left_when_its_time_is_over(forever: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_TIMEOUT_S", 0.3)
    says = b"" if forever.startswith(b"HTTP") else b"HTTP/1.1 200 OK\r\n"
    with Liar(says, forever=forever) as liar, asking(liar) as client, pytest.raises(ServerGone, match="did not answer"):
        client.status("1")


def test_a_server_that_takes_a_photo_slowly_is_given_the_time_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_TIMEOUT_S", 0.1)
    answer = told({"id": "video_1", "status": "queued"})
    with Liar(answer, before=threading.Event()) as liar, asking(liar) as client:
        assert client.create({"prompt": "x"}, bytes(16 << 20)).id == "video_1"


# -- what it says of a job --------------------------------------------------------------------


@pytest.mark.parametrize(
    "job_id",
    ["\ud800", "..", ".", "a b", "a\nb", "x" * 201, "é", {"a": 1}, ["x"], "", None, False, "\x00", "a\r\nX: y"],
    ids=repr,
)
def test_an_id_that_is_none_is_refused_and_nothing_asked_by_it(job_id: object) -> None:
    with Liar(told({"id": job_id, "status": "queued"})) as liar, asking(liar) as client:
        with pytest.raises(ServerRefused, match="names no job"):
            client.create({"prompt": "x"}, b"png")
        assert [line.split()[:2] for line in liar.heard] == [[b"POST", b"/v1/videos"]]


@pytest.mark.parametrize("job_id", ["../../etc/passwd", "a/b?c=d#e", "%2e%2e%2f", "video_1", 5])
def test_an_id_stays_one_part_of_an_address(job_id: object) -> None:
    with Liar(told({"id": job_id, "status": "completed"})) as liar, asking(liar) as client:
        client.status(client.create({"prompt": "x"}, b"png").id)
        path = liar.heard[-1].split()[1]
        assert path.startswith(b"/v1/videos/")
        assert path.count(b"/") == 3
        assert not set(path) & set(b"?#")


@pytest.mark.parametrize(
    ("progress", "share"),
    [
        *[(text, 0) for text in ("NaN", "-Infinity", "-5", '"half"', "[]", "null")],
        *[(text, 1) for text in ("Infinity", "1e999", "1" + "0" * 400)],
        ("50", 0.5),
    ],
)
def test_a_share_that_is_none_is_one_of_a_whole(progress: str, share: float) -> None:
    body = f'{{"id": "1", "status": "in_progress", "progress": {progress}}}'.encode()
    with Liar(told(body)) as liar, asking(liar) as client:
        answer = client.status("1")
    assert (answer.state, answer.share) == (RemoteJobState.WORKING, share)


@pytest.mark.parametrize("model", ["\ud800" * 9, "x" * 3_000_000, "a\x00\x1b[2J\nb", {"name": "x"}, ["x"], 7])
def test_a_models_name_can_stand_in_a_sidecar(model: object) -> None:
    with Liar(told({"id": "1", "status": "completed", "model": model})) as liar, asking(liar) as client:
        name = client.status("1").model
    assert len(name) <= 200
    assert name.isprintable()
    name.encode()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "where", ["file:///etc/passwd", "http://169.254.169.254/latest", "//127.0.0.1:1/v1", "gopher:x", ""]
)
def test_a_redirect_leads_nowhere(status: int, where: str, tmp_path: Path) -> None:
    says = f"HTTP/1.1 {status} Found\r\nLocation: {where}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    with Liar(says) as liar, asking(liar) as client:
        with pytest.raises(ServerRefused, match="redirects to another address"):
            client.create({"prompt": "x"}, b"png")
        with pytest.raises(ServerGone):
            client.status("1")
        with pytest.raises(ServerFailed, match="another address"), (tmp_path / "clip").open("wb") as file:
            client.download("1", file, no)
        assert len(liar.heard) == 3
    assert (tmp_path / "clip").read_bytes() == b""


# -- clips ------------------------------------------------------------------------------------


@pytest.fixture
def start() -> Iterator[Callable[..., VideoServer]]:
    with ExitStack() as stack:
        yield lambda *args, **kwargs: stack.enter_context(VideoServer(*args, **kwargs).running())


RECIPE = make_recipe(size=(96, 64), fps=8, duration_s=1.0)
CLIP = make_clip(96, 64, 9, 8)
WRONG: dict[str, tuple[bytes, str]] = {
    "a page": (b"<html><body>Your video is ready!</body></html>", "not a whole clip"),
    "nothing of a clip": (CLIP[:40], "not a whole clip"),
    "half of it": (CLIP[: len(CLIP) // 2], "not a whole clip"),
    "noise": (np.random.default_rng(1).bytes(20_000), "not a whole clip"),
    "a list of other files": (b"ffconcat version 1.0\nfile /etc/passwd\n", "not a whole clip"),
    "a playlist": (b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n", "not a whole clip"),
    "a quarter of the length": (make_clip(96, 64, 2, 8), "at least 0.56 s"),
    "a picture of another shape": (make_clip(64, 96, 9, 8), "instead of 96x64"),
    "a very large one": (make_clip(96 * 2 + 64, 64 * 2 + 44, 9, 8), "instead of 96x64"),
}


@pytest.mark.parametrize(("clip", "words"), WRONG.values(), ids=WRONG)
def test_a_clip_that_is_not_what_was_asked_for_is_made_by_another_server(
    clip: bytes, words: str, start: Callable[..., VideoServer], home_of_its_own: Path
) -> None:
    liar, good = start("sglang", rubbish=clip), start("sglang")
    ends = [EndpointConfig(server.url, name, "sglang") for server, name in ((liar, "liar"), (good, "good"))]
    generator = Remote(settings_for(home_of_its_own, tuple(ends)))
    assert clip_of(generator, RECIPE).count == 9
    generator.close()
    assert (len(liar.deleted), len(good.deleted)) == (1, 1)

    alone = Remote(settings_for(home_of_its_own, (ends[0],)))
    with pytest.raises(GenerateError, match=f"liar: .*{words}") as caught:
        clip_of(alone, RECIPE)
    alone.close()
    assert not caught.value.transient  # another try would bring the same


def test_a_clip_that_arrives_slowly_has_not_stalled(start: Callable[..., VideoServer], home_of_its_own: Path) -> None:
    generator = Remote(settings_for(home_of_its_own, (EndpointConfig(start("sglang").url, "box", "sglang"),)))
    shares: list[float] = []

    def progress(share: float, eta_s: float | None = None) -> None:
        shares.append(share)

    recipe = generator.adapt(RECIPE)
    generator.generate(photo_for(recipe), recipe, progress, no)
    generator.close()
    assert 1 - PHOTO_SHARE in shares


def test_what_another_afterframe_says_of_its_clip_stays_small(
    start: Callable[..., VideoServer], home_of_its_own: Path, tmp_path: Path
) -> None:
    from photometa.containers.mp4 import append_xmp
    from photometa.xmp.packets import packet

    said: dict[str, Any] = {
        "Iptc4xmpExt:DigitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
        "Iptc4xmpExt:AISystemUsed": "m" * 1_000_000,
        "Iptc4xmpExt:AIPromptInformation": "p\n" * 1_000_000,
    }
    sent = tmp_path / "sent.mp4"
    _, png = cv2.imencode(".png", photo_for(RECIPE).pixels[..., ::-1])
    sent.write_bytes(make_clip(96, 64, 9, 8, begin=png.tobytes()))
    with sent.open("r+b") as file:
        append_xmp(file, packet(said))
    server = start("afterframe", rubbish=sent.read_bytes())
    generator = Remote(settings_for(home_of_its_own, (EndpointConfig(server.url, "box", "afterframe"),)))
    made = generator.generate(photo_for(RECIPE), RECIPE, ignore, no)
    generator.close()
    assert made.model is not None
    assert len(made.model.name) + len(made.model.version) + len(made.model.prompt) < 5000
