"""What stands at a cluster's address: a head's first words, or something else's."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

HEAD = bytes((0, 0, 6, 4, 0, 0, 0, 0, 0)) + bytes(6)
"""SETTINGS with one setting: the first frame of every server of HTTP/2 (RFC 9113, section 3.4)."""


@contextmanager
def listening(says: bytes | None) -> Iterator[str]:
    """The address of something that says the same to everybody who says something; None: it says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = threading.Event()

        def answer() -> None:
            while not ended.is_set():
                connection, _ = server.accept()
                with connection:
                    connection.settimeout(1.0)
                    try:
                        if says is not None and connection.recv(64):
                            connection.sendall(says)
                        connection.recv(64)
                    except OSError:
                        continue

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        ended.set()
        with socket.create_connection(server.getsockname()) as last:
            last.sendall(b"the end")
        thread.join()
