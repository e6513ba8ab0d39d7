from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList
from afterframe.state.idempotency import IdempotencyStore
from afterframe.state.queue import Queue
from factories import Clock
from fakes import OtherProcess


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "state.db")
    yield database
    database.close()


@pytest.fixture
def catalog(database: Database, clock: Clock) -> Catalog:
    return Catalog(database, clock)


@pytest.fixture
def folders(database: Database, clock: Clock) -> FolderList:
    return FolderList(database, clock)


@pytest.fixture
def answers(database: Database, clock: Clock) -> IdempotencyStore:
    return IdempotencyStore(database, clock)


@pytest.fixture
def queue(database: Database, clock: Clock) -> Queue:
    return Queue(database, clock)


@pytest.fixture
def other_process(database: Database) -> Iterator[OtherProcess]:
    other = OtherProcess(database)
    yield other
    other.close()
