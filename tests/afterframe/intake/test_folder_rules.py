"""Which folders may be added: one rule, whoever names the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from afterframe.config import Home, WatchConfig
from afterframe.errors import ConfigError, NotAllowed, UsageError
from afterframe.intake.folder_rules import addable_folder, configured_folders


@pytest.fixture
def home(home_of_its_own: Path) -> Home:
    return Home(home_of_its_own).make()


def test_a_folder_of_photos_may_be_added(home: Home, tmp_path: Path) -> None:
    assert addable_folder(str(tmp_path), home.root) == tmp_path


@pytest.mark.parametrize(
    ("which", "error", "code"),
    [
        ("disk", NotAllowed, "whole_disk"),
        ("home", NotAllowed, "own_folder"),
        ("cache", NotAllowed, "own_folder"),
        ("missing", UsageError, "no_folder"),
        ("file", UsageError, "no_folder"),
        ("relative", UsageError, "relative_path"),
    ],
)
def test_what_may_not_be_added_is_refused_with_its_reason(
    home: Home, tmp_path: Path, which: str, error: type[UsageError], code: str
) -> None:
    (tmp_path / "a.jpg").touch()
    given = {
        "disk": tmp_path.anchor,
        "home": str(home.root),
        "cache": str(home.cache),
        "missing": str(tmp_path / "none"),
        "file": str(tmp_path / "a.jpg"),
        "relative": "photos",
    }[which]
    with pytest.raises(error) as caught:
        addable_folder(given, home.root)
    assert caught.value.error_code == code


def test_a_link_to_a_whole_disk_is_refused(home: Home, tmp_path: Path) -> None:
    (tmp_path / "all").symlink_to(tmp_path.anchor)
    with pytest.raises(NotAllowed, match="whole disk"):
        addable_folder(str(tmp_path / "all"), home.root)


def test_config_names_watched_and_permitted_folders(home: Home, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    watch = WatchConfig(folders=(str(tmp_path / "a"),), allowed=(str(tmp_path),))
    assert configured_folders(watch, home) == [(tmp_path / "a", True), (tmp_path, False)]


def test_a_folder_of_the_config_may_be_on_a_drive_that_is_not_plugged_in(home: Home, tmp_path: Path) -> None:
    watch = WatchConfig(folders=(str(tmp_path / "away" / "photos"),))
    assert configured_folders(watch, home) == [(tmp_path / "away" / "photos", True)]


def test_a_folder_of_the_config_may_begin_with_the_users_own(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert configured_folders(WatchConfig(folders=("~/Pictures",)), home) == [(tmp_path / "Pictures", True)]


@pytest.mark.parametrize("key", ["folders", "allowed"])
@pytest.mark.parametrize("which", ["disk", "home", "file"])
def test_a_folder_of_the_config_that_may_not_be_added_is_named_with_the_file(
    home: Home, tmp_path: Path, key: str, which: str
) -> None:
    (tmp_path / "a.jpg").touch()
    given = {"disk": tmp_path.anchor, "home": str(home.root), "file": str(tmp_path / "a.jpg")}[which]
    watch = WatchConfig(folders=(given,)) if key == "folders" else WatchConfig(allowed=(given,))
    with pytest.raises(ConfigError) as caught:
        configured_folders(watch, home)
    assert f"{home.config}: watch.{key}: {given} " in caught.value.message
    assert caught.value.hint
