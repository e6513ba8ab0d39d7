"""A damaged state file is told with the remedy that helps, wherever it is met."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from afterframe.errors import AfterframeError, StateDamaged
from afterframe.state.catalog import Catalog
from afterframe.state.damage import explained
from afterframe.state.database import Database
from afterframe.state.queue import Queue
from factories import make_clip, make_job, make_photo


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A state file with a clip and a job, closed."""
    with closing(Database(tmp_path / "state.db")) as database:
        catalog = Catalog(database)
        for number in range(200):
            make_photo(catalog, f"/photos/{number}.jpg")
        catalog.put_clip(make_clip(make_photo(catalog)))
        make_job(Queue(database), catalog)
        database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return tmp_path / "state.db"


def test_a_sound_file_has_no_damage(file: Path) -> None:
    with closing(Database(file)) as database:
        database.look_for_damage()
        assert database.damage is None


def used(file: Path) -> None:
    """What a daemon does with its state file."""
    with closing(Database(file)) as database:
        database.look_for_damage()
        if database.damage:
            raise database.damage
        catalog, queue = Catalog(database), Queue(database)
        photo = catalog.photo_at(Path("/photos/DSC_0042.jpg"))
        assert photo is not None
        catalog.clips_of(photo.id)
        queue.page()
        queue.claim("somebody")


@pytest.mark.parametrize("seed", range(20))
def test_whatever_bytes_are_flipped_the_remedy_is_rebuild_or_nothing_is_wrong(file: Path, seed: int) -> None:
    chance, data = random.Random(seed), bytearray(file.read_bytes())
    for _ in range(40):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    file.write_bytes(data)
    try:
        used(file)
    except sqlite3.Error as error:
        told: AfterframeError = explained(error, file)
    except StateDamaged as error:
        told = error
    else:
        return
    assert told.error_code == "state_damaged"
    assert "rebuild" in told.hint


RUINED: dict[str, Callable[[bytes], bytes]] = {
    "halved": lambda data: data[: len(data) // 2],
    "a hundred bytes": lambda data: data[:100],
    "another header": lambda data: b"SQLite format 4\0" + data[16:],
    "text": lambda data: b"Dear diary, this is no database.\n" * 400,
    "zeroed pages": lambda data: data[:4096] + bytes(len(data) - 4096),
    "nothing but zeros": lambda data: bytes(len(data)),
}


@pytest.mark.parametrize("ruin", RUINED.values(), ids=RUINED)
def test_a_ruined_file_is_told_with_its_remedy(file: Path, ruin: Callable[[bytes], bytes]) -> None:
    file.write_bytes(ruin(file.read_bytes()))
    try:
        used(file)
    except sqlite3.Error as error:
        told: AfterframeError = explained(error, file)
    except StateDamaged as error:
        told = error
    assert told.error_code == "state_damaged"
    assert "rebuild" in told.hint


def test_an_empty_file_is_a_new_one(file: Path) -> None:
    file.write_bytes(b"")
    with closing(Database(file)) as database:
        database.look_for_damage()
        assert database.damage is None
        assert Queue(database).page()[0] == []


Spoil = Callable[[sqlite3.Connection], object]
SPOILT: dict[str, Spoil] = {
    "a column has another name": lambda state: state.execute("ALTER TABLE clips RENAME COLUMN recipe TO recipf"),
    "a table is gone": lambda state: state.execute("DROP TABLE ingested"),
    "a recipe is cut short": lambda state: state.execute("UPDATE clips SET recipe = '{'"),
    "a recipe is no recipe": lambda state: state.execute("UPDATE jobs SET recipe = '[1]'"),
    "a verdict is no word of ours": lambda state: state.execute("UPDATE clips SET verdict = 'splendid'"),
    "a text is no text": lambda state: state.execute("UPDATE clips SET generator = CAST(x'ff' AS TEXT)"),
    "facts are none": lambda state: state.execute("UPDATE photos SET facts = 'x'"),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_what_does_not_fit_is_damage_and_no_mistake_of_ours(file: Path, spoil: Spoil) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as state:
        state.execute("PRAGMA ignore_check_constraints = ON")
        spoil(state)
    with closing(Database(file)) as database:
        catalog = Catalog(database)
        with pytest.raises((sqlite3.Error, StateDamaged)) as caught:
            Queue(database).page()
            photo = catalog.photo_at(Path("/photos/DSC_0042.jpg"))
            assert photo is not None
            catalog.clips_of(photo.id)
            catalog.mark_auto_animated(Path("/photos/new.jpg"), "a" * 64)
        if isinstance(caught.value, sqlite3.Error):
            database.note(caught.value)
            assert database.damage is not None
            assert str(file) in database.damage.message


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (sqlite3.SQLITE_FULL, "Free some space"),
        (sqlite3.SQLITE_BUSY, "close the program"),
        (sqlite3.SQLITE_IOERR, "Check the disk"),
        (sqlite3.SQLITE_READONLY, "permissions"),
        (sqlite3.SQLITE_CANTOPEN, "permissions"),
    ],
)
def test_what_is_wrong_around_the_file_is_no_damage(tmp_path: Path, code: int, remedy: str) -> None:
    error = sqlite3.OperationalError("so it is")
    error.sqlite_errorcode = code
    told = explained(error, tmp_path / "state.db")
    assert told.error_code == "state_unusable"
    assert remedy in told.hint
