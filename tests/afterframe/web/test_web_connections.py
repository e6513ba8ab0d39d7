"""The door of the real server: what its headers say decides about a request, and nobody holds it shut for others."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from web_fixtures import Desk, make_desk  # noqa: F401 - a fixture
from web_lines import BEARER, Line, make_lines  # noqa: F401 - a fixture

from afterframe.web.app import MAX_BODY
from afterframe.web.connections import spool
from afterframe.web.connections.channel import HEADERS_S, IDLE_S, LINGER_S, OUT_OF_SPACE
from afterframe.web.connections.entry import Entry, Environ, Lane
from afterframe.web.connections.lanes import Lanes
from afterframe.web.connections.listener import WAITING_PER_ADDRESS, Listener, Terms
from afterframe.web.http.context import MAX_STREAMS
from afterframe.web.server import WebServer
from factories import Clock

HUGE = 50 << 20
POST = "POST /api/uploads HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x\r\n"


@pytest.mark.parametrize("length", [f"Content-Length: {HUGE}\r\n", "Transfer-Encoding: chunked\r\n"])
@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ("Host: localhost\r\n", (401, "not_logged_in")),
        ("Host: localhost\r\nAuthorization: Bearer wrong\r\n", (401, "not_logged_in")),
        (f"Host: localhost\r\n{BEARER}Origin: http://evil.example\r\n", (403, "foreign_origin")),
        (f"Host: evil.example\r\n{BEARER}", (403, "foreign_host")),
        ("Host: localhost\r\nExpect: 100-continue\r\n", (401, "not_logged_in")),
        ("Host: localhost\r\nCookie: afterframe_12345678=a.b\r\n", (401, "not_logged_in")),
    ],
)
def test_who_may_not_come_in_is_refused_before_any_of_the_body(
    desk: Desk, lines: Any, headers: str, length: str, refusal: tuple[int, str]
) -> None:
    status, body = lines().send(f"{POST}{headers}{length}\r\n").answer()
    assert (status, body["error"]["code"]) == refusal
    assert not desk.services.home.received.exists()


@pytest.mark.parametrize(
    ("line", "length", "status"),
    [
        ("POST /api/animate", MAX_BODY + 1, 413),
        ("POST /api/uploads", 1 << 40, 413),
        ("POST /nowhere", HUGE, 404),
        ("PUT /api/animate", HUGE, 405),
        ("GET /api/queue", HUGE, 200),
        ("GET /api/health", HUGE, 200),
    ],
)
def test_a_body_that_is_too_long_for_its_address_is_not_read(lines: Any, line: str, length: int, status: int) -> None:
    kind = "multipart/form-data; boundary=x" if "uploads" in line else "application/json"
    sent = lines().send(
        f"{line} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{BEARER}Content-Length: {length}\r\n\r\n"
    )
    assert sent.answer()[0] == status
    assert sent.closed()


def test_a_chunked_body_is_read_up_to_the_limit_of_its_address(lines: Any) -> None:
    line = lines().send(
        f"POST /api/animate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{BEARER}"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    line.send(f"{MAX_BODY + 2:x}\r\n".encode() + b"x" * (MAX_BODY + 2))
    status, body = line.answer()
    assert (status, body["error"]["code"]) == (413, "too_large")
    small = b'{"paused": true}'
    line = lines().send(
        f"POST /api/queue HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{BEARER}"
        f"Transfer-Encoding: chunked\r\n\r\n{len(small):x}\r\n".encode()
        + small
        + b"\r\n0\r\n\r\n"
    )
    assert line.answer()[0] == 200


def test_the_rest_of_a_refused_request_is_no_request_of_its_own(desk: Desk, lines: Any) -> None:
    hidden = f'POST /api/queue HTTP/1.1\r\nHost: localhost\r\n{BEARER}Content-Length: 15\r\n\r\n{{"paused":true}}'
    line = lines().send(f"{POST}Host: localhost\r\nContent-Length: {HUGE}\r\n\r\n{hidden}")
    assert line.answer()[0] == 401
    with contextlib.suppress(ConnectionError):
        line.send(hidden)
    assert line.closed()
    assert not desk.services.queue.paused


def test_a_sender_that_goes_on_still_sees_why_it_was_refused(lines: Any) -> None:
    line = lines().send(f"{POST}Host: localhost\r\nContent-Length: {HUGE}\r\n\r\n")
    line.send(b"x" * (4 << 20))
    assert line.answer()[0] == 401


def test_a_body_that_may_come_in_comes_in(desk: Desk, lines: Any) -> None:
    photo = desk.photo("sent.jpg").read_bytes()
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
        + photo
        + b"\0" * (2 << 20)
        + b"\r\n--x--\r\n"
    )
    line = lines().send(f"{POST}Host: localhost\r\n{BEARER}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    status, answer = line.answer()
    assert status == 201, answer
    assert Path(answer["path"]).stat().st_size == len(photo) + (2 << 20)
    assert list(desk.services.home.received.iterdir()) == []


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_body_that_does_not_fit_on_the_disk_is_told_so(
    desk: Desk, lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool.tempfile, "TemporaryFile", full)
    line = lines().send(f"{POST}Host: localhost\r\n{BEARER}Content-Length: {HUGE}\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        line.send(b"x" * (4 << 20))
    status, body = line.answer()
    assert (status, body["error"]["code"]) == (507, "disk_full")
    assert str(desk.services.home.received) in body["error"]["message"]
    assert body["error"]["hint"]


def test_a_file_of_a_form_that_does_not_fit_is_told_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("afterframe.web.app.SpooledTemporaryFile", full)
    data = {"file": (desk.photo("sent.jpg").open("rb"), "a.jpg")}
    assert desk.bad("POST", "/api/uploads", data=data) == (507, "disk_full")


def test_nobody_says_from_outside_that_the_disk_is_full(desk: Desk, lines: Any) -> None:
    line = lines().send(f"GET /api/queue HTTP/1.1\r\nHost: localhost\r\n{BEARER}{OUT_OF_SPACE}: 1\r\n\r\n")
    assert line.answer()[0] == 200


@pytest.mark.slow
def test_a_page_that_is_loaded_again_and_again_stays_live(lines: Any) -> None:
    ask = f"GET /api/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{BEARER}\r\n"
    for _ in range(2 * MAX_STREAMS):
        line = lines().send(ask)
        with line.socket.makefile("rb") as file:
            assert b" 200 " in file.readline()
        line.close()


# -- slow and many ---------------------------------------------------------------------------


class Slow:
    """A listener whose loop the test turns, with a clock that the test holds."""

    def __init__(self) -> None:
        app = Flask(__name__)

        @app.route("/", methods=["GET", "POST"])
        def answer() -> dict[str, int]:
            return {"bytes": len(request.get_data())}

        self.clock = Clock()
        self.sockets: dict[int, Any] = {}
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        self.lanes = Lanes(dict.fromkeys(Lane, 1))
        self.listener = Listener(app, self.sockets, listening, self.lanes, Terms(self.door, clock=self.clock))
        self.lines: list[Line] = []

    def door(self, _: Environ) -> Entry:
        return Entry(Lane.QUICK, 1 << 20)

    def connect(self, text: str = "") -> Line:
        known = len(self.listener.active_channels)
        self.lines.append(Line(self.port).send(text))
        self.turn(lambda: len(self.listener.active_channels) > known or self.full(known))
        return self.lines[-1]

    def full(self, known: int) -> bool:
        return known >= WAITING_PER_ADDRESS

    def turn(self, until: Any = None) -> None:
        """Turn the loop: what the system knows of is done, and more until something holds."""
        end = time.monotonic() + 20
        for count in range(1_000_000):
            if count > 3 and (until is None or until()):
                return
            assert time.monotonic() < end
            self.listener.asyncore.loop(timeout=0.005, map=self.sockets, count=1)

    def later(self, seconds: float) -> None:
        self.clock.forward(seconds)
        self.listener.maintenance(0.0)
        self.turn()

    def open(self) -> int:
        return len(self.listener.active_channels)

    def end(self) -> None:
        for line in self.lines:
            line.close()
        self.lanes.shutdown(3)
        self.listener.asyncore.close_all(self.sockets)


@pytest.fixture(name="slow")
def make_slow() -> Iterator[Slow]:
    made = Slow()
    yield made
    made.end()


def test_headers_that_come_byte_by_byte_are_not_waited_for(slow: Slow) -> None:
    line = slow.connect("GET / HT")
    slow.later(HEADERS_S)
    assert slow.open() == 1
    line.send("TP/1.1\r\nX: ")
    slow.turn()
    slow.later(1)
    assert slow.open() == 0
    assert line.closed()


@pytest.mark.parametrize("text", ["", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc"])
def test_a_connection_that_says_nothing_more_is_closed(slow: Slow, text: str) -> None:
    slow.connect(text)
    slow.turn()
    slow.later(IDLE_S)
    assert slow.open() == 1
    slow.later(1)
    assert slow.open() == 0


def test_a_body_that_comes_slowly_but_comes_is_taken(slow: Slow) -> None:
    line = slow.connect("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
    for letter in "abcde":
        slow.later(IDLE_S - 1)
        line.send(letter)
        slow.turn()
    slow.turn(lambda: all(channel.waiting for channel in slow.listener.active_channels.values()))
    assert line.answer() == (200, {"bytes": 5})


def test_a_connection_is_kept_for_the_next_request(slow: Slow) -> None:
    line = slow.connect("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    slow.turn(lambda: next(iter(slow.listener.active_channels.values())).waiting)
    slow.later(IDLE_S - 1)
    line.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    slow.turn()
    assert slow.open() == 1


def test_many_half_requests_push_each_other_out_and_nobody_else(slow: Slow) -> None:
    first = slow.connect("GET / HTTP/1.1\r\nHost: a\r\n")
    for _ in range(130):
        slow.clock.forward(0.01)
        slow.connect("GET / HTTP/1.1\r\nHost: a\r\n")
    slow.turn()
    assert slow.open() == WAITING_PER_ADDRESS
    assert first.closed()
    slow.clock.forward(0.01)
    asking = slow.connect("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    slow.turn(
        lambda: any(
            channel.addr[1] == asking.socket.getsockname()[1] and channel.waiting
            for channel in slow.listener.active_channels.values()
        )
    )
    slow.turn()
    assert asking.answer() == (200, {"bytes": 0})


def test_who_was_refused_and_goes_on_sending_is_cut_off(slow: Slow) -> None:
    slow.door = lambda _: Entry(Lane.QUICK, 0)  # type: ignore[method-assign]
    line = slow.connect("")
    (channel,) = slow.listener.active_channels.values()
    channel.server.terms = Terms(slow.door, clock=slow.clock)
    line.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
    slow.turn(lambda: channel._linger_until is not None)
    assert slow.open() == 1
    slow.later(LINGER_S + 0.1)
    assert slow.open() == 0


def test_who_has_said_all_and_closes_its_side_still_gets_the_answer(slow: Slow) -> None:
    line = slow.connect("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    line.socket.shutdown(socket.SHUT_WR)
    slow.turn(lambda: slow.open() == 0)
    assert line.answer() == (200, {"bytes": 0})


# -- lanes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("busy", "other"), [(Lane.PHOTOS, Lane.QUICK), (Lane.QUICK, Lane.VERDICTS)])
def test_requests_of_one_lane_leave_the_threads_of_the_others(busy: Lane, other: Lane) -> None:
    app, end, many = Flask(__name__), threading.Event(), 26

    @app.post("/long")
    def long() -> str:
        end.wait(20)
        return "read"

    @app.get("/")
    def quick() -> dict[str, str]:
        return {"said": "at once"}

    def door(environ: Environ) -> Entry:
        return Entry(busy if environ["PATH_INFO"] == "/long" else other, 1 << 20)

    server = WebServer(app, "127.0.0.1", 0, door=door)
    port = int(server.url.rpartition(":")[2])
    lines = [Line(port).send("POST /long HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx") for _ in range(many)]
    try:
        lines.append(Line(port).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
        assert lines[-1].answer() == (200, {"said": "at once"})
        end.set()
        assert {line.answer()[0] for line in lines[:many]} == {200}
    finally:
        end.set()
        for line in lines:
            line.close()
        server.stop()


@pytest.mark.parametrize(
    ("line", "accept", "lane"),
    [
        ("POST /api/animate", "", Lane.PHOTOS),
        ("POST /api/uploads", "", Lane.PHOTOS),
        ("POST /v1/videos", "", Lane.PHOTOS),
        ("GET /api/clips/x/poster", "", Lane.PICTURES),
        ("GET /api/events", "text/event-stream", Lane.STREAMS),
        ("GET /api/events", "application/json", Lane.QUICK),
        ("GET /api/health", "", Lane.QUICK),
        ("POST /api/clips/x/verdict", "", Lane.VERDICTS),
        ("POST /api/clips/verdicts", "", Lane.VERDICTS),
        ("GET /", "", Lane.QUICK),
        ("GET /nowhere", "", Lane.QUICK),
    ],
)
def test_requests_go_to_the_threads_of_their_kind(desk: Desk, line: str, accept: str, lane: Lane) -> None:
    method, path = line.split(" ")
    environ = environ_of(method, path)
    assert desk.app.extensions["afterframe_door"]({**environ, "HTTP_ACCEPT": accept}).lane is lane


def environ_of(method: str, path: str, **more: str) -> Environ:
    return {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "HTTP_HOST": "localhost", **more}


@pytest.mark.parametrize(("length", "lane"), [("300", Lane.PICTURES), ("20000", Lane.PHOTOS), ("", Lane.PHOTOS)])
def test_who_asks_for_one_photo_does_not_wait_behind_hundreds(desk: Desk, length: str, lane: Lane) -> None:
    more = {"CONTENT_LENGTH": length} if length else {}  # chunked: not known yet
    assert desk.app.extensions["afterframe_door"](environ_of("POST", "/api/animate", **more)).lane is lane
    form = environ_of("POST", "/api/uploads", **more)
    assert desk.app.extensions["afterframe_door"](form).lane is Lane.PHOTOS
