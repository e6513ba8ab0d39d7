"""Somebody else's server at the address that a daemon left behind."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KINDS = ("health", "echo", "html", "refusal", "replay")
"""How it answers: as a daemon's health, with what it was sent, with a page, with a 401, with an earlier proof."""


class Squatter:
    """Keeps all that it is sent."""

    def __init__(self, kind: str, port: int = 0, earlier: dict[str, Any] | None = None) -> None:
        squatter, self.heard = self, list[str]()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                squatter.heard.append(f"{self.requestline}\n{self.headers}\n{body.decode('latin-1')}")
                status, answer = squatter._answer(kind, self.path, earlier or {})
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                if status == 401:
                    self.send_header("WWW-Authenticate", "Bearer")
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_GET  # noqa: N815 - the library's name

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def _answer(self, kind: str, path: str, earlier: dict[str, Any]) -> tuple[int, bytes]:
        challenge = path.partition("challenge=")[2]
        health = {"name": "afterframe", "version": "9", "generators": [], "queue_depth": 0, "paused": False}
        answers: dict[str, tuple[int, Any]] = {
            "health": (200, {**health, "folders": [], "renders": [], "refused": [], "photos": [], "cursor": 1}),
            "echo": (200, {**health, "boot": challenge, "proof": challenge}),
            "refusal": (401, {"error": {"code": "not_logged_in", "message": "The token is missing.", "hint": ""}}),
            "replay": (200, earlier),
        }
        if kind == "html":
            return 200, b"<html>not here"
        status, said = answers[kind]
        return status, json.dumps(said).encode()


@contextmanager
def squatting(kind: str, port: int = 0, earlier: dict[str, Any] | None = None) -> Iterator[Squatter]:
    """Such a server, which is ended."""
    made = Squatter(kind, port, earlier)
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        thread.join()
        made.server.server_close()
