"""Photos on an SMB share and on a vfat stick, as scripts/faults_shim/share.c imitates them: case is folded there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from faults_processes import Afterframe, clips_in, until

from factories import make_photo_file
from faults_rig import FAST, NotHere, Rig, Tally, preload
from faults_shares import LIKES, shares

Run = Callable[[str], str]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return preload("share.c", tmp_path_factory.mktemp("shim"))
    except NotHere as why:
        pytest.skip(f"no share can be imitated here: {why}")


@pytest.fixture(params=LIKES)
def like(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def on_share(library: Path, folder: Path, like: str) -> dict[str, str]:
    """The environment of a process to which the photos' folder is a share."""
    return {"LD_PRELOAD": str(library), "SHARE_FOLDER": str(folder), "SHARE_LIKE": like}


@pytest.fixture
def share(afterframe: Afterframe, folder: Path, on_share: dict[str, str]) -> Path:
    """The photos' folder, a share to every command of Afterframe."""
    afterframe.environment.update(on_share)
    return folder


@pytest.fixture
def run(on_share: dict[str, str], folder: Path) -> Run:
    """Runs Python in the folder; what it prints."""

    def _run(code: str) -> str:
        given = "import os; from pathlib import Path\n" + code
        done = subprocess.run(
            [sys.executable, "-c", given],
            cwd=folder,
            env={**os.environ, **on_share},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return _run


def refused(code: str) -> str:
    """Python that prints the name of the error with which the system refuses something."""
    return f"import errno\ntry: {code}\nexcept OSError as e: print(errno.errorcode[e.errno])"


# -- what is imitated ----------------------------------------------------------------------------


def test_a_share_finds_names_in_any_case_and_keeps_the_first_spelling(run: Run, folder: Path) -> None:
    (folder / "Trip").mkdir()
    (folder / "Trip" / "Über.JPG").write_text("first")
    assert run("print(open('TRIP/üBER.jpg').read(), os.path.exists('trip'), os.listdir('tRIP'))").startswith(
        "first True"
    )
    run("open('trip/über.jpg', 'w').write('second'); os.replace('TRIP', 'trip')")
    assert (folder / "trip" / "Über.JPG").read_text() == "second"


@pytest.mark.parametrize(
    ("code", "smb", "vfat"),
    [
        ("os.open('A.JPG', os.O_CREAT | os.O_EXCL)", "EEXIST", "EEXIST"),
        ("os.link('a.jpg', 'b')", "ENOTSUP", "EPERM"),
        ("os.symlink('a.jpg', 'b')", "EPERM", "EPERM"),
        ("os.fsync(os.open('.', os.O_RDONLY))", "EINVAL", "EINVAL"),
        ("os.chmod('a.jpg', 0o600)", "", "EPERM"),
        ("open('b:c', 'w')", "", "EINVAL"),
        ("os.mkdir('b. ')", "", "EINVAL"),
        ("os.truncate('a.jpg', 1 << 32)", "", "EFBIG"),
        ("held = open('a.jpg'); os.unlink('A.jpg')", "EBUSY", ""),
        ("held = open('a.jpg'); open('b', 'w'); os.replace('b', 'A.JPG')", "EACCES", ""),
    ],
)
def test_a_share_refuses_what_its_kind_refuses(
    run: Run, folder: Path, like: str, code: str, smb: str, vfat: str
) -> None:
    (folder / "a.jpg").touch()
    assert run(refused(code)) == (smb if like == "smb" else vfat)


def test_a_stick_keeps_times_in_steps_of_two_seconds(run: Run, folder: Path, like: str) -> None:
    (folder / "a.jpg").touch()
    os.utime(folder / "a.jpg", (7.5, 7.5))
    seen = run("print(os.stat('a.jpg').st_mtime, [e.stat().st_mtime for e in os.scandir('.')])")
    assert seen == ("6.0 [6.0]" if like == "vfat" else "7.5 [7.5]")


# -- files are placed exclusively all the same ----------------------------------------------------


def test_a_rename_to_a_free_name_meets_the_name_in_another_case(run: Run, folder: Path) -> None:
    (folder / "ours").write_text("ours")
    (folder / "THEIRS").write_text("theirs")
    free = "from photometa.rename import *; move_to_free_name"
    assert run(refused(f"{free}('ours', 'theirs')")) == "EEXIST"
    run(f"{free}('ours', 'free')")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"THEIRS": "theirs", "free": "ours"}


