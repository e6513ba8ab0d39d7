"""A transaction of SQLite, as the whole state uses it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing. An inner transaction joins the outer one."""
    if connection.in_transaction:
        yield connection
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")  # on a full disk, say, this fails and leaves the transaction open
    except BaseException:
        with suppress(sqlite3.OperationalError):  # SQLite itself has rolled back after some errors
            connection.execute("ROLLBACK")
        raise
