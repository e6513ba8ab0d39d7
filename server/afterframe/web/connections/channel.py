"""One connection: a request is decided on as soon as its headers are there, and none may take its time."""

from __future__ import annotations

import copy
import socket
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import WSGITask
from waitress.utilities import RequestEntityTooLarge

from afterframe.web.connections.entry import Entry, Environ, Lane
from afterframe.web.connections.spool import Spool

HEADERS_S = 10.0
"""A request's headers must be there so long after its first byte."""
IDLE_S = 30.0
"""A connection may wait so long for a request, and for the next bytes of a body."""
UNREAD_S = 60.0
"""A connection may leave an answer unread so long."""
LINGER_S = 2.0
"""After a refusal by headers: what the sender still sends is taken and dropped, or it would not see the answer."""
OUT_OF_SPACE = "afterframe.spool_error"
"""Where a request's environ says that its body could not be kept: an OSError."""


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Reads one request. Where the door says that no body is read, it ends with its headers.

    The app then refuses it by the same rules that the door asked, in its own words.
    """

    adj: Any
    body_rcv: Any
    error: Any
    lane = Lane.QUICK
    dropped = False
    """Its body, or the rest of it, is not read: the connection cannot be used again."""
    spool: Spool | None = None

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel.adj)
        self._channel = channel
        self.began = channel.clock()

    def received(self, data: bytes) -> int:
        """Take bytes of the request; how many of them were."""
        taken = int(super().received(data))
        if isinstance(self.error, RequestEntityTooLarge) or (self.spool is not None and self.spool.failed):
            self.error = None
            self._drop(self.body_bytes_received)
            self.completed = True
        return len(data) if self.dropped else taken

    def parse_header(self, header_plus: bytes) -> None:
        """Read the headers, and ask the door."""
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # a length of thousands of digits
            raise ParsingError("Content-Length is invalid") from error
        entry: Entry = self._channel.server.terms.door(self._environ())
        self.lane = entry.lane
        if self.body_rcv is None:
            return
        if not entry.max_body or self.content_length > entry.max_body:
            self._drop(self.content_length)
            return
        self.adj = copy.copy(self.adj)
        self.adj.max_request_body_size = entry.max_body + 1
        self.spool = self.body_rcv.buf = Spool(self.adj.inbuf_overflow, self._channel.server.terms.spool_folder)

    def _drop(self, length: int) -> None:
        if self.body_rcv is not None:
            self.body_rcv.getbuf().close()
        self.body_rcv, self.content_length, self.expect_continue = None, 0, False
        self.dropped = self.connection_close = self._channel.dropping = True
        # The app sees how long it is, and that nothing follows.
        self.headers |= {"CONTENT_LENGTH": str(length), "CONNECTION": "close"}

    def _environ(self) -> Environ:
        plain = {"CONTENT_LENGTH", "CONTENT_TYPE"}
        headers = {name if name in plain else f"HTTP_{name}": value for name, value in self.headers.items()}
        return {
            **headers,
            "REQUEST_METHOD": self.command.upper(),
            "PATH_INFO": self.path,
            "QUERY_STRING": self.query,
            "SCRIPT_NAME": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
        }


class Task(WSGITask):  # type: ignore[misc]
    """Tells the app what happened to its request's body."""

    def get_environment(self) -> dict[str, Any]:
        """The request as the app gets it."""
        environ: dict[str, Any] = super().get_environment()
        spool = self.request.spool
        return environ if spool is None or spool.failed is None else {**environ, OUT_OF_SPACE: spool.failed}


class Channel(HTTPChannel):  # type: ignore[misc]
    """Waitress's channel, with what is known about its pace.

    Args:
        server: the :class:`~afterframe.web.connections.listener.Listener` that accepted it.
    """

    task_class = Task

    def __init__(self, server: Any, *connection: Any, **more: Any) -> None:
        self.clock = server.terms.clock
        self.waiting_since = self.heard_at = self.sent_at = self.clock()
        self.dropping = False
        """The rest of a body is not read: what comes now is no request."""
        self._linger_until: float | None = None
        super().__init__(server, *connection, **more)

    def parser_class(self, _adj: Any) -> Parser:
        """The parser of the next request."""
        return Parser(self)

    @property
    def waiting(self) -> bool:
        """Whether it has no whole request: nobody is working for it."""
        return not self.requests and not self.total_outbufs_len

    def is_late(self) -> bool:
        """Whether it has taken longer than a connection may."""
        now: float = self.clock()
        if self._linger_until is not None:
            return now > self._linger_until
        if self.total_outbufs_len and now - max(self.sent_at, self.waiting_since) > UNREAD_S:
            return True
        if not self.waiting:
            return False
        request = self.request
        if request is not None and not request.headers_finished and now - request.began > HEADERS_S:
            return True
        return now - self.idle_since > IDLE_S

    def received(self, data: bytes) -> bool:
        """Take bytes from the connection."""
        if self.dropping:
            return False
        self.heard_at = self.clock()
        return bool(super().received(data))

    @property
    def idle_since(self) -> float:
        """When it was last heard of, or answered."""
        since: float = max(self.heard_at, self.waiting_since)
        return since

    def send(self, data: bytes, do_close: bool = True) -> int:  # noqa: FBT001, FBT002 - waitress's
        """Send bytes; how many were taken."""
        sent = int(super().send(data, do_close))
        if sent:
            self.sent_at = self.clock()
        return sent

    def service(self) -> None:
        """Answer a request; called in a thread of its lane."""
        super().service()
        self.waiting_since = self.clock()

    def readable(self) -> bool:
        """Whether bytes are wanted.

        While a request is answered only of a stream's reader, to notice its end: whoever has said all may close its
        side of the connection, and still wants the answer.
        """
        if self._linger_until is not None:
            return True
        answering = next(iter(self.requests), None)
        if answering is not None and answering.lane is not Lane.STREAMS:
            return False
        return bool(super().readable())

    def writable(self) -> bool:
        """Whether there is something to send, or to close."""
        return bool(self.will_close if self._linger_until is not None else super().writable())

    def handle_read(self) -> None:
        """Bytes are there."""
        if self._linger_until is None:
            super().handle_read()
        else:
            self.recv(self.adj.recv_bytes)

    def handle_write(self) -> None:
        """Send, or close."""
        if self._linger_until is None:
            super().handle_write()
        else:
            self.close_now()

    def handle_close(self) -> None:
        """Close: after a refusal by headers only half, until the sender is done or its time is up."""
        if not self.dropping or self._linger_until is not None or not self.connected:
            self.close_now()
            return
        self._linger_until, self.will_close, self.close_when_flushed = self.clock() + LINGER_S, False, False
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.close_now()

    def close_now(self) -> None:
        """Close it whole."""
        super().handle_close()
