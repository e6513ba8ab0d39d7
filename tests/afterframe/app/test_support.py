"""The zip for whoever helps: all that helps, and nothing that is nobody's business."""

from __future__ import annotations

import json
import stat
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from afterframe.app.doctor import examine
from afterframe.app.support import write_support
from afterframe.config import Home
from afterframe.domain import Failure, Stamp
from afterframe.errors import AfterframeError
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList
from afterframe.state.held_folders import HeldFolders
from afterframe.state.queue import Queue
from afterframe.system.runtime_files import make_token
from factories import make_job

KEY = "a-key-of-a-server-0123456789"
CODE = "Zm9vYmFyYmF6"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with everything in it that must not be told."""
    home = Home.find().make()
    token = make_token(home)
    pictures = tmp_path / "Ann's Pictures"
    pictures.mkdir()
    (tmp_path / "key").write_text(f"{KEY}-of-a-file\n")
    monkeypatch.setenv("SERVER_KEY", f"{KEY}-of-the-environment")
    home.config.write_text(
        f'[[remote.endpoints]]\nurl = "http://one:1"\nkey_file = "{tmp_path}/key"\n'
        '[[remote.endpoints]]\nurl = "http://two:2"\nkey_env = "SERVER_KEY"\n# my_secret = "hush-hush"\n'
    )
    with closing(Database(home.database)) as database:
        FolderList(database).put(pictures, watch=True)
        catalog = Catalog(database)
        make_job(Queue(database), catalog, pictures / "DSC_0042.jpg")
        catalog.record_rejection(pictures / "bad.jpg", Stamp(1, 1), Failure("empty", "bad.jpg is empty."))
    (home.logs / "afterframe.log").write_text(
        f"{pictures}/DSC_0042.jpg\nAuthorization: Bearer {token}\n"
        f"GET /login?code={CODE} /api/x?a=1&key=signed.Zm9v\n{KEY}-of-a-file\n"
        f"http://ann:hunter2@two/ hf_{'x' * 30} {KEY}-of-the-environment\n"
    )
    home.sessions.write_text('{"of-a-browser": 1}')
    home.login_pages.mkdir()
    (home.login_pages / "page.html").write_text("of-a-browser")
    (home.logs / "worker.log.1").write_text("older\n")
    return home


def texts(file: Path) -> dict[str, str]:
    with zipfile.ZipFile(file) as packed:
        return {name: packed.read(name).decode() for name in packed.namelist()}


def test_it_holds_what_helps(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "support.zip"
    names = write_support(home, file, shorten_paths=False)
    found = texts(file)
    assert (
        sorted(found)
        == sorted(names)
        == [*("about.json", "afterframe.log", "config.toml", "doctor.json", "state.json", "worker.log.1")]
    )
    assert json.loads(found["about.json"])["packages"]["pillow"]
    assert {check["name"] for check in json.loads(found["doctor.json"])} >= {"state", "folders", "logs", "disk"}
    state = json.loads(found["state.json"])
    assert state["renders"]["queued"] == 1
    assert state["refused"][0]["error"]["code"] == "empty"
    assert "Ann's Pictures" in found["afterframe.log"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("shorten_paths", [False, True])
def test_it_holds_no_secret(home: Home, tmp_path: Path, shorten_paths: bool) -> None:
    write_support(home, tmp_path / "support.zip", shorten_paths=shorten_paths)
    text = "\n".join(texts(tmp_path / "support.zip").values())
    for secret in (
        home.token.read_text().strip(),
        KEY,
        CODE,
        "hush-hush",
        "hunter2",
        "hf_xxx",
        "signed.",
        "of-a-browser",
    ):
        assert secret not in text
    assert "two:2" in text


def test_paths_are_shortened_on_request_and_photos_keep_their_names(home: Home, tmp_path: Path) -> None:
    write_support(home, tmp_path / "support.zip", shorten_paths=True)
    text = "\n".join(texts(tmp_path / "support.zip").values())
    assert "Ann's Pictures" not in text
    assert str(home.root) not in text
    assert "(folder 1)/DSC_0042.jpg" in text


def test_a_damaged_state_file_does_not_keep_it_from_being_written(home: Home, tmp_path: Path) -> None:
    home.database.write_bytes(b"no database" * 1000)
    write_support(home, tmp_path / "support.zip", shorten_paths=True)
    found = texts(tmp_path / "support.zip")
    assert "error" in json.loads(found["state.json"])
    assert "rebuild" in found["doctor.json"]


def test_doctor_names_every_folder_that_cannot_be_used(home: Home, tmp_path: Path) -> None:
    with closing(Database(home.database)) as database:
        for name in ("one", "two"):
            HeldFolders(database).hold(tmp_path / name, Failure("disk_full", f"{name} is full.", "Free some space."))
    (check,) = [check for check in examine(home) if check.name == "folders"]
    assert (check.detail, check.hint) == ("one is full. two is full.", "Free some space.")


def test_a_place_that_cannot_be_written_is_said_so(home: Home, tmp_path: Path) -> None:
    with pytest.raises(AfterframeError, match="cannot be written") as caught:
        write_support(home, tmp_path / "nowhere" / "support.zip", shorten_paths=False)
    assert caught.value.error_code == "output"


def test_a_held_folder_is_a_problem_that_doctor_names(home: Home, tmp_path: Path) -> None:
    with closing(Database(home.database)) as database:
        HeldFolders(database).hold(tmp_path / "Ann's Pictures", Failure("read_only", "It is read-only.", "Allow it."))
    (check,) = [check for check in examine(home) if check.name == "folders"]
    assert (check.ok, check.detail, check.hint) == (False, "It is read-only. 1 render waits.", "Allow it.")
    write_support(home, tmp_path / "support.zip", shorten_paths=False)
    assert json.loads(texts(tmp_path / "support.zip")["state.json"])["held_folders"][0]["error"]["code"] == "read_only"


@pytest.mark.parametrize(
    "line",
    [
        'headers = { "X-Api-Key" = "HUSH", other = 1 }',
        "api_key = 'HUSH'",
        'tokens = ["HUSH", "HUSH"]',
        'password = """\nHUSH\n"""',
        'server.secret="HU\\"HUSH"',
        "# credentials = HUSH",
    ],
)
def test_a_secret_in_the_settings_is_removed_however_it_is_written(home: Home, tmp_path: Path, line: str) -> None:
    home.config.write_text(f"{line}\nkey_file = 'kept.txt'\n")
    (home.logs / "afterframe.log").write_text("GET http://two/?api_key=HUSH&seed=7 failed\n")
    write_support(home, tmp_path / "support.zip", shorten_paths=False)
    found = texts(tmp_path / "support.zip")
    assert "HUSH" not in "".join(found.values())
    assert "kept.txt" in found["config.toml"]
    assert "&seed=7" in found["afterframe.log"]


def test_shortened_paths_name_no_folder_inside_a_folder_either(home: Home, tmp_path: Path) -> None:
    pictures = tmp_path / "Ann's Pictures"
    photo = pictures / "Clients" / "Smith wedding" / "DSC_7.jpg"
    with closing(Database(home.database)) as database:
        Catalog(database).record_rejection(photo, Stamp(1, 1), Failure("empty", f"{photo} is empty."))
    (home.logs / "afterframe.log").write_text(
        f"{photo}: empty\n{pictures / 'Clients'}\nsettings of the folder “Smith wedding”\n"
    )
    write_support(home, tmp_path / "support.zip", shorten_paths=True)
    found = texts(tmp_path / "support.zip")
    for name in ("Ann", "Clients", "Smith"):
        assert name not in "".join(found.values())
    assert "(folder 1.2)" in found["afterframe.log"]
