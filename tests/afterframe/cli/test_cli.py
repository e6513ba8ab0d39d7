from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from afterframe.cli import output
from afterframe.cli.main import main
from afterframe.cli.recipe_options import FILE_ONLY
from afterframe.config import Home
from afterframe.domain import Stamp
from afterframe.errors import GenerateError, PublishError, Unavailable
from afterframe.recipe.settings import SETTINGS
from afterframe.state.catalog import Catalog
from afterframe.state.database import Database
from afterframe.state.folder_list import FolderList
from afterframe.state.queue import NewJob, Queue
from factories import make_photo_file, make_recipe


class Shell:
    """Runs commands in this process; ``animate`` starts its real worker process."""

    def run(self, *words: object, status: int = 0) -> str:
        result = CliRunner().invoke(main, [str(word) for word in words])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == status, result.output
        return result.stdout

    def json(self, *words: object, status: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", status=status))


SMALL = ("--size", "96x64", "--duration", "0.5", "--fps", "8")


@pytest.fixture
def shell() -> Shell:
    return Shell()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "my photos"
    (folder / "deep").mkdir(parents=True)
    make_photo_file(folder / "a.jpg")
    make_photo_file(folder / "deep" / "b.png", seed=3)
    return folder


@pytest.mark.slow
def test_animate_a_folder(shell: Shell, folder: Path) -> None:
    (folder / "broken.jpg").write_text("no photo")
    answer = shell.json("animate", folder, *SMALL, status=1)
    by_photo = {result["photo"]: result for result in answer["results"]}
    assert by_photo[str(folder / "broken.jpg")]["state"] == "refused"
    assert by_photo[str(folder / "broken.jpg")]["error"]["code"] == "not_a_photo"
    done = by_photo[str(folder / "deep" / "b.png")]
    assert done["state"] == "done"
    assert done["clips"][0]["path"] == str(folder / "deep" / "b_motion.mp4")
    assert Path(done["clips"][0]["sidecar"]).is_file()
    again = shell.json("animate", folder / "a.jpg", *SMALL)
    assert again["results"][0]["clips"] == by_photo[str(folder / "a.jpg")]["clips"]


@pytest.mark.slow
def test_paths_are_echoed_as_given_and_variants_have_seeds_of_their_own(
    shell: Shell, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (result,) = shell.json("animate", "a.jpg", *SMALL, "--variants", 2, "--seed", 5)["results"]
    assert result["photo"] == "a.jpg"
    assert [clip["seed"] for clip in result["clips"]] == [5, 6]
    assert [Path(clip["path"]).name for clip in result["clips"]] == ["a_motion.mp4", "a_motion-v2.mp4"]


def test_facts_of_each_photo_and_the_error_of_each_that_is_none(shell: Shell, folder: Path) -> None:
    (folder / "empty.jpg").touch()
    photos = shell.json("facts", folder, folder / "missing.jpg", status=1)["photos"]
    by_name = {Path(photo["path"]).name: photo for photo in photos}
    assert by_name["a.jpg"]["facts"]["width"] == 192
    assert by_name["empty.jpg"]["error"]["code"] == "empty"
    assert by_name["missing.jpg"]["error"]["code"] == "missing"


def test_recipe_gives_every_value_its_reason(shell: Shell, folder: Path) -> None:
    (photo,) = shell.json("recipe", folder / "a.jpg", "--motion", "0.3")["photos"]
    assert photo["recipe"]["motion_intensity"] == 0.3
    assert set(photo["recipe"]["because"]) >= {"motion_intensity", "duration_s", "camera_movement", "photo_type"}
    assert "your words" in photo["recipe"]["because"]["motion_intensity"][0]


def test_people_get_a_table(shell: Shell, folder: Path) -> None:
    assert "camera_movement" in shell.run("recipe", folder / "a.jpg")
    assert "width" in shell.run("facts", folder / "a.jpg")


def test_recipe_tells_what_was_seen(shell: Shell, folder: Path) -> None:
    (photo,) = shell.json("recipe", folder / "a.jpg")["photos"]
    seen = photo["seen"]
    assert set(seen) == {"words", "faces", "things", "subject", "horizon", "sure_of", "by_nets"}
    assert seen["by_nets"] is False
    assert "without the detectors" in " ".join(shell.run("recipe", folder / "a.jpg").split())


@pytest.mark.parametrize(
    "words",
    [
        ("animate",),
        ("animate", "x.jpg", "--size", "big"),
        ("animate", "x.jpg", "--motion", "2"),
        ("animate", "x.jpg", "--camera", "loop"),
        ("dance",),
        ("rebuild", "/no/such/folder"),
        ("folders", "add"),
        ("folders", "list", "x"),
        ("folders", "x"),
        ("models",),
        ("models", "pull"),
        ("models", "dance"),
        ("plugin",),
        ("plugin", "install"),
        ("plugin", "install", "bridge"),
        ("plugin", "status", "--folder", "x"),
        ("cluster",),
        ("retry",),
        ("retry", "x", "--failed"),
    ],
)
def test_wrong_use_ends_with_status_2(shell: Shell, words: tuple[str, ...]) -> None:
    shell.run(*words, status=2)


def test_an_unknown_generator_is_said_to_be(shell: Shell, folder: Path) -> None:
    (result,) = shell.json("animate", folder / "a.jpg", "--generator", "sora", status=1)["results"]
    assert result["error"]["code"] == "no_generator"
    assert "parallax" in result["error"]["hint"]


def test_no_photos_at_all_is_a_failure_that_is_explained(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    shell.run("animate", tmp_path / "nothing", status=1)


def test_doctor_finds_everything_in_order(shell: Shell) -> None:
    answer = shell.json("doctor")
    assert answer["ok"]
    assert {check["name"] for check in answer["checks"]} >= {"ffmpeg", "generators", "disk", "settings"}


def test_doctor_names_what_is_wrong(shell: Shell, home_of_its_own: Path) -> None:
    home_of_its_own.mkdir(parents=True)
    (home_of_its_own / "config.toml").write_text("[render]\nffmpeg = '/no/ffmpeg'\n")
    answer = shell.json("doctor", status=1)
    (bad,) = [check for check in answer["checks"] if not check["ok"]]
    assert bad["name"] == "ffmpeg"
    assert bad["hint"]


def test_doctor_tells_of_broken_settings_once(shell: Shell, home_of_its_own: Path) -> None:
    home_of_its_own.mkdir(parents=True)
    (home_of_its_own / "config.toml").write_text("[render]\nwobble = 1\n")
    answer = shell.json("doctor", status=1)
    (bad,) = [check for check in answer["checks"] if check["name"] == "settings"]
    assert not bad["ok"]
    assert "wobble" in bad["detail"]
    assert "wobble" not in str([check for check in answer["checks"] if check is not bad])
    (home_of_its_own / "config.toml").write_text("[limits]\nmemory_mb = 1\n")
    (bad,) = [check for check in shell.json("doctor", status=1)["checks"] if check["name"] == "settings"]
    assert bad["hint"] == "It takes a whole number from 1024 to 1048576; see docs/settings.md."


def test_a_broken_config_is_an_error_in_one_line(shell: Shell, home_of_its_own: Path, folder: Path) -> None:
    home_of_its_own.mkdir(parents=True)
    (home_of_its_own / "config.toml").write_text("[watch")
    error = shell.json("animate", folder, status=1)["error"]
    assert "config.toml" in error["message"]


def test_status_without_a_daemon(shell: Shell) -> None:
    answer = shell.json("status")
    assert answer["daemon"] is None
    assert answer["counts"]["queued"] == 0
    assert "not running" in shell.run("status")
    shell.run("status", "--open", status=1)


def test_status_counts_what_was_passed_over_and_says_why(shell: Shell, folder: Path) -> None:
    shell.run("folders", "add", folder)
    database = Database(Home.find().database)
    FolderList(database).set_passed_over(folder, {".nef": 12, ".psd": 1, "": 2})
    database.close()
    raw, pictures, others = shell.json("status")["passed_over"]
    assert (raw["kind"], raw["files"], raw["folder"]) == ("raw", 12, str(folder))
    assert (pictures["suffixes"], others["suffixes"]) == ({".psd": 1}, {"": 2})
    text = " ".join(shell.run("status").split())
    assert "12 .nef (raw files: develop them" in text
    assert "2 without suffix (no photos)" in text


def test_folders_are_added_listed_and_forgotten(shell: Shell, folder: Path) -> None:
    assert "Watched" in shell.run("folders", "add", folder)
    shell.run("folders", "add", "--on-request", folder / "deep")
    listed = shell.json("folders")["folders"]
    assert {entry["path"]: entry["watch"] for entry in listed} == {str(folder): True, str(folder / "deep"): False}
    assert shell.json("folders", "list")["folders"] == listed
    shell.run("folders", "remove", folder, folder / "deep")
    assert shell.json("folders")["folders"] == []
    error = shell.json("folders", "remove", folder, status=1)["error"]
    assert error["code"] == "not_found"


@pytest.fixture
def failed(home_of_its_own: Path, folder: Path) -> str:
    """The id of a render that failed."""
    database = Database(Home(home_of_its_own).make().database)
    catalog, queue = Catalog(database), Queue(database)
    photo = catalog.put_photo(folder / "a.jpg", Stamp.of((folder / "a.jpg").stat()), "a" * 64, {})
    job, _ = queue.enqueue(NewJob(photo, make_recipe(), "parallax", origin="watch"))
    queue.claim("worker")
    queue.fail(job.id, "worker", PublishError("a.jpg cannot be written.", "Free some space, then retry."))
    database.close()
    return job.id


def test_a_failed_render_is_retried_by_the_id_that_status_names(shell: Shell, folder: Path, failed: str) -> None:
    assert f"retry {failed}` does it again" in shell.run("status")
    assert shell.json("status")["failed"][0]["id"] == failed
    assert shell.json("retry", failed)["renders"] == [{"id": failed, "photo": str(folder / "a.jpg")}]
    assert shell.json("status")["counts"]["queued"] == 1
    assert shell.json("retry", failed, status=1)["error"]["code"] == "wrong_state"


@pytest.mark.parametrize("strike", [False, True])
def test_status_says_why_a_render_waits(shell: Shell, failed: str, home_of_its_own: Path, strike: bool) -> None:
    shell.run("retry", failed)
    database = Database(Home(home_of_its_own).database)
    queue = Queue(database)
    queue.claim("worker")
    if strike:
        queue.fail(failed, "worker", GenerateError("attic: it lost the clip.", "Mend it.", transient=True))
    else:
        queue.postpone(failed, "worker", Unavailable("attic: it lost the clip.", "Mend it."))
    queue.postpone(failed, "nobody", Unavailable("Somebody else's."))
    database.close()
    assert shell.json("status")["renders"][0]["error"]["message"] == "attic: it lost the clip."
    then = "It is tried again." if strike else "The render waits and goes on by itself."
    assert f"a.jpg: attic: it lost the clip. Mend it. {then}" in " ".join(shell.run("status").split())


def test_everything_that_failed_is_retried(shell: Shell, failed: str) -> None:
    assert "serve` renders them" in shell.run("retry", "--failed")
    assert "No render has failed" in shell.run("retry", "--failed")


@pytest.mark.parametrize(
    ("path", "message", "said"),
    [
        ("in/a.jpg", "a.jpg is empty.", "in/a.jpg is empty."),
        ("in/a.jpg", f"{Path('in/a.jpg').absolute()} is empty.", f"{Path('in/a.jpg').absolute()} is empty."),
        ("a.jpg", "Set aside after 3 tries: a.jpg: no luck.", "Set aside after 3 tries: a.jpg: no luck."),
        ("a.jpg", "ffmpeg failed.", "a.jpg: ffmpeg failed."),
    ],
)
def test_an_error_names_its_photo_once(path: str, message: str, said: str) -> None:
    assert output.named(path, message) == said


@pytest.mark.slow
def test_rebuild_reads_the_sidecars_back(shell: Shell, folder: Path, home_of_its_own: Path) -> None:
    shell.json("animate", folder, *SMALL)
    for file in home_of_its_own.glob("state.db*"):
        file.unlink()
    answer = shell.json("rebuild", folder)
    assert [Path(path).name for path in answer["clips"]] == ["a_motion.mp4", "b_motion.mp4"]
    assert "2 clips" in shell.run("rebuild", folder)


def every_command() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """(words, command) of every command and sub-command."""
    for name, command in main.commands.items():
        yield (name,), command
        if isinstance(command, click.Group):
            for action, inner in command.commands.items():
                yield (name, action), inner


COMMANDS = dict(every_command())


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_and_each_of_its_options(shell: Shell, words: tuple[str, ...]) -> None:
    said = shell.run(*words, "--help")
    assert said.startswith(f"Usage: main {' '.join(words)} ")
    assert COMMANDS[words].help
    for option in COMMANDS[words].params:
        if isinstance(option, click.Option):
            assert option.help, f"{option.opts} has no words"


@pytest.mark.parametrize(
    "words",
    [
        ("folders", "list"),
        ("folders", "add"),
        ("folders", "remove"),
        ("plugin", "install"),
        ("plugin", "remove"),
        ("plugin", "status"),
        ("models", "list"),
        ("models", "pull"),
        ("models", "remove"),
        ("models", "where"),
        ("cluster", "status"),
    ],
    ids=" ".join,
)
def test_what_is_done_to_a_thing_is_a_command_of_its_own(words: tuple[str, ...]) -> None:
    assert words in COMMANDS


def test_options_may_stand_before_the_sub_command(shell: Shell, folder: Path) -> None:
    listed = json.loads(shell.run("folders", "--on-request", "--json", "add", folder))["folders"]
    assert [(entry["path"], entry["watch"]) for entry in listed] == [(str(folder), False)]
    assert json.loads(shell.run("folders", "--json"))["folders"] == listed
    assert json.loads(shell.run("folders", "--json", "remove", folder)) == {"folders": []}
    found = json.loads(shell.run("plugin", "--folder", folder, "--json", "status", "darktable"))["plugins"]
    assert [(plugin["host"], plugin["state"]) for plugin in found] == [("darktable", "absent")]


def test_a_document_is_all_that_is_printed_for_programs(shell: Shell, folder: Path) -> None:
    (folder / "broken.jpg").write_text("no photo")
    done = CliRunner().invoke(main, ["facts", str(folder), "--json"])
    assert len(json.loads(done.stdout)["photos"]) == 3
    assert done.stderr == ""
    assert "broken.jpg" in CliRunner().invoke(main, ["facts", str(folder)]).stderr


def test_a_damaged_state_file_is_an_error_for_programs_too(shell: Shell, home_of_its_own: Path) -> None:
    Home(home_of_its_own).make().database.write_bytes(b"garbage garbage")
    assert "damaged" in shell.json("status", status=1)["error"]["message"]


def test_every_setting_of_a_recipe_has_an_option_or_is_for_files_alone() -> None:
    for name in ("animate", "recipe"):
        options = {option.name for option in main.commands[name].params}
        left_out = {"variants"} if name == "recipe" else set()
        assert options >= set(SETTINGS) - FILE_ONLY - left_out
        assert not options & (FILE_ONLY | left_out)
    assert set(SETTINGS) >= FILE_ONLY


def test_ranges_of_options_are_those_of_the_settings() -> None:
    ranges = {
        option.name: (option.type.min, option.type.max)
        for option in main.commands["animate"].params
        if isinstance(option.type, click.FloatRange | click.IntRange)
    }
    assert ranges["duration_s"] == (SETTINGS["duration_s"].low, SETTINGS["duration_s"].high)
    assert ranges["seed"] == (0, 2**31 - 1)
