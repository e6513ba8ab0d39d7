from __future__ import annotations

import pytest

from afterframe.config import parse_config
from afterframe.errors import ConfigError
from afterframe.intake.foreign_names import KNOWN_NAMES, ForeignNames


@pytest.mark.parametrize(
    "name",
    [
        "@eaDir",
        "@EADIR",
        "#recycle",
        "#snapshot",
        "@Recycle",
        ".@__thumb",
        "@Recently-Snapshot",
        "$RECYCLE.BIN",
        "$Recycle.Bin",
        "RECYCLER",
        "System Volume Information",
        "FOUND.000",
        "lost+found",
        ".Trashes",
        ".Trash-1000",
        ".fseventsd",
        "Network Trash Folder",
        "__MACOSX",
        "CaptureOne",
        "Shoot.cocatalog",
        "Catalog Previews.lrdata",
        "Catalog.LRDATA",
        "Photos Library.photoslibrary",
        "thumbnails",
        "Thumbnails",
    ],
)
def test_folders_that_a_system_or_program_keeps_are_left_alone(name: str) -> None:
    assert KNOWN_NAMES.has_folder(name)


@pytest.mark.parametrize(
    "name", ["2026-11-30", "Recycle", "snapshots of us", "Capture One Trip", "lrdata", "found.photos", "@home", "#1"]
)
def test_folders_of_the_users_are_not(name: str) -> None:
    assert not KNOWN_NAMES.has_folder(name)


@pytest.mark.parametrize(
    "name",
    [
        "a.sync-conflict-20261130-101500-ABCDEFG.jpg",
        "a (Anna's conflicted copy 2026-11-30).jpg",
        "a (conflicted copy 2026-11-30 101500).jpg",
        "a (Case Conflict 1).jpg",
        "a (In Konflikt stehende Kopie von Anna 2026-11-30).jpg",
        "a (Annas in Konflikt stehende Kopie 2026-11-30).jpg",
        "a (Anna の競合コピー 2026-11-30).jpg",
        "a (SFConflict anna@example.org 2026-11-30-10-15-00).jpg",
        "a_conflict-20261130-101500.jpg",
        "a_DiskStation_Nov-30-1015-2026_Conflict.jpg",
        "a.Conflict.jpg",
        "a.conflict1.jpg",
        "a [Conflict].jpg",
        "._a.jpg",
    ],
)
def test_copies_of_a_sync_conflict_are_left_alone(name: str) -> None:
    assert KNOWN_NAMES.has_file(name)


@pytest.mark.parametrize(
    "name", ["Conflict.jpg", "the conflict.jpg", "a_Conflict.jpg", "conflicted.jpg", "a (copy).jpg", "a (1).jpg"]
)
def test_photos_that_only_speak_of_conflicts_are_not(name: str) -> None:
    assert not KNOWN_NAMES.has_file(name)


def test_the_setting_adds_names_of_folders_and_files() -> None:
    names = ForeignNames(("Proofs", "*-small.jpg", "[old]"))
    assert names.has_folder("proofs")
    assert names.has_folder("[Old]")
    assert names.has_file("DSC_0042-SMALL.jpg")
    assert not names.has_file("DSC_0042.jpg")
    assert not names.has_folder("o")
    assert names.has_folder("@eaDir")


@pytest.mark.parametrize("name", ["", "*", "a/b", "a\\b", " "])
def test_a_setting_that_is_no_name_is_refused_with_its_place(name: str) -> None:
    with pytest.raises(ConfigError, match=r"config\.toml: watch\.ignore"):
        parse_config(f"[watch]\nignore = ['{name}']\n", "config.toml")
