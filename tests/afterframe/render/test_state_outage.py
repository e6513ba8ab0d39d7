from __future__ import annotations

import sqlite3
import threading

import pytest

from afterframe.errors import Cancelled
from afterframe.render.state_outage import OutageLog, is_outage, retry_through_outage
from afterframe.state.database import Database
from fakes import OtherProcess


class Stopping(threading.Event):
    """Told to stop, or at each wait something happens."""

    def __init__(self, other: OtherProcess) -> None:
        super().__init__()
        self._other = other
        self.waits = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.waits += 1
        if self.waits == 3:
            self._other.unlock()
        return self.is_set()


@pytest.fixture
def stopping(other_process: OtherProcess) -> Stopping:
    return Stopping(other_process)


def test_a_step_is_taken_again_until_the_outage_is_over(
    database: Database, other_process: OtherProcess, stopping: Stopping, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    other_process.lock()
    retry_through_outage(lambda: database.emit("test", {}, at=5.0), stopping, OutageLog("daemon-1-aa/0"))
    assert stopping.waits == 3
    assert [event["at"] for event in database.events_since(0)] == [5.0]
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_who_is_told_to_stop_does_not_wait_for_the_end_of_an_outage(
    database: Database, other_process: OtherProcess, stopping: Stopping
) -> None:
    other_process.lock()
    stopping.set()
    with pytest.raises(Cancelled):
        retry_through_outage(lambda: database.emit("test", {}, at=5.0), stopping, OutageLog("daemon-1-aa/0"))
    assert stopping.waits == 1


def test_a_mistake_of_ours_is_no_outage(database: Database, stopping: Stopping) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table") as caught:
        retry_through_outage(
            lambda: database.connection.execute("SELECT * FROM no_table"), stopping, OutageLog("daemon-1-aa/0")
        )
    assert not is_outage(caught.value)
    assert stopping.waits == 0
