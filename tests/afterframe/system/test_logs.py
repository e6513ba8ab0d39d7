from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from afterframe.system.logs import FORMAT, OneLineFormatter, SharedLog
from afterframe.system.printable import printable

Process = Callable[[], logging.Logger]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """Makes what another process would have: a logger and a handler of its own, on the same file."""
    made: list[logging.Handler] = []

    def make() -> logging.Logger:
        handler = SharedLog(tmp_path / "a.log", largest=2000)
        handler.setFormatter(OneLineFormatter(FORMAT))
        made.append(handler)
        logger = logging.Logger("afterframe.of.a.process")
        logger.addHandler(handler)
        return logger

    yield make
    for handler in made:
        handler.close()


NAMES = ["a\nINFO forged", "a\r\x1b[2J\x1b]52;c;aGk=\x07", "a\u2028b\u202ec", "a\udcffb", "a\x0b\x0c\x85b"]


@pytest.mark.parametrize("name", NAMES)
def test_a_files_name_neither_forges_a_line_nor_steers_a_terminal(process: Process, tmp_path: Path, name: str) -> None:
    log = process()
    log.warning("%s: refused", name)
    try:
        raise ValueError(name)
    except ValueError:
        log.exception("%s", Path(name))
    text = (tmp_path / "a.log").read_text("utf-8")
    lines = text.splitlines()
    assert [line for line in lines if not line.startswith("    ")] == [line for line in lines if "of.a.process" in line]
    assert len([line for line in lines if "of.a.process" in line]) == 2
    assert all(line.isprintable() for line in lines)


def test_what_prints_is_shown_as_it_is() -> None:
    assert printable("Käthe ☀ 朝 “a b”.jpg") == "Käthe ☀ 朝 “a b”.jpg"
    assert printable("a\nb\x1b\u202e\U000e0001") == "a\\x0ab\\x1b\\u202e\\U000e0001"


def test_processes_share_a_log_that_stays_small_and_each_line_is_whole(process: Process, tmp_path: Path) -> None:
    first, second = process(), process()
    for number in range(200):
        (first if number % 3 else second).warning("line %03d", number)
    files = sorted(tmp_path.glob("a.log*"))
    assert [file.name for file in files] == ["a.log", "a.log.1", "a.log.2"]
    assert all(file.stat().st_size <= 2000 for file in files)
    said = [line[-3:] for file in reversed(files) for line in file.read_text("utf-8").splitlines()]
    assert said == [f"{number:03}" for number in range(200 - len(said), 200)]


def test_a_log_that_was_taken_away_is_begun_again(process: Process, tmp_path: Path) -> None:
    log = process()
    log.warning("before")
    (tmp_path / "a.log").rename(tmp_path / "moved.log")
    log.warning("after")
    assert "after" in (tmp_path / "a.log").read_text("utf-8")


def test_what_cannot_be_logged_is_lost_and_nobody_fails(
    process: Process, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.log").mkdir()
    process().warning("not told")
    assert capfd.readouterr() == ("", "")
