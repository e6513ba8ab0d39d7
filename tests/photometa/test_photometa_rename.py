"""Renames that hide nothing: to a free name, exchanged, and a replacement that finds out the last writer."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from photometa import atomic, rename
from photometa.atomic import replace_exactly
from photometa.rename import exchange, move_to_free_name
from photometa.sidecar import BACKUP_DAYS, prune_backups, read_sidecar, write_sidecar


def unsupported(*_: Any) -> bool:
    return False


def no_links(*_: Any) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


@pytest.fixture(params=["exclusive rename", "hard link", "placeholder"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the file system offers."""
    if request.param != "exclusive rename":
        monkeypatch.setattr(rename, "_rename", unsupported)
    if request.param == "placeholder":
        monkeypatch.setattr(os, "link", no_links)
    return str(request.param)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    source, target = tmp_path / "new ünï.mp4", tmp_path / "clip.mp4"
    source.write_bytes(b"new")
    return source, target


@pytest.mark.usefixtures("way")
def test_a_file_moves_to_a_free_name(pair: tuple[Path, Path]) -> None:
    source, target = pair
    move_to_free_name(source, target)
    assert (target.read_bytes(), source.exists()) == (b"new", False)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("standing", ["file", "folder", "broken link"])
def test_a_taken_name_is_left_alone(pair: tuple[Path, Path], standing: str) -> None:
    source, target = pair
    {
        "file": lambda: target.write_bytes(b"theirs"),
        "folder": target.mkdir,
        "broken link": lambda: target.symlink_to("nowhere"),
    }[standing]()
    with pytest.raises(FileExistsError):
        move_to_free_name(source, target)
    assert source.read_bytes() == b"new"
    assert standing != "file" or target.read_bytes() == b"theirs"


def test_a_name_that_is_taken_in_the_last_instant_is_left_alone(
    pair: tuple[Path, Path], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger's file appears between every look and the rename."""
    source, target = pair
    looked = os.path.lexists

    def look(path: Any) -> bool:
        there = looked(path)
        target.write_bytes(b"theirs")
        return there

    monkeypatch.setattr(os.path, "lexists", look)
    if way != "placeholder":
        target.write_bytes(b"theirs")
    with pytest.raises(FileExistsError):
        move_to_free_name(source, target)
    assert target.read_bytes() == b"theirs"


def test_a_placeholder_that_somebody_wrote_into_is_theirs(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = pair
    monkeypatch.setattr(rename, "_rename", unsupported)
    monkeypatch.setattr(os, "link", no_links)
    closed = os.close

    def close(descriptor: int) -> None:
        closed(descriptor)
        target.write_bytes(b"theirs")

    monkeypatch.setattr(os, "close", close)
    with pytest.raises(FileExistsError):
        move_to_free_name(source, target)
    assert target.read_bytes() == b"theirs"


def test_a_failing_rename_leaves_no_placeholder(pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = pair
    monkeypatch.setattr(rename, "_rename", unsupported)
    monkeypatch.setattr(os, "link", no_links)
    source.unlink()
    with pytest.raises(FileNotFoundError):
        move_to_free_name(source, target)
    assert not target.exists()


def exchanges(tmp_path: Path) -> bool:
    one, other = tmp_path / "one", tmp_path / "other"
    one.touch()
    other.touch()
    return exchange(one, other)


def test_two_files_change_places(tmp_path: Path) -> None:
    one, other = tmp_path / "a", tmp_path / "b"
    one.write_bytes(b"1")
    other.write_bytes(b"2")
    done = exchange(one, other)
    assert (one.read_bytes(), other.read_bytes()) == ((b"2", b"1") if done else (b"1", b"2"))


Write = Callable[[Path], None]


def renamed_over(path: Path) -> None:
    theirs = path.with_name("theirs.tmp")
    theirs.write_bytes(b"theirs")
    theirs.replace(path)


def written_in_place(path: Path) -> None:
    path.write_bytes(b"theirs")


@pytest.mark.parametrize("write", [renamed_over, written_in_place])
def test_a_writer_in_the_last_instant_loses_nothing(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They write after the last comparison, right before our rename."""
    if not exchanges(tmp_path):
        pytest.skip("this file system cannot exchange two files")
    target = tmp_path / "clip.mp4.xmp"
    target.write_bytes(b"before")
    swaps = 0

    def late(one: Any, other: Any) -> bool:
        nonlocal swaps
        swaps += 1
        if swaps == 1:
            write(target)
        return exchange(one, other)

    monkeypatch.setattr(atomic, "exchange", late)
    assert not replace_exactly(target, b"before", b"ours")
    assert target.read_bytes() == b"theirs"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4.xmp", "one", "other"]


def test_a_second_writer_while_the_first_is_put_back_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not exchanges(tmp_path):
        pytest.skip("this file system cannot exchange two files")
    target = tmp_path / "clip.mp4.xmp"
    target.write_bytes(b"before")
    texts = iter([b"first", b"second"])

    def late(one: Any, other: Any) -> bool:
        if text := next(texts, None):
            target.write_bytes(text)
        return exchange(one, other)

    monkeypatch.setattr(atomic, "exchange", late)
    assert not replace_exactly(target, b"before", b"ours")
    assert target.read_bytes() == b"second"


def test_without_an_exchange_the_file_is_compared_right_before_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "exchange", unsupported)
    target = tmp_path / "clip.mp4.xmp"
    target.write_bytes(b"before")
    assert not replace_exactly(target, b"something else", b"ours")
    assert replace_exactly(target, b"before", b"ours")
    assert target.read_bytes() == b"ours"


def test_a_verdict_is_merged_into_what_was_written_in_the_last_instant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not exchanges(tmp_path):
        pytest.skip("this file system cannot exchange two files")
    sidecar = tmp_path / "clip.mp4.xmp"
    write_sidecar(sidecar, {"xmp:Rating": "1"})
    other = tmp_path / "theirs.xmp"
    write_sidecar(other, {"xmp:Rating": "4", "dc:format": "video/mp4"})
    theirs = iter([other.read_bytes()])

    def late(one: Any, other: Any) -> bool:
        if text := next(theirs, None):
            sidecar.write_bytes(text)
        return exchange(one, other)

    monkeypatch.setattr(atomic, "exchange", late)
    write_sidecar(sidecar, {"afterframe:verdict": "approved"})
    properties = read_sidecar(sidecar)
    assert (properties["xmp:Rating"], properties["dc:format"]) == ("4", "video/mp4")
    assert properties["afterframe:verdict"] == "approved"


def test_backups_are_bounded_by_age_and_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photometa.sidecar.BACKUPS_KEPT", 3)
    now = 1_800_000_000.0
    for days in (0, 1, 2, 3, BACKUP_DAYS + 1):
        made = tmp_path / f"{days}.bak"
        made.touch()
        os.utime(made, (now - days * 86400 - 60,) * 2)
    (tmp_path / "note.txt").touch()
    prune_backups(tmp_path, lambda: now)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.bak", "1.bak", "2.bak", "note.txt"]
    monkeypatch.setattr("photometa.sidecar.BACKUPS_KEPT", 100)
    os.utime(tmp_path / "1.bak", (now - (BACKUP_DAYS + 1) * 86400,) * 2)
    prune_backups(tmp_path, lambda: now)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.bak", "2.bak", "note.txt"]
