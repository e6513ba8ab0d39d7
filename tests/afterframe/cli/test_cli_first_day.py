"""What a new user meets in the first hour, as the commands say it."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from afterframe.app import doctor
from afterframe.cli import main, output
from afterframe.config import Home
from afterframe.domain import JobState, Stamp
from afterframe.errors import Unavailable
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.queue import NewJob, Queue
from afterframe.system import cli_hints
from afterframe.system.locks import DaemonLock
from afterframe.system.runtime_files import make_token, write_daemon
from factories import make_photo_file, make_recipe


def run(*words: object, status: int = 0) -> Result:
    result = CliRunner().invoke(main.main, [str(word) for word in words])
    assert result.exit_code == status, result.output
    return result


@pytest.fixture
def job(home_of_its_own: Path, tmp_path: Path) -> tuple[Queue, str]:
    """The queue of this home, and the id of a render that waits."""
    photo = make_photo_file(tmp_path / "a.jpg")
    database = Database(Home(home_of_its_own).make().database)
    known = Catalog(database).put_photo(photo, Stamp.of(photo.stat()), "a" * 64, {})
    queue = Queue(database)
    return queue, queue.enqueue(NewJob(known, make_recipe(), "parallax", origin="watch"))[0].id


def test_status_names_cancelled_renders_by_the_ids_that_retry_takes(job: tuple[Queue, str], tmp_path: Path) -> None:
    queue, job_id = job
    queue.cancel(job_id)
    assert f"retry {job_id}` does it again" in run("status").stdout
    assert json.loads(run("status", "--json").stdout)["cancelled"] == [{"id": job_id, "photo": str(tmp_path / "a.jpg")}]
    run("retry", job_id)
    assert json.loads(run("status", "--json").stdout)["cancelled"] == []


def test_a_render_that_was_given_up_does_not_claim_to_wait(job: tuple[Queue, str]) -> None:
    queue, job_id = job
    away = Unavailable("No server that could make the clip is there.", "Start one of them.")
    queue.claim("worker")
    queue.postpone(job_id, "worker", away)
    waiting = queue.get(job_id).error
    assert waiting is not None
    assert waiting.hint == "Start one of them. The render waits and goes on by itself."
    while queue.get(job_id).state != JobState.FAILED:
        queue.claim("worker")
        queue.fail(job_id, "worker", away)
    given_up = queue.get(job_id).error
    assert given_up is not None
    assert given_up.message.startswith("Given up after 3 tries: ")
    assert given_up.hint == "Start one of them."


def test_the_extras_are_installed_from_where_afterframe_came_never_by_its_name() -> None:
    hint = cli_hints.install_extra("gpu")
    command = shlex.split(hint[hint.index("`") + 1 : hint.rindex("`")])
    root = Path(cli_hints.__file__).resolve().parents[3]
    assert command == [sys.executable, "-m", "pip", "install", "-e", f"{root}[gpu]"]


def test_a_wheel_is_installed_once_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cli_hints, "__file__", str(tmp_path / "lib" / "afterframe" / "system" / "cli_hints.py"))
    assert "WHEEL[gpu]" in cli_hints.install_extra("gpu")


def test_plugin_status_alone_looks_at_every_host_that_can_be_here() -> None:
    found = json.loads(run("plugin", "status", "--json").stdout)["plugins"]
    assert "darktable" in {plugin["host"] for plugin in found}
    assert "darktable: " in run("plugin", "status").stdout
    assert "Name a host" in run("plugin", "install", status=2).stderr


def test_models_say_what_they_need_can_do_and_whether_they_are_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    lines = run("models", "list").stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("ltx2 "))
    assert "not here" in lines[at]
    assert lines[at].endswith("loops, ends, sound")
    assert "GB of free GPU memory" in lines[at + 1]


@pytest.mark.slow  # loads the hub's client
def test_nobody_is_asked_about_removing_a_model_that_is_not_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert "not on this machine" in run("models", "remove", "wan22-5b", status=1).stderr


@pytest.mark.parametrize(("n", "said"), [(1, "1 clip was"), (2, "2 clips were"), (0, "0 clips were")])
def test_one_is_not_many(n: int, said: str) -> None:
    assert output.count(n, "clip was", "clips were") == said


def test_wrong_options_are_told_in_good_grammar() -> None:
    assert "Your options: size is (63, 64); it must be" in run("recipe", "a.jpg", "--size", "63x64", status=2).stderr


def test_doctor_says_once_what_is_used_and_what_is_broken(home_of_its_own: Path) -> None:
    Home(home_of_its_own).make().config.write_text('[render]\ngenerator = "parallax"\n', "utf-8")
    (check,) = [check for check in doctor.examine(Home(home_of_its_own)) if check.name == "generators"]
    assert check.detail.endswith("“parallax” is used")
    Home(home_of_its_own).config.write_text("[render\n", "utf-8")
    assert [check.name for check in doctor.examine(Home(home_of_its_own)) if not check.ok] == ["settings"]


def test_a_second_start_names_the_address_and_hands_its_folders_over(
    monkeypatch: pytest.MonkeyPatch, home_of_its_own: Path, tmp_path: Path
) -> None:
    home, asked = Home(home_of_its_own).make(), []

    def answer(home: Home, daemon: Any, method: str, route: str, body: Any) -> dict[str, Any]:
        asked.append((method, route, body))
        return {}

    monkeypatch.setattr("afterframe.app.folders.request", answer)
    lock = DaemonLock(home.root)
    lock.acquire()
    try:
        make_token(home)
        write_daemon(home, "http://127.0.0.1:8799")
        assert "already running at http://127.0.0.1:8799" in run("serve", "--no-open", status=1).stderr
        said = run("serve", "--no-open", "--folder", tmp_path).stdout
    finally:
        lock.release()
    assert "already running at http://127.0.0.1:8799" in said
    assert str(tmp_path) in said
    assert asked == [("POST", "/api/folders", {"path": str(tmp_path), "watch": True})]


def test_a_damaged_state_file_is_named_with_the_way_out(home_of_its_own: Path) -> None:
    file = Home(home_of_its_own).make().database
    file.write_bytes(b"garbage garbage")
    said = run("status", status=1).stderr
    assert str(file) in said.replace("\n", "")
    assert "rebuild FOLDER" in said.replace("\n", " ")


def test_a_state_file_of_a_newer_version_is_refused_with_the_way_out(home_of_its_own: Path) -> None:
    file = Home(home_of_its_own).make().database
    database = Database(file)
    database.connection.execute("INSERT INTO migrations VALUES ('99_of_tomorrow', 1)")
    database.close()
    for words in (("status",), ("serve", "--no-open", "--port", "0")):
        said = run(*words, status=1).stderr
        assert str(file) in said.replace("\n", "")
        assert "Update Afterframe; or move the file away" in said.replace("\n", " ")
    checks = {check["name"]: check for check in json.loads(run("doctor", "--json", status=1).stdout)["checks"]}
    assert not checks["state"]["ok"]
    assert "newer version" in checks["state"]["detail"]
    assert "Update Afterframe" in checks["state"]["hint"]


def test_doctor_names_a_program_that_is_no_ffmpeg(home_of_its_own: Path) -> None:
    Home(home_of_its_own).make().config.write_text(f"[render]\nffmpeg = {sys.executable!r}\n")
    checks = {check["name"]: check for check in json.loads(run("doctor", "--json", status=1).stdout)["checks"]}
    assert "is not ffmpeg" in checks["ffmpeg"]["detail"]
    assert "render.ffmpeg" in checks["ffmpeg"]["hint"]


def test_an_address_of_another_machine_is_not_blamed_on_the_port(home_of_its_own: Path) -> None:
    said = run("serve", "--host", "192.0.2.1", "--port", "0", "--no-open", status=1).stderr
    assert "192.0.2.1 is not an address of this machine" in said.replace("\n", " ")
