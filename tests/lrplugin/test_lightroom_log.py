"""The log of the Lightroom plugin: what a report needs, and nothing of the photographer's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lightroom import Lightroom, from_lua
from lightroom_studio import Studio

LINE = re.compile(r"Afterframe (info|warn) (GET|POST) (/api/[\w/-]+) (\d{3}|no answer)( \w+)?, \d+\.\d\d s")


@pytest.fixture
def lightroom(tmp_path: Path) -> Lightroom:
    (tmp_path / "temp").mkdir()
    return Lightroom(tmp_path, tmp_path / "temp")


def test_the_log_begins_with_the_versions_of_plugin_and_host(lightroom: Lightroom) -> None:
    lightroom.require("Log")
    assert lightroom.log == ["Afterframe info Afterframe plug-in 0.1.0, Lightroom Classic 14.0, macOS"]


@pytest.mark.slow
def test_requests_and_errors_are_logged_and_nothing_private(studio: Studio) -> None:
    lightroom = studio.lightroom
    (studio.photos / "broken secret.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")
    lightroom.select([studio.shoot("secret wedding.jpg"), studio.shoot("broken secret.jpg")])
    lightroom.run("MenuAnimateNow.lua")
    studio.start()
    lightroom.require("Settings").saveToken(studio.url, "wrong-token")
    lightroom.run("MenuAnimateNow.lua")
    lightroom.require("Settings").saveToken(studio.url, "")
    lightroom.fill_in = lambda values: {"prompt": "she says yes"}
    lightroom.run("MenuAnimate.lua")
    assert studio.clips() == ["secret wedding_motion.mp4"]

    requests = [line for line in lightroom.log if "/api/" in line]
    assert all(LINE.fullmatch(line) for line in requests), requests
    said = [" ".join(LINE.fullmatch(line).groups("")[:4]) for line in requests]  # type: ignore[union-attr]
    assert said[0] == "warn GET /api/health no answer"
    assert "warn GET /api/health 200" in said
    assert [line for line in said if re.fullmatch(r"info POST /api/animate 20\d", line)]
    assert not [line for line in said if line.startswith("info GET /api/events")]
    assert "Afterframe info done: 1" in lightroom.log
    assert [line for line in lightroom.log if re.fullmatch(r"Afterframe warn \w+: 1", line)]
    token = (studio.afterframe.home / "token").read_text().strip()
    for private in (token, "wrong-token", "secret", "says yes", str(studio.photos)):
        assert private not in "\n".join(lightroom.log)


def test_an_error_of_our_own_is_logged(lightroom: Lightroom) -> None:
    lightroom.select([lightroom.photo("/photos/a.jpg")])
    lightroom.answer_files_with_error("no disk")
    with pytest.raises(AssertionError, match="no disk"):
        lightroom.run("MenuAnimateNow.lua")
    assert lightroom.log[-1].startswith("Afterframe error Afterframe: animate now: ")
    assert "no disk" in lightroom.log[-1]


@pytest.mark.parametrize(
    ("windows", "version", "folder"),
    [
        (False, 13, "Documents"),
        (True, 13, "Documents"),
        (False, 14, "Library/Logs/Adobe/Lightroom"),
        (True, 14, "AppData/Local/Adobe/Lightroom/Logs"),
    ],
)
def test_the_plugin_manager_shows_where_the_log_is(tmp_path: Path, windows: bool, version: int, folder: str) -> None:
    lightroom = Lightroom(tmp_path, tmp_path, windows=windows, version=version)
    log = lightroom.require("Log")
    expected = tmp_path / folder / "LrClassicLogs" / "Afterframe.log"
    assert from_lua(log.path()) == str(expected)
    log.reveal()
    assert lightroom.revealed == [str(expected)]
    page, values = lightroom.sdk.script("PluginInfoProvider.lua"), lightroom.sdk.newPropertyTable()
    page.startDialog(values)
    lightroom.finish()
    assert from_lua(values.log) == str(expected)


def test_a_log_that_exists_is_found_whatever_the_version(lightroom: Lightroom, tmp_path: Path) -> None:
    log = tmp_path / "Documents" / "LrClassicLogs" / "Afterframe.log"
    log.parent.mkdir(parents=True)
    log.touch()
    assert from_lua(lightroom.require("Log").path()) == str(log)
