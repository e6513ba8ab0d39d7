"""The server's threads: event streams never take them all."""

from __future__ import annotations

import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from afterframe.errors import ConfigError
from afterframe.web.connections.entry import Entry, Environ, Lane
from afterframe.web.http.context import MAX_STREAMS
from afterframe.web.server import WebServer


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return bytes(answer.read())


def test_requests_are_answered_while_every_stream_is_open() -> None:
    app, end = Flask(__name__), threading.Event()
    opened = threading.Barrier(MAX_STREAMS + 1)

    @app.get("/stream")
    def stream() -> str:
        opened.wait(20)
        end.wait(20)
        return "ended"

    @app.get("/")
    def answer() -> str:
        return "answered"

    def door(environ: Environ) -> Entry:
        return Entry(Lane.STREAMS if environ["PATH_INFO"] == "/stream" else Lane.QUICK, 0)

    server = WebServer(app, "127.0.0.1", 0, door=door)
    try:
        with ThreadPoolExecutor(MAX_STREAMS) as browsers:
            streams = [browsers.submit(fetch, f"{server.url}/stream") for _ in range(MAX_STREAMS)]
            opened.wait(20)
            assert fetch(server.url) == b"answered"
            end.set()
            assert {stream.result() for stream in streams} == {b"ended"}
    finally:
        end.set()
        server.stop()


def test_a_port_that_is_taken_is_named() -> None:
    first = WebServer(Flask(__name__), "127.0.0.1", 0)
    try:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(ConfigError, match=f"Port {port} on 127.0.0.1 cannot be used"):
            WebServer(Flask(__name__), "127.0.0.1", port)
    finally:
        first.stop()


def test_a_server_on_all_addresses_is_reached_on_this_machines_own() -> None:
    server = WebServer(Flask(__name__), "0.0.0.0", 0)
    try:
        assert server.url.startswith("http://127.0.0.1:")
    finally:
        server.stop()
