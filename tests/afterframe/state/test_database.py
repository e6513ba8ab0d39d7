from __future__ import annotations

import sqlite3
import stat
import threading

import pytest

from afterframe.state import database as module
from afterframe.state.database import Database


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    with pytest.raises(ValueError, match="no"), database.transaction() as connection:
        connection.execute("INSERT INTO settings VALUES ('a', '1')")
        raise ValueError("no")
    assert database.connection.execute("SELECT COUNT(*) FROM settings WHERE name = 'a'").fetchone()[0] == 0


def test_an_inner_transaction_shares_the_outer_ones_fate(database: Database) -> None:
    with pytest.raises(ValueError, match="no"), database.transaction():
        with database.transaction() as connection:
            connection.execute("INSERT INTO settings VALUES ('a', '1')")
        raise ValueError("no")
    assert database.connection.execute("SELECT COUNT(*) FROM settings WHERE name = 'a'").fetchone()[0] == 0


def test_what_was_committed_is_there_when_the_file_is_opened_again(database: Database) -> None:
    database.emit("test", {"n": 1}, at=5.0)
    again = Database(database.path)
    assert again.events_since(0) == [{"cursor": 1, "at": 5.0, "kind": "test", "n": 1}]
    again.close()


def test_nobody_else_can_read_it(database: Database) -> None:
    database.emit("test", {}, at=5.0)
    files = list(database.path.parent.glob(f"{database.path.name}*"))
    assert len(files) > 1
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_each_thread_has_its_own_connection(database: Database) -> None:
    seen: list[sqlite3.Connection] = []
    thread = threading.Thread(target=lambda: seen.append(database.connection))
    thread.start()
    thread.join()
    assert seen[0] is not database.connection


def test_the_connections_of_threads_that_have_ended_are_closed(database: Database) -> None:
    seen: list[sqlite3.Connection] = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: seen.append(database.connection))
        thread.start()
        thread.join()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        seen[0].execute("SELECT 1")
    assert seen[1].execute("SELECT 1").fetchone()[0] == 1


def test_a_commit_that_fails_is_rolled_back(database: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError), database.transaction() as connection:
        connection.execute("PRAGMA defer_foreign_keys = ON")
        connection.execute("INSERT INTO clip_keys VALUES (1, '', '', '', '', '', '', '', '')")
    assert not database.connection.in_transaction
    database.emit("test", {}, at=5.0)
    again = Database(database.path)
    assert again.last_cursor() == 1
    again.close()


def test_a_full_disk_is_told_as_such_and_the_next_transaction_is_whole(database: Database) -> None:
    pages = database.connection.execute("PRAGMA page_count").fetchone()[0]
    database.connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        database.emit("test", {"long": "x" * 1_000_000}, at=5.0)
    assert not database.connection.in_transaction
    database.connection.execute("PRAGMA max_page_count = 1000000")
    database.emit("test", {}, at=6.0)
    assert [event["at"] for event in database.events_since(0)] == [6.0]


def test_commits_survive_power_loss(database: Database) -> None:
    assert database.connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert database.connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_events_follow_a_cursor_and_old_ones_go(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVENTS_KEPT", 3)
    for n in range(6):
        database.emit("test", {"n": n}, at=n)
    assert [event["n"] for event in database.events_since(0)] == [3, 4, 5]
    assert [event["n"] for event in database.events_since(5)] == [5]
    assert database.last_cursor() == 6
