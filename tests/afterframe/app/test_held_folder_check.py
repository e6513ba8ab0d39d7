from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from afterframe.app import held_folder_check
from afterframe.app.held_folder_check import FORGOTTEN_S, BackgroundProbes, HeldFolderCheck
from afterframe.domain import Failure
from afterframe.publish import folder_check
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.held_folders import HeldFolder, HeldFolders
from afterframe.state.queue import Queue
from factories import Clock, make_job

CLOSED = Failure("no_permission", "The folder cannot be read.", "Give yourself permission to read it.")
AWAY = Failure("folder_missing", "The folder is not there.", "Connect its drive.")


class Look:
    def __init__(self, database: Database, folder: Path, clock: Clock) -> None:
        self.folder, self.clock = folder, clock
        self.held = HeldFolders(database, clock)
        self.back: list[Path] = []
        self.check = HeldFolderCheck(self.held, self.back.append, clock, clock)

    def after(self, seconds: float) -> list[Path]:
        """The folders that are held once the check has looked again."""
        self.clock.forward(seconds)
        self.check.look()
        return [folder.path for folder in self.held.all()]


@pytest.fixture
def look(database: Database, tmp_path: Path, clock: Clock) -> Look:
    folder = tmp_path / "drive"
    folder.mkdir()
    return Look(database, folder, clock)


def test_a_folder_that_is_back_is_released_and_looked_through(look: Look) -> None:
    look.held.hold(look.folder, AWAY)
    assert look.after(0) == [look.folder]  # an empty one may be where the drive was mounted
    (look.folder / "a.jpg").touch()
    assert look.after(5) == []
    assert look.back == [look.folder]


def test_one_that_could_not_be_read_is_released_once_it_can_be_whether_it_can_be_written_or_not(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    (look.folder / "a.jpg").touch()
    look.held.hold(look.folder, CLOSED)
    with monkeypatch.context() as closed:
        closed.setattr(os, "scandir", refused)
        assert look.after(5) == [look.folder]
    monkeypatch.setattr(folder_check, "write_synced", refused)
    assert look.after(5) == []
    assert look.back == [look.folder]


def refused(path: Path, *_: object) -> None:
    raise PermissionError(errno.EACCES, "Permission denied", str(path))


def test_one_that_is_held_again_and_again_is_looked_at_later_and_later(look: Look) -> None:
    (look.folder / "a.jpg").touch()
    waits = []
    for _ in range(9):
        look.held.hold(look.folder, AWAY)
        waited = 0
        while look.after(0):
            look.clock.forward(5)
            waited += 5
        waits.append(waited)
    assert waits == [0, 5, 10, 20, 40, 80, 160, 300, 300]


def test_one_that_nothing_waits_for_is_forgotten_in_time(look: Look, queue: Queue, catalog: Catalog) -> None:
    job = make_job(queue, catalog, look.folder / "a.jpg")
    look.held.hold(look.folder, AWAY)
    assert look.after(FORGOTTEN_S + 1) == [look.folder]
    queue.cancel(job.id)
    assert look.after(5) == []


def test_a_folder_that_does_not_answer_holds_up_no_other(
    look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answered = threading.Event(), threading.Event()

    def hang(folder: HeldFolder) -> bool:
        if folder.path == look.folder:
            asked.set()
            answered.wait()
        return True

    monkeypatch.setattr(held_folder_check, "is_usable", hang)
    other = tmp_path / "other"
    check = HeldFolderCheck(look.held, look.back.append, look.clock, look.clock, BackgroundProbes())
    look.held.hold(look.folder, AWAY)
    look.held.hold(other, AWAY)
    try:
        while look.back != [other]:
            check.look()
        assert asked.is_set()
        assert [folder.path for folder in look.held.all()] == [look.folder]
    finally:
        answered.set()
    while look.held.all():
        check.look()
    assert look.back == [other, look.folder]
