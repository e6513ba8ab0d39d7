from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from afterframe.config import Config, Home, Settings, read_config
from afterframe.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_without_a_file_the_defaults_hold(file: Path) -> None:
    assert read_config(file) == Config()


def test_what_is_written_holds_and_the_rest_stays_as_it_was(file: Path) -> None:
    file.write_text('[watch]\nfolders = ["~/Exports"]\nsettle_s = 5\n[recipe]\nmotion_intensity = 0.3\n')
    config = read_config(file)
    assert config.watch.folders == ("~/Exports",)
    assert config.watch.settle_s == 5.0
    assert config.recipe["motion_intensity"] == 0.3
    assert config.server == Config().server


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[watch]\nfolder = 1", "folder"),
        ("[render]\ncrf = 'good'", "crf"),
        ("[render]\nposter = 1", "poster"),
        ("[watch]\nfolders = [1]", "folders"),
        ("colour = 1", "colour"),
        ("server = 3", "server"),
        ("[render]\ncrf = 99", "crf"),
        ("[render]\npreset = 'warp'", "preset"),
        ("[limits]\nmegapixels = -1", "megapixels"),
        ("[limits]\nread_s = nan", "read_s"),
        ("[limits]\nmemory_mb = 1", "memory_mb"),
        ("[watch", "config.toml"),
    ],
)
def test_a_mistake_is_named(file: Path, text: str, named: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError, match=named) as caught:
        read_config(file)
    assert caught.value.hint


def test_a_file_that_is_not_text_is_an_error(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError):
        read_config(file)


def test_the_home_is_where_the_environment_says(home_of_its_own: Path) -> None:
    assert Home.find().root == home_of_its_own


def test_without_a_word_the_home_is_the_platforms_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AFTERFRAME_HOME")
    assert Home.find().root.name == "afterframe"


def test_the_home_is_made_for_the_user_alone(home_of_its_own: Path) -> None:
    home = Home.find().make()
    assert home.root.stat().st_mode & 0o077 == 0
    assert home.owners.is_dir()


def test_settings_are_those_of_the_file_when_they_are_made(home_of_its_own: Path) -> None:
    home = Home(home_of_its_own).make()
    assert Settings(home).config == Config()
    home.config.write_text("[render]\ncrf = 20\n")
    assert Settings(home).config.render.crf == 20
    home.config.write_text("[render]\ncrf = 99\n")
    with pytest.raises(ConfigError):
        Settings(home)


def test_settings_can_be_sent_to_another_process(home_of_its_own: Path) -> None:
    home = Home(home_of_its_own).make()
    home.config.write_text(
        '[recipe]\nloop = true\n[[remote.endpoints]]\nurl = "http://gpu1:8000"\nextra = { steps = 4 }\n'
    )
    sent = pickle.loads(pickle.dumps(Settings(home)))
    assert (sent.home, sent.config) == (home, read_config(home.config))
