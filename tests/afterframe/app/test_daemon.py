"""What `afterframe serve` refuses before anything is started."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from afterframe.app.daemon import Daemon
from afterframe.app.doctor import examine
from afterframe.config import Config, Home, ServerConfig, WatchConfig
from afterframe.errors import ConfigError, NotAllowed
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList
from afterframe.web.auth.session import SECRET


def start(home: Path, *folders: Path, **watch: Any) -> None:
    """Start a daemon that stops as soon as it runs."""
    config = Config(server=ServerConfig(port=0), watch=WatchConfig(**watch))
    daemon = Daemon(Home(home), config, folders)
    daemon.run(lambda url, link: daemon.stop(), lambda event: None)


def known(home: Path) -> list[Path]:
    database = Database(Home(home).database)
    try:
        return [folder.path for folder in FolderList(database).all()]
    finally:
        database.close()


def test_afterframes_own_folder_is_not_watched(home_of_its_own: Path) -> None:
    with pytest.raises(NotAllowed, match="belongs to Afterframe itself"):
        start(home_of_its_own, home_of_its_own)
    assert known(home_of_its_own) == []


def test_a_config_that_names_afterframes_own_folder_is_refused(home_of_its_own: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.toml: watch\.folders: .* belongs to Afterframe itself"):
        start(home_of_its_own, tmp_path, folders=(str(home_of_its_own),))
    assert known(home_of_its_own) == []


def test_a_folder_that_is_not_there_now_is_remembered(home_of_its_own: Path, tmp_path: Path) -> None:
    start(home_of_its_own, folders=(str(tmp_path / "away"),))
    assert known(home_of_its_own) == [tmp_path / "away"]


def test_a_damaged_state_file_is_told_on_page_and_terminal_and_the_daemon_runs(home_of_its_own: Path) -> None:
    home = Home(home_of_its_own).make()
    known(home.root)  # makes it
    data = bytearray(home.database.read_bytes())
    data[36:40] = b"\0\0\0\x07"  # the number of free pages, which quick_check counts
    home.database.write_bytes(data)
    daemon = Daemon(home, Config(server=ServerConfig(port=0)))
    told: list[dict[str, Any]] = []
    pages: list[str] = []

    def ready(url: str, link: str) -> None:
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        given = browser.open(link).read().decode()
        (secret,) = re.findall(r'data-secret="([\w-]+)"', given)
        pages.append(browser.open(urllib.request.Request(url, headers={SECRET: secret})).read().decode())

    def on_event(event: dict[str, Any]) -> None:
        told.append(event)
        daemon.stop()

    daemon.run(ready, on_event)
    assert [(event["kind"], event["error"]["code"]) for event in told] == [("damage", "state_damaged")]
    assert "afterframe rebuild FOLDER" in pages[0]
    (check,) = [check for check in examine(home) if check.name == "state"]
    assert not check.ok
    assert "afterframe rebuild FOLDER" in check.hint
