from __future__ import annotations

import errno
import os
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from afterframe.app.animate import find_photos
from afterframe.imaging.decode import SUFFIXES
from afterframe.intake import scan as scan_module
from afterframe.intake.passed_over import reasons
from afterframe.intake.scan import on_network, scan


def test_a_scan_finds_photos_clips_and_our_temporaries_and_skips_the_rest(tmp_path: Path) -> None:
    temporary = ".afterframe-0123456789abcdef0123456789abcdef.mp4"
    wanted = ["a.jpg", "B.JPEG", "deep/er/c.tif", "ünïcode 😀 'x'.png", "line\nbreak.webp"]
    others = ["notes.txt", ".hidden.jpg", ".cache/x.jpg", "Lib.lrdata/p.jpg", "a_motion.mp4", temporary]
    for name in (*wanted, *others):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = scan(tmp_path)
    assert set(found.photos) == {str(tmp_path / name) for name in wanted}
    assert found.clips == {str(tmp_path / "a_motion.mp4")}
    assert found.temporaries == [tmp_path / temporary]


def test_files_that_are_no_photos_are_counted_by_their_suffix(tmp_path: Path) -> None:
    passed = ["a.NEF", "deep/b.nef", "c.psd", "d.gif", "e.mov", "notes.txt", "README"]
    others = [".hidden.nef", "a.jpg", "b_motion.mp4", "a.jpg.xmp", "afterframe.toml", ".cache/x.nef"]
    for name in (*passed, *others):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = scan(tmp_path).passed_over
    assert found == {".nef": 2, ".psd": 1, ".gif": 1, ".mov": 1, ".txt": 1, "": 1}
    told = {reason["kind"]: reason for reason in reasons(found)}
    assert {kind: reason["files"] for kind, reason in told.items()} == {
        "raw": 2,
        "pictures": 2,
        "videos": 1,
        "others": 2,
    }
    assert "export" in told["raw"]["why"]
    assert told["pictures"]["suffixes"] == {".psd": 1, ".gif": 1}


def test_no_suffix_is_both_read_and_passed_over() -> None:
    assert not any(reasons({suffix: 1})[0]["kind"] != "others" for suffix in SUFFIXES)


def test_a_scan_does_not_follow_links_in_circles(tmp_path: Path) -> None:
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "a.jpg").touch()
    assert set(scan(tmp_path).photos) == {str(tmp_path / "a.jpg")}


def test_an_unmounted_root_is_an_error_not_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        scan(tmp_path / "gone")


def test_a_folder_that_cannot_be_listed_is_told_and_those_of_the_system_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("closed", "failing", "vanished", "open", "lost+found", "System Volume Information", "$RECYCLE.BIN"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").touch()
    numbers = {"closed": errno.EACCES, "failing": errno.EIO, "vanished": errno.ENOENT, "lost+found": errno.EACCES}
    real = os.scandir

    def scandir(folder: str) -> Any:
        if number := numbers.get(Path(folder).name):
            raise OSError(number, os.strerror(number), folder)
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    found = scan(tmp_path)
    assert {path.name: error.errno for path, error in found.closed} == {"closed": errno.EACCES, "failing": errno.EIO}
    assert set(found.photos) == {str(tmp_path / "open" / "a.jpg")}


def test_network_shares_are_known_by_their_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    partition = namedtuple("partition", "mountpoint fstype opts")
    mounts = [partition("/", "ext4", "rw"), partition("/mnt/nas", "cifs", "rw"), partition("/mnt", "ext4", "rw")]
    monkeypatch.setattr(scan_module.psutil, "disk_partitions", lambda all: mounts)
    assert on_network(Path("/mnt/nas/2026"))
    assert not on_network(Path("/mnt/nasty"))
    assert not on_network(Path("/home"))
    assert on_network(Path("\\\\nas\\photos"))


def test_a_path_too_long_for_any_file_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    too_long = "x" * 300 + ".jpg"
    assert list(find_photos([too_long, str(tmp_path)])) == [too_long, str(tmp_path / "a.jpg")]
