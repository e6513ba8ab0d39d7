from __future__ import annotations

import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from afterframe.state import database as module
from afterframe.state.database import Database


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    with pytest.raises(ValueError, match="no"), database.transaction() as connection:
        connection.execute("INSERT INTO settings VALUES ('a', '1')")
        raise ValueError("no")
    assert database.connection.execute("SELECT COUNT(*) FROM settings").fetchone()[0] == 0


def test_an_inner_transaction_shares_the_outer_ones_fate(database: Database) -> None:
    with pytest.raises(ValueError, match="no"), database.transaction():
        with database.transaction() as connection:
            connection.execute("INSERT INTO settings VALUES ('a', '1')")
        raise ValueError("no")
    assert database.connection.execute("SELECT COUNT(*) FROM settings").fetchone()[0] == 0


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


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Database(tmp_path / "a.db").close()

    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE half (a)")
        raise sqlite3.OperationalError("broken step")

    monkeypatch.setattr(module, "MIGRATIONS", (*module.MIGRATIONS, ("broken", broken)))
    with pytest.raises(sqlite3.OperationalError):
        Database(tmp_path / "a.db")
    monkeypatch.undo()
    database = Database(tmp_path / "a.db")
    assert database.connection.execute("SELECT name FROM sqlite_master WHERE name = 'half'").fetchone() is None
    database.close()


def test_renders_of_an_older_file_are_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [name for name, _ in module.MIGRATIONS]
    monkeypatch.setattr(module, "MIGRATIONS", module.MIGRATIONS[: names.index("unfinished")])
    older = Database(tmp_path / "a.db")
    with older.transaction() as connection:
        connection.execute(
            """INSERT INTO photos (id, path, size, mtime_ns, sha256, facts, seen_at)
               VALUES (1, '/photos/a.jpg', 1, 1, 'a', '{"lens": "85mm"}', 1)"""
        )
        connection.executemany(
            """INSERT INTO jobs (id, photo_id, photo_sha256, recipe, recipe_hash, seed, generator, origin, state,
                                 place, created_at, updated_at)
               VALUES (?, 1, 'a', '{"prompt": "Waves"}', '', 1, 'parallax', 'watch', ?, 1, 1, 1)""",
            [("one", "failed"), ("two", "done")],
        )
    older.close()
    monkeypatch.undo()
    database = Database(tmp_path / "a.db")
    rows = database.connection.execute("SELECT seq, folder, lens, words FROM render_keys").fetchall()
    assert [tuple(row) for row in rows] == [(1, "/photos", "85mm", "waves a.jpg")]
    database.close()
