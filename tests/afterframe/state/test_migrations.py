from __future__ import annotations

import errno
import os
import re
import sqlite3
import stat
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from afterframe.errors import NewerState
from afterframe.state import database as module
from afterframe.state import search_keys
from afterframe.state.database import Database
from afterframe.state.migrations import Migration, copies_of, migrate, migrations
from afterframe.state.search_keys import KeyKind, SearchKeys

VERSION_0_1_0 = Path(__file__).parents[1] / "version_0_1_0" / "state.sql"
OLDER = 2
"""How many steps there were before lists had keys."""


def know(monkeypatch: pytest.MonkeyPatch, *steps: Migration) -> None:
    """Let the program know these steps only."""
    monkeypatch.setattr(module, "migrations", lambda: steps)


def raw(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(sql).fetchall()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def older(file: Path) -> Path:
    """A file of a version that had no lists yet, with a clip, a failed render and a finished one."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for step in migrations()[:OLDER]:
            connection.executescript(step.sql)
        connection.executescript(
            f"""PRAGMA user_version = {OLDER};
            INSERT INTO photos (id, path, size, mtime_ns, sha256, facts, seen_at)
              VALUES (1, '/photos/a.jpg', 1, 1, 'a', '{{"lens": "85mm"}}', 1);
            INSERT INTO clips (id, photo_id, photo_sha256, path, sidecar_path, sha256, recipe, generator,
                               generator_version, variant, duration_s, created_at)
              VALUES ('x', 1, 'a', '/photos/a.mp4', '/photos/a.mp4.xmp', 'b', '{{"prompt": "Waves"}}', 'parallax',
                      '1', 1, 1, 1);
            INSERT INTO jobs (id, photo_id, photo_sha256, recipe, recipe_hash, seed, generator, origin, state, place,
                              created_at, updated_at)
              VALUES ('one', 1, 'a', '{{"prompt": "Waves"}}', '', 1, 'parallax', 'watch', 'failed', 1, 1, 1),
                     ('two', 1, 'a', '{{"prompt": "Waves"}}', '', 1, 'parallax', 'watch', 'done', 2, 1, 1);"""
        )
    return file


def test_a_step_that_fails_leaves_the_file_as_the_step_before_left_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Migration("98_whole", "CREATE TABLE whole (a);")
    broken = Migration("99_broken", "CREATE TABLE half (a);\nINSERT INTO nowhere VALUES (1);")
    Database(file).close()
    know(monkeypatch, *migrations(), whole, broken)
    with pytest.raises(sqlite3.OperationalError):
        Database(file)
    assert raw(file, "SELECT name FROM sqlite_master WHERE name IN ('whole', 'half')") == [("whole",)]
    know(monkeypatch, *migrations(), whole)
    Database(file).close()


def test_a_step_that_would_orphan_rows_is_undone(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, *migrations(), Migration("99_careless", "DELETE FROM photos;"))
    with pytest.raises(sqlite3.IntegrityError, match="99_careless"):
        Database(older)
    assert raw(older, "SELECT COUNT(*) FROM photos") == [(1,)]


def test_every_step_is_recorded_with_its_time(file: Path) -> None:
    Database(file).close()
    found = raw(file, "SELECT name, applied_at > 1700000000 FROM migrations ORDER BY name")
    assert found == [(step.name, 1) for step in migrations()]


def test_steps_that_were_only_counted_are_known_and_not_done_again(older: Path) -> None:
    Database(older).close()
    found = raw(older, "SELECT name, applied_at IS NULL FROM migrations ORDER BY name")
    assert found == [(step.name, int(index < OLDER)) for index, step in enumerate(migrations())]


def test_a_file_that_had_every_step_is_opened_without_writing(file: Path) -> None:
    Database(file).close()
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        Database(file).close()


@pytest.mark.parametrize(
    "newer", ["INSERT INTO migrations VALUES ('99_of_tomorrow', 1)", "PRAGMA user_version = 99"], ids=["name", "count"]
)
def test_a_file_of_a_newer_version_is_refused_and_left_alone(file: Path, newer: str) -> None:
    Database(file).close()
    raw(file, newer)
    before = file.read_bytes()
    with pytest.raises(NewerState, match=re.escape(str(file))) as refused:
        Database(file)
    assert "Update Afterframe" in refused.value.hint
    assert "afterframe rebuild" in refused.value.hint
    assert file.read_bytes() == before


def test_a_newer_file_whose_steps_were_only_counted_is_refused_too(older: Path) -> None:
    raw(older, "PRAGMA user_version = 99")
    with pytest.raises(NewerState):
        Database(older)


def test_an_older_file_gets_the_tables_of_a_new_one(file: Path, tmp_path: Path) -> None:
    before = tmp_path / "before.db"
    with closing(sqlite3.connect(before)) as connection:
        connection.executescript(VERSION_0_1_0.read_text("utf-8"))
    for path in (file, before):
        Database(path).close()
    assert schema(before) == schema(file)


def test_what_refers_to_a_render_outlives_the_steps(older: Path) -> None:
    raw(older, "INSERT INTO intents VALUES ('one', '/photos/a_motion.mp4', '{}')")
    raw(older, "UPDATE sqlite_sequence SET seq = 41 WHERE name = 'jobs'")
    database = Database(older)
    connection = database.connection
    assert connection.execute("SELECT job_id FROM intents").fetchone()[0] == "one"
    assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    assert connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'").fetchone()[0] == 41
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("DELETE FROM jobs WHERE id = 'one'")
    connection.execute("DELETE FROM intents")
    connection.execute("DELETE FROM jobs WHERE id = 'one'")
    assert connection.execute("SELECT COUNT(*) FROM render_keys").fetchone()[0] == 0
    database.close()


def test_photos_that_waited_and_renders_without_words_keep_their_flags(older: Path) -> None:
    raw(
        older,
        """INSERT INTO photos (id, path, size, mtime_ns, problem, seen_at) VALUES
             (2, '/photos/held.jpg', 1, 1, '{"code": "waiting", "message": "It waits.", "hint": ""}', 1),
             (3, '/photos/broken.jpg', 1, 1, '{"code": "truncated", "message": "It ends.", "hint": ""}', 1)""",
    )
    raw(
        older,
        """UPDATE jobs SET recipe = json_set(recipe, '$.because', json_object('prompt', json_array(
             'nothing was written about this photo, so it only says how it moves', 'the look'))) WHERE id = 'one'""",
    )
    Database(older).close()
    assert raw(older, "SELECT path FROM photos WHERE on_hold") == [("/photos/held.jpg",)]
    assert raw(older, "SELECT path FROM photos WHERE problem IS NOT NULL") == [("/photos/broken.jpg",)]
    assert raw(older, "SELECT id FROM jobs WHERE needs_description") == [("one",)]


def schema(path: Path) -> list[tuple[str, str]]:
    """Every table and index: its name, and its SQL without comments and line breaks."""
    found = raw(path, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
    return [(str(name), re.sub(r"\s+", "", re.sub(r"--.*", "", str(sql)))) for name, sql in found]


def test_clips_and_renders_of_an_older_file_have_their_keys(older: Path) -> None:
    Database(older).close()
    for table in ("clip_keys", "render_keys"):
        found = raw(older, f"SELECT seq, folder, lens, words FROM {table}")
        assert found == [(1, "/photos", "85mm", "waves a.jpg")]


@dataclass(frozen=True)
class MoreKeys(SearchKeys):
    aperture: str = field(default="", metadata={"kind": KeyKind.SHARED})


def with_a_new_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program of tomorrow."""
    today, count = search_keys.search_keys, len(SearchKeys.kinds())
    monkeypatch.setattr(search_keys, "SearchKeys", MoreKeys)
    monkeypatch.setattr(search_keys, "search_keys", lambda *of: MoreKeys(*today(*of).values()[:count], "f/2"))


def test_a_new_key_needs_no_step(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_a_new_key(monkeypatch)
    for _ in ("a file without keys", "again"):
        Database(older).close()
        assert raw(older, "SELECT lens, aperture FROM clip_keys") == [("85mm", "f/2")]
        assert raw(older, "SELECT lens, aperture FROM render_keys") == [("85mm", "f/2")]


def test_a_new_key_is_filled_in_where_keys_were_kept_before(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Database(older).close()
    with_a_new_key(monkeypatch)
    Database(older).close()
    assert raw(older, "SELECT lens, aperture FROM clip_keys") == [("85mm", "f/2")]
    monkeypatch.undo()
    Database(older).close()
    assert raw(older, "SELECT * FROM clip_keys")[0][-1] == "waves a.jpg"


def test_keys_that_are_computed_in_another_way_are_computed_again(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Database(older).close()
    raw(older, "UPDATE clip_keys SET lens = 'as it was'")
    Database(older).close()
    assert raw(older, "SELECT lens FROM clip_keys") == [("as it was",)]
    monkeypatch.setattr(search_keys, "REVISION", search_keys.REVISION + 1)
    Database(older).close()
    assert raw(older, "SELECT lens FROM clip_keys") == [("85mm",)]


def test_a_file_of_an_earlier_version_is_kept_as_it_was_and_a_new_one_is_not(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    with closing(open_state(file)) as connection:
        migrate(connection, file, migrations()[:3], now=1.0)
        assert copies_of(file) == []
        connection.execute("INSERT INTO settings VALUES ('before', '1')")
        migrate(connection, file, migrations(), now=2.0)
        migrate(connection, file, migrations(), now=3.0)
    (copy,) = copies_of(file)
    assert copy.name == "state-before-04_measures.db"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as before:
        assert before.execute("PRAGMA user_version").fetchone()[0] == 3
        assert before.execute("SELECT value FROM settings WHERE name = 'before'").fetchone()[0] == "1"
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix not in ("-wal", "-shm")) == [
        *(copy.name, "state.db")
    ]


def test_few_copies_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    with closing(open_state(file)) as connection:
        for count in range(1, 6):
            migrate(connection, file, migrations()[:count], now=1.0)
            for age, copy in enumerate(reversed(copies_of(file))):
                os.utime(copy, (1000 - age, 1000 - age))
    assert [copy.name for copy in copies_of(file)] == ["state-before-04_measures.db", "state-before-05_page_indexes.db"]


def test_a_file_that_cannot_be_copied_is_not_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "state.db"

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with closing(open_state(file)) as connection:
        migrate(connection, file, migrations()[:3], now=1.0)
        monkeypatch.setattr("afterframe.state.migrations.os.open", full)
        with pytest.raises(OSError, match="space"):
            migrate(connection, file, migrations(), now=2.0)
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 3


def open_state(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, isolation_level=None)
