"""A Hugging Face hub on loopback: as much of its HTTP API as listing and downloading a repository takes.

https://huggingface.co/docs/hub/api and the requests that huggingface_hub 2.4 sends.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

COMMIT = "d" * 40


@dataclass
class Hub:
    """One repository, its files, and what was asked of it."""

    repository: str
    folder: Path
    gated: bool = False
    breaks_after: int | None = None
    """Bytes after which the connection breaks, once, in a file that is larger."""
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """(method, path, range)."""
    url: str = ""

    @property
    def files(self) -> dict[str, bytes]:
        """Every file, by its path in the repository."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }

    def fetched(self) -> set[str]:
        """Files whose content was asked for."""
        mark = f"/{self.repository}/resolve/"
        return {
            path[len(mark) :].partition("/")[2] for method, path, _ in self.asked if method == "GET" and mark in path
        }


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Answer on a free port until the block ends."""

    class Handler(_Handler):
        served = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    served: Hub

    def log_message(self, *said: object) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, path = self.served, urlsplit(self.path).path
        hub.asked.append((self.command, path, self.headers.get("Range", "")))
        if path.startswith(f"/{hub.repository}/resolve/"):
            name = path.removeprefix(f"/{hub.repository}/resolve/").partition("/")[2]
            self._file(name)
        elif path.startswith(f"/api/models/{hub.repository}/tree/"):
            self._json([{"type": "file", "path": n, "size": len(d), "oid": _digest(d)} for n, d in hub.files.items()])
        elif path.startswith(f"/api/models/{hub.repository}"):
            siblings = [{"rfilename": n, "size": len(d), "blobId": _digest(d)} for n, d in hub.files.items()]
            self._json({"id": hub.repository, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []})
        else:
            self._json({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})

    def _file(self, name: str) -> None:
        if self.served.gated:
            self._json({"error": "Access is restricted"}, 403, {"X-Error-Code": "GatedRepo"})
            return
        data = self.served.files.get(name)
        if data is None:
            self._json({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
            return
        start = int(self.headers["Range"].removeprefix("bytes=").partition("-")[0]) if self.headers.get("Range") else 0
        part = data[start:]
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{_digest(data)}"')
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(part)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if self.command == "GET":
            limit = self.served.breaks_after
            if limit is not None and limit < len(part):
                self.served.breaks_after = None
                part = part[:limit]
            self.wfile.write(part)
            self.close_connection = True

    def _json(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)


def _digest(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()
