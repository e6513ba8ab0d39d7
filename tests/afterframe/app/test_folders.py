from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from afterframe.app import folders as module
from afterframe.app.folders import Folders
from afterframe.config import Config, Home, WatchConfig
from afterframe.errors import AfterframeError, NotAllowed, NotFound, UsageError, WrongState
from afterframe.system.runtime_files import make_token
from afterframe.web.auth.boot import Boot


@pytest.fixture
def known(home_of_its_own: Path) -> Folders:
    return Folders(Home(home_of_its_own), Config())


@pytest.fixture
def export(tmp_path: Path) -> Path:
    folder = tmp_path / "Export für Ann"
    folder.mkdir()
    return folder


def test_without_a_daemon_the_state_file_is_changed(known: Folders, export: Path) -> None:
    known.add(export, watch=True)
    assert known.listed() == [{"path": str(export), "watch": True, "waiting": 0, "missing": False}]
    known.add(export, watch=False)
    assert known.listed()[0]["watch"] is False
    known.remove(export)
    assert known.listed() == []


def test_a_folder_that_is_gone_can_be_forgotten(known: Folders, export: Path) -> None:
    known.add(export, watch=True)
    export.rmdir()
    assert known.listed()[0]["missing"]
    known.remove(export)
    assert known.listed() == []


def test_a_folder_is_named_as_the_terminal_sees_it(
    known: Folders, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(export.parent)
    known.add(Path(export.name), watch=True)
    assert known.listed()[0]["path"] == str(export)
    known.remove(Path(export.name))


def test_the_rules_are_those_of_the_page(known: Folders, tmp_path: Path, home_of_its_own: Path) -> None:
    for folder, error in (
        (tmp_path / "none", UsageError),
        (Path(tmp_path.anchor), NotAllowed),
        (home_of_its_own, NotAllowed),
    ):
        with pytest.raises(error):
            known.add(folder, watch=True)
    with pytest.raises(NotFound, match="none"):
        known.remove(tmp_path / "none")


def test_what_the_settings_name_is_taken_out_there(home_of_its_own: Path, export: Path) -> None:
    known = Folders(Home(home_of_its_own), Config(watch=WatchConfig(folders=(str(export),))))
    with pytest.raises(WrongState, match=r"config\.toml"):
        known.remove(export)


class FakeDaemon:
    """Answers one request at a time and keeps what it was asked.

    Args:
        token: what it proves to hold; None: that of the home.
    """

    def __init__(self, status: int = 200, answer: object = None, token: str | None = None) -> None:
        daemon, self.asked = self, list[tuple[str, str, object, str]]()
        self.boot = Boot(token or "")
        self.introductions: list[str | None] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                daemon.introductions.append(self.headers["Authorization"])
                challenge = self.path.partition("/api/health?challenge=")[2]
                sent = json.dumps({"boot": daemon.boot.id, "proof": daemon.boot.proof(challenge)}).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(sent)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                daemon.asked.append((self.command, self.path, body, self.headers["Authorization"]))
                sent = json.dumps(answer or {}).encode()
                self.send_response(status)
                self.end_headers()
                self.wfile.write(sent)

            do_DELETE = do_POST  # noqa: N815 - the library's name

            def log_message(self, *_: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def daemon(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, home_of_its_own: Path
) -> Iterator[FakeDaemon]:
    fake = FakeDaemon(*getattr(request, "param", ()))
    if not fake.boot.token:
        fake.boot = Boot(make_token(Home(home_of_its_own).make()))
    thread = Thread(target=fake.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setattr(module, "read_daemon", lambda home: {"url": fake.url, "pid": 1})
    yield fake
    fake.server.shutdown()
    thread.join()
    fake.server.server_close()


def test_a_running_daemon_is_told(known: Folders, export: Path, daemon: FakeDaemon, home_of_its_own: Path) -> None:
    known.add(export, watch=False)
    known.remove(export)
    assert daemon.asked == [
        ("POST", "/api/folders", {"path": str(export), "watch": False}, f"Bearer {daemon.boot.key}"),
        ("DELETE", "/api/folders", {"path": str(export)}, f"Bearer {daemon.boot.key}"),
    ]
    assert daemon.introductions == [None, None]
    assert known.listed() == []  # the daemon's to change


@pytest.mark.parametrize("daemon", [(200, {}, "a token of its own")], indirect=True)
def test_a_stranger_at_the_daemons_address_is_told_nothing(known: Folders, export: Path, daemon: FakeDaemon) -> None:
    for change in (lambda: known.add(export, watch=True), lambda: known.remove(export)):
        with pytest.raises(WrongState, match="is not this Afterframe's daemon") as caught:
            change()
        assert caught.value.error_code == "stranger"
    assert (daemon.introductions, daemon.asked) == ([None, None], [])


REFUSAL = {"error": {"code": "whole_disk", "message": "/ is a whole disk.", "hint": "Name a folder."}}


@pytest.mark.parametrize("daemon", [(403, REFUSAL)], indirect=True)
def test_the_daemons_refusal_is_passed_on(known: Folders, export: Path, daemon: FakeDaemon) -> None:
    with pytest.raises(AfterframeError) as caught:
        known.add(export, watch=True)
    assert caught.value.to_dict() == REFUSAL["error"]


@pytest.mark.parametrize("daemon", [(500, ["nonsense"])], indirect=True)
def test_a_daemon_that_talks_nonsense_does_not_answer(known: Folders, export: Path, daemon: FakeDaemon) -> None:
    with pytest.raises(WrongState, match="does not answer"):
        known.add(export, watch=True)


def test_a_daemon_that_is_gone_meanwhile_does_not_answer(
    known: Folders, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "read_daemon", lambda home: {"url": "http://127.0.0.1:1", "pid": 1})
    with pytest.raises(WrongState, match="does not answer"):
        known.add(export, watch=True)
