"""Connections to servers that end where a socket's own timeout does not.

That timeout begins anew with each byte that arrives, so a head that drips or has no end would be read for days; and it
is that of connecting while a photo is sent, however long the photo takes.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

SEND_TIMEOUT_S = 60.0
"""How long a server may take to accept a photo, seconds."""


class _HeadInTime(io.RawIOBase):
    """What a socket receives; while a response's head is read, only until its time is over."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        self.until: float | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.until is not None:
            left_s = self.until - time.monotonic()
            if left_s <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(left_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """Its head (100 Continue and the like, status, headers) arrives within the socket's timeout, all of it."""

    def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self._sock = sock
        self._received = _HeadInTime(self.fp.detach(), sock)
        self.fp = io.BufferedReader(self._received)

    def begin(self) -> None:
        timeout_s = self._sock.gettimeout()
        self._received.until = time.monotonic() + timeout_s if timeout_s else None
        super().begin()
        self._received.until = None
        self._sock.settimeout(timeout_s)


class _Connection(HTTPConnection):
    response_class = _Response

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self.sock.settimeout(SEND_TIMEOUT_S)
        super().send(data)


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def connections(headers: dict[str, str]) -> urllib3.PoolManager:
    """Connections to one server; ``headers`` go with each request. Nothing is sent twice, and no redirect followed."""
    made = urllib3.PoolManager(num_pools=1, maxsize=2, retries=False, headers=headers)
    made.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return made
