"""The web server: waitress, which answers requests in threads of its own."""

from __future__ import annotations

import errno
import socket
import threading
from pathlib import Path
from typing import Any

from flask import Flask
from waitress import wasyncore

from afterframe.config import ALL_INTERFACES
from afterframe.errors import ConfigError
from afterframe.web.connections.entry import Door, Entry, Environ, Lane
from afterframe.web.connections.lanes import Lanes
from afterframe.web.connections.listener import Listener, Terms
from afterframe.web.http.context import THREADS

STOP_S = 1.5
"""How long requests may take to be answered once the daemon ends, seconds."""


def everybody(_environ: Environ) -> Entry:
    """A door for an app without one of its own."""
    return Entry(Lane.QUICK, 1 << 20)


class WebServer:
    """Answers requests for an app from the moment it is made until :meth:`stop`.

    Args:
        host: an address of this machine.
        port: 0 takes any free one.
        door: what may come in, asked of each request's headers.
        spool_folder: where long bodies lie while they are received; None: the system's own folder.
    Raises:
        ConfigError: the address cannot be used.
    """

    def __init__(
        self, app: Flask, host: str, port: int, *, door: Door = everybody, spool_folder: Path | None = None
    ) -> None:
        listening = _listen(host, port)
        self._host = host
        self._port: int = listening.getsockname()[1]
        self._sockets: dict[int, Any] = {}
        self._server = Listener(app, self._sockets, listening, Lanes(THREADS), Terms(door, spool_folder))
        self._thread = threading.Thread(target=self._server.run, name="web")
        self._thread.start()

    @property
    def url(self) -> str:
        """Its address for a browser on this machine."""
        host = "127.0.0.1" if self._host in ALL_INTERFACES else self._host
        return f"http://{f'[{host}]' if ':' in host else host}:{self._port}"

    def stop(self) -> None:
        """Answer the requests that are there, then close."""
        self._server.task_dispatcher.shutdown(timeout=STOP_S)
        self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._sockets))
        self._thread.join()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
            raise ConfigError(
                f"{host} is not an address of this machine.",
                "Omit --host, or name one of its own addresses; 0.0.0.0 means all of them.",
                code="port",
            ) from error
        raise ConfigError(
            f"Port {port} on {host} cannot be used: {error.strerror or error}.",
            "Choose another one with --port, or in config.toml.",
            code="port",
        ) from error
