"""Connections to a real server over a desk's app, byte by byte."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from web_fixtures import TOKEN, Desk

from afterframe.web.server import WebServer

BEARER = f"Authorization: Bearer {TOKEN}\r\n"


class Line:
    """One connection, byte by byte."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)

    def send(self, text: str | bytes) -> Line:
        self.socket.sendall(text if isinstance(text, bytes) else text.encode())
        return self

    def answer(self) -> tuple[int, dict[str, Any]]:
        """(status, JSON) of the next answer; (0, {}): the connection was closed without one."""
        with self.socket.makefile("rb") as file:
            first = file.readline()
            if not first:
                return 0, {}
            headers: dict[str, str] = {}
            while (line := file.readline().decode().strip()) != "":
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            body = file.read(int(headers.get("content-length", 0)))
        data = json.loads(body) if headers.get("content-type") == "application/json" else {}
        return int(first.split()[1]), data

    def closed(self) -> bool:
        """Whether the server has closed it; waits until it says anything."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        self.socket.close()


@pytest.fixture(name="lines")
def make_lines(desk: Desk) -> Iterator[Callable[[], Line]]:
    """Connections to a server over the desk's app."""
    server = WebServer(
        desk.app, "127.0.0.1", 0, door=desk.app.extensions["afterframe_door"], spool_folder=desk.services.home.received
    )
    port, opened = int(server.url.rpartition(":")[2]), []

    def connect() -> Line:
        opened.append(Line(port))
        return opened[-1]

    yield connect
    for line in opened:
        line.close()
    server.stop()
