"""Accepts connections: one that is slow is closed in time, and many that wait keep nobody out."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer

from afterframe.web.connections.channel import Channel
from afterframe.web.connections.entry import Door
from afterframe.web.connections.lanes import Lanes

LOOK_S = 1
"""How often slow connections are looked for, seconds."""
WAITING_PER_ADDRESS = 80
"""Connections of one address that wait for a request, or are in the middle of one."""
WAITING = 160
"""Of all addresses."""
CONNECTIONS = 400
"""With those that are being answered."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On which a connection is taken."""

    door: Door
    spool_folder: Path | None = None
    """Where long bodies lie while they are received; None: the system's own folder."""
    clock: Callable[[], float] = time.monotonic
    """Seconds, steady; injected by tests."""


class Listener(TcpWSGIServer):  # type: ignore[misc]
    """Waitress's server, which asks a door about every request.

    Args:
        app: the WSGI app.
        sockets: what the loop waits for; shared with whoever runs it.
        listening: a socket that listens already.
        lanes: the threads.
        terms: on which a connection is taken.
    """

    channel_class = Channel

    def __init__(self, app: Any, sockets: dict[int, Any], listening: socket.socket, lanes: Lanes, terms: Terms) -> None:
        self.terms = terms
        super().__init__(
            app,
            sockets,
            _sock=listening,
            dispatcher=lanes,
            adj=Adjustments(
                sockets=[listening],
                ident=None,
                connection_limit=CONNECTIONS,
                cleanup_interval=LOOK_S,
                channel_request_lookahead=1,  # so that a reader's end is noticed while it is being answered
                asyncore_use_poll=hasattr(select, "poll"),
            ),
            sockinfo=(listening.family, listening.type, None, listening.getsockname()),
            bind_socket=False,
        )

    def handle_accept(self) -> None:
        """Take a connection; close the one that waits longest where there are too many."""
        super().handle_accept()
        self._make_room()

    def maintenance(self, _now: float) -> None:
        """Close what is late."""
        for channel in list(self.active_channels.values()):
            if channel.is_late():
                channel.will_close = True
                if channel.total_outbufs_len:  # nobody reads: it would never be ready for the rest
                    with contextlib.suppress(OSError):
                        channel.socket.shutdown(socket.SHUT_RDWR)

    def _make_room(self) -> None:
        waiting = sorted(
            (channel for channel in self.active_channels.values() if channel.waiting and not channel.will_close),
            key=lambda channel: channel.idle_since,  # an upload whose bytes flow is not the first to go
        )
        for channel in waiting[: max(0, len(waiting) - WAITING)]:
            channel.will_close = True
        if not waiting:
            return
        newest = waiting[-1].addr[0]
        same = [channel for channel in waiting if channel.addr[0] == newest and not channel.will_close]
        for channel in same[: max(0, len(same) - WAITING_PER_ADDRESS)]:
            channel.will_close = True
