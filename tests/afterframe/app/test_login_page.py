"""The one-time link reaches the browser in a private file: what a process is started with is everybody's to read."""

from __future__ import annotations

import html
import os
import re
import stat
import sys
import urllib.request
import webbrowser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from click.testing import CliRunner

from afterframe.app.daemon import Daemon
from afterframe.app.login_page import open_login_page
from afterframe.cli.main import main
from afterframe.config import Config, Home, ServerConfig
from afterframe.web.auth.login_codes import CODE_VALID_S
from afterframe.web.auth.login_pages import remove_login_page, sweep_login_pages

ROOT = Path(__file__).parents[3]
CODE = "c0de-_of-the-tests"
LINK = f"http://127.0.0.1:8723/login?code={CODE}"


class Browser:
    """Stands in for the browser: remembers the arguments that it was started with."""

    def __init__(self) -> None:
        self.opened: list[str] = []

    def open(self, url: str, *_: object) -> bool:
        self.opened.append(url)
        return True

    def follow(self) -> str:
        """The address that the file, which it was last given, leads to."""
        text = file_of(self.opened[-1]).read_text("utf-8")
        found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', text)
        assert found is not None
        return html.unescape(found[1])


def file_of(url: str) -> Path:
    parts = urlsplit(url)
    assert parts.scheme == "file"
    return Path(unquote(parts.path))


@pytest.fixture
def home(home_of_its_own: Path) -> Home:
    return Home(home_of_its_own).make()


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    made = Browser()
    monkeypatch.setattr(webbrowser, "open", made.open)
    return made


def test_the_browser_is_given_a_private_file_that_leads_to_the_link(home: Home, browser: Browser) -> None:
    assert open_login_page(home, LINK)
    assert CODE not in browser.opened[0]
    assert browser.follow() == LINK
    file = file_of(browser.opened[0])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_real_browser_process_is_started_without_the_code(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "arguments"
    program = tmp_path / "browser"
    program.write_text(f"#!{sys.executable}\nimport sys\nopen({str(seen)!r}, 'w').write(repr(sys.argv))\n")
    program.chmod(0o755)
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    monkeypatch.setattr(webbrowser, "_browsers", {})
    monkeypatch.setenv("BROWSER", f"{program} %s")
    assert open_login_page(home, LINK)
    assert "file:///" in seen.read_text()
    assert CODE not in seen.read_text()


def test_the_file_is_removed_with_its_use(home: Home, browser: Browser) -> None:
    open_login_page(home, LINK)
    open_login_page(home, f"{LINK}2")
    remove_login_page(home, CODE)
    assert [file.exists() for file in map(file_of, browser.opened)] == [False, True]


def test_files_of_codes_that_are_too_old_go_with_the_next_one(home: Home, browser: Browser) -> None:
    open_login_page(home, LINK)
    old = file_of(browser.opened[0])
    then = old.stat().st_mtime - CODE_VALID_S - 1
    os.utime(old, (then, then))
    open_login_page(home, f"{LINK}2")
    assert [file.exists() for file in map(file_of, browser.opened)] == [False, True]


def test_a_home_without_such_files_is_swept_too(home: Home) -> None:
    sweep_login_pages(home)


def test_a_file_that_cannot_be_written_opens_nothing(home: Home, browser: Browser) -> None:
    home.login_pages.write_text("in the way")
    assert not open_login_page(home, LINK)
    assert browser.opened == []


@pytest.mark.slow
def test_every_command_that_opens_the_page_gives_the_browser_a_file(
    home: Home, browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed daemon left goes at the start, what was followed at once, the rest at the end."""
    home.login_pages.mkdir()
    left = home.login_pages / "left.html"
    left.write_text("of a daemon that was killed")
    daemon = Daemon(home, Config(server=ServerConfig(port=0)))
    photos = tmp_path / "photos"
    photos.mkdir()

    def ready(url: str, link: str) -> None:
        assert not left.exists()
        open_login_page(home, link)
        for words in (["status", "--open"], ["serve", "--folder", str(photos)]):
            result = CliRunner().invoke(main, words)
            assert result.exit_code == 0, result.output
        first = file_of(browser.opened[0])
        assert urllib.request.urlopen(browser.follow(), timeout=20).status == 200
        assert not file_of(browser.opened[-1]).exists()
        assert first.exists()
        daemon.stop()

    daemon.run(ready, lambda event: None)
    assert len(browser.opened) == 3
    assert list(home.login_pages.iterdir()) == []


def test_nothing_else_gives_a_browser_an_address() -> None:
    sources = [*(ROOT / "server").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")]
    assert [source.name for source in sources if "webbrowser" in source.read_text("utf-8")] == ["login_page.py"]
