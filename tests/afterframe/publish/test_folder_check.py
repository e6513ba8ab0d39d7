from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from afterframe.errors import FolderUnavailable, PublishError
from afterframe.publish import folder_check
from afterframe.publish.folder_check import check_is_there, explained, is_there, probe, widest_fault


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "photos"
    (made / "day").mkdir(parents=True)
    (made / "day" / "a.jpg").touch()
    return made


def test_a_folder_with_something_in_it_is_there(root: Path) -> None:
    assert is_there(root / "day", [root])


def test_an_empty_folder_may_be_where_a_drive_was_mounted(root: Path) -> None:
    (root / "day" / "a.jpg").unlink()
    assert not is_there(root / "day", [root])
    (root / "day" / f".afterframe-{'0' * 32}.mp4").touch()  # ours, of before
    assert not is_there(root / "day", [root])


def test_a_folder_that_is_gone_was_deleted_if_the_one_around_it_is_there(root: Path) -> None:
    assert is_there(root / "gone", [root])
    assert is_there(root / "gone" / "deep", [root])
    assert not is_there(root / "gone")  # in none of our folders: nothing is known of what is around it


def test_nothing_in_a_root_that_is_gone_was_deleted(root: Path, tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    root.rename(tmp_path / "elsewhere")
    assert not is_there(root / "day", [root])


def test_a_photo_that_was_deleted_is_no_fault_of_its_folder(root: Path) -> None:
    (root / "day" / "b.jpg").touch()
    check_is_there(root / "day" / "gone.jpg")
    assert widest_fault(root / "day" / "gone.jpg", [root]) is None


def test_a_folder_is_found_writable_by_writing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probe(root / "day")
    assert os.listdir(root / "day") == ["a.jpg"]

    def fails(path: Path, data: bytes) -> None:
        path.touch()
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(folder_check, "write_synced", fails)
    with pytest.raises(FolderUnavailable) as caught:
        probe(root / "day")
    assert caught.value.error_code == "disk_full"
    assert os.listdir(root / "day") == ["a.jpg"]


def test_a_fault_is_told_of_the_widest_folder_that_has_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "day" / "deep").mkdir()
    (root / "day" / "deep" / "b.jpg").touch()

    def fails(path: Path, data: bytes) -> None:
        if path.is_relative_to(root / "day"):
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(folder_check, "write_synced", fails)
    fault = widest_fault(root / "day" / "deep" / "b.jpg", [root])
    assert fault is not None
    assert (fault.error_code, fault.folder) == ("disk_failing", root / "day")
    assert widest_fault(root / "other.jpg", [root]) is None


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EDQUOT, "disk_full"),
        (errno.EROFS, "read_only"),
        (errno.EACCES, "read_only"),
        (errno.EIO, "disk_failing"),
        (errno.ESTALE, "disk_failing"),
        (errno.ENODEV, "disk_failing"),
    ],
)
def test_what_the_system_says_of_a_folder_is_the_folders_fault(root: Path, number: int, code: str) -> None:
    fault = explained(OSError(number, os.strerror(number)), root / "day" / "a_motion.mp4")
    assert isinstance(fault, FolderUnavailable)
    assert (fault.error_code, fault.folder) == (code, root / "day")
    assert str(root / "day") in fault.message
    assert fault.hint


def test_a_folder_that_vanished_is_away(root: Path) -> None:
    fault = explained(FileNotFoundError(errno.ENOENT, "No such file or directory"), root / "gone" / "a.mp4")
    assert fault.error_code == "folder_missing"


def test_a_long_name_is_the_photos_own_fault(root: Path) -> None:
    fault = explained(OSError(errno.ENAMETOOLONG, "File name too long"), root / ("x" * 300))
    assert type(fault) is PublishError
    assert fault.error_code == "name_too_long"