def test_a_sidecar_that_is_open_for_an_instant_is_replaced_after_it(run: Run, folder: Path) -> None:
    (folder / "a.xmp").write_text("old")
    run(
        "import threading; from photometa.atomic import replace_file; held = open('a.xmp')\n"
        "threading.Timer(0.1, held.close).start(); replace_file(Path('A.xmp'), b'new')"
    )
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"a.xmp": "new"}


def test_a_path_is_spelled_as_its_folders_spell_it(run: Run, folder: Path) -> None:
    (folder / "Trip").mkdir()
    (folder / "Trip" / "Über.JPG").touch()
    paths = "from afterframe.system.paths import *; here = str(Path.cwd()); "
    assert run(f"{paths}print(as_spelled(here + '/trip/üBER.jpg'))") == str(folder / "Trip" / "Über.JPG")
    assert run(f"{paths}print(as_spelled(here + '/trip/new.jpg'))") == str(folder / "Trip" / "new.jpg")
    assert run(f"{paths}print(spelled_inside(here + '/TRIP/über.jpg', [here + '/trip']))") == str(
        folder / "trip" / "Über.JPG"
    )
    assert run(f"{paths}print(stands_as_spelled(Path(here, 'trip'), [Path(here)]))") == "False"


# -- Afterframe on it ------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_photo_named_in_another_case_is_the_same_photo(afterframe: Afterframe, share: Path) -> None:
    (share / "Trip").mkdir()
    make_photo_file(share / "Trip" / "DSC_1.JPG")
    (first,) = afterframe.animate(share / "Trip" / "DSC_1.JPG")
    (second,) = afterframe.animate(share / "trip" / "dsc_1.jpg")
    assert (first["state"], second["state"]) == ("done", "done"), (first, second)
    assert clips_in(share) == ["Trip/DSC_1_motion.mp4"]
    assert len(afterframe.rows("SELECT id FROM photos")) == 1


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_renamed_photo_is_known_without_the_state_file(afterframe: Afterframe, share: Path) -> None:
    photo = make_photo_file(share / "DSC_1.JPG")
    afterframe.animate(photo)
    photo.rename(share / "dsc_1.jpg")
    for file in afterframe.home.glob("state.db*"):
        file.unlink()
    afterframe.settings(watch=FAST)
    afterframe.serve(share)
    until(lambda: afterframe.rows("SELECT id FROM clips WHERE present"), "the clip to be adopted")
    assert afterframe.states() == {}
    assert clips_in(share) == ["DSC_1_motion.mp4"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_is_renamed_in_its_case_alone_is_what_it_was(afterframe: Afterframe, share: Path) -> None:
    (share / "Trip").mkdir()
    make_photo_file(share / "Trip" / "DSC_1.jpg")
    afterframe.settings(watch=FAST)
    daemon = afterframe.serve(share)
    until(afterframe.idle)
    (clip,) = afterframe.rows("SELECT id, path FROM clips")
    daemon.stop()
    (share / "Trip").rename(share / "TRIP")
    for name in ("DSC_1_motion.mp4", "DSC_1_motion.mp4.xmp"):
        (share / "TRIP" / name).rename(share / "TRIP" / name.lower())
    afterframe.serve(share)
    until(lambda: afterframe.rows("SELECT id FROM clips WHERE path = ?", str(share / "TRIP" / "dsc_1_motion.mp4")))
    until(lambda: afterframe.rows("SELECT 1 FROM photos WHERE path = ?", str(share / "TRIP" / "DSC_1.jpg")))
    assert [row["id"] for row in afterframe.rows("SELECT id FROM clips")] == [clip["id"]]
    assert afterframe.states() == {"done": 1}
    assert clips_in(share) == ["TRIP/dsc_1_motion.mp4"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_folder_named_in_another_case_is_no_second_folder(afterframe: Afterframe, share: Path) -> None:
    (share / "Trip").mkdir()
    for name in ("Trip", "trip"):
        afterframe.ask("folders", "add", share / name)
    listed = afterframe.ask("folders", "list")
    assert [folder["path"] for folder in listed["folders"]] == [str(share / "Trip")]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_is_lost_doubled_or_overwritten_on_a_share(tmp_path: Path, library: Path, like: str) -> None:
    rig = Rig(tmp_path, Tally("shares"))
    try:
        shares(rig, 5, (like,))
    finally:
        for daemon in rig.afterframe.daemons:
            daemon.end()
    wrong = ("lost", "doubled", "partial", "changed", "hidden", "stuck", "strikes")
    assert {name: getattr(rig.tally, name) for name in wrong} == dict.fromkeys(wrong, 0)
    assert rig.tally.times == 5
