"""The scripts: set-up, demo, checks, benches; and the whole code without what Windows lacks."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

import photometa
from factories import make_photo_file

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "scripts"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Loader]]:
    """Scripts by name, forgotten afterwards."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield Loader
    for file in SCRIPTS.glob("*.py"):
        if file.stem != "test":  # the standard library has a package of that name
            sys.modules.pop(file.stem, None)


class Loader:
    def __class_getitem__(cls, name: str) -> ModuleType:
        if name != "test":
            return importlib.import_module(name)
        spec = importlib.util.spec_from_file_location("the_test_script", SCRIPTS / "test.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


# -- the environment ---------------------------------------------------------------------------


def test_an_old_python_is_told_what_it_takes(load: type[Loader], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 2, "final", 0))
    with pytest.raises(SystemExit, match=r"needs Python 3.11 or newer; this is 3.10.2"):
        load["environment"].require_python()


def test_a_missing_venv_module_names_the_debian_package(
    load: type[Loader], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = load["environment"]
    monkeypatch.setattr(environment, "PYTHON", tmp_path / "none")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else object())
    with pytest.raises(SystemExit, match="apt install python3-venv"):
        environment.require_python()


@pytest.fixture
def fake_venv(load: type[Loader], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[ModuleType, list[str]]:
    """The environment module over an empty folder; pip calls are only written down."""
    environment, calls = load["environment"], []
    (tmp_path / "pyproject.toml").write_text("[project]")
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(environment, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(environment, "_pip", lambda *arguments: calls.append(" ".join(arguments)))
    return environment, calls


def test_installing_again_is_skipped(fake_venv: tuple[ModuleType, list[str]]) -> None:
    environment, calls = fake_venv
    environment.install(["demo"])
    environment.install(["demo"])
    assert calls == [f"install --editable {environment.ROOT}[demo]"]


def test_what_was_installed_for_tests_is_enough_to_start(fake_venv: tuple[ModuleType, list[str]]) -> None:
    environment, calls = fake_venv
    environment.install(["test", "demo"], ["torch"])
    environment.install(["demo"])
    assert len(calls) == 1


@pytest.mark.parametrize("change", ["pyproject", "extras", "packages"])
def test_what_changed_is_installed_again(fake_venv: tuple[ModuleType, list[str]], change: str) -> None:
    environment, calls = fake_venv
    environment.install(["demo"])
    if change == "pyproject":
        (environment.ROOT / "pyproject.toml").write_text("[project]\n")
    environment.install(["demo", *["gpu"] * (change == "extras")], ["torch"] * (change == "packages"))
    assert len(calls) == 2


def test_a_failing_pip_says_its_last_words(
    load: type[Loader], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = load["environment"]
    monkeypatch.setattr(environment, "PYTHON", Path(sys.executable))
    with pytest.raises(SystemExit, match="pip could not install"):
        environment._pip("install", "--no-index", str(tmp_path / "nothing-here"))
    assert "nothing-here" in capsys.readouterr().err


# -- start -------------------------------------------------------------------------------------


def test_a_gpu_brings_the_gpu_extra(load: type[Loader], capsys: pytest.CaptureFixture[str]) -> None:
    assert load["start"].extras(demo=True, gpu=True) == ["demo", "gpu"]
    assert "A GPU is here" in capsys.readouterr().out


def test_without_a_gpu_it_says_how_to_use_one_later(load: type[Loader], capsys: pytest.CaptureFixture[str]) -> None:
    assert load["start"].extras(demo=False, gpu=False) == []
    assert "pip install -e '.[gpu]'" in capsys.readouterr().out


def test_apple_silicon_is_a_gpu(load: type[Loader], monkeypatch: pytest.MonkeyPatch) -> None:
    start = load["start"]
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(start.platform, "machine", lambda: "arm64")
    assert start.has_gpu()


def test_a_driver_without_a_card_is_no_gpu(load: type[Loader], monkeypatch: pytest.MonkeyPatch) -> None:
    start = load["start"]
    monkeypatch.setattr(start.shutil, "which", lambda name: sys.executable)  # answers -L with an error
    assert not start.has_gpu()


def test_the_default_folder_is_made(load: type[Loader], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    start, ran = load["start"], []
    monkeypatch.setattr(start, "install", lambda extras: None)
    monkeypatch.setattr(start, "ask_python", lambda code: tmp_path / "Pictures" / "Afterframe")
    monkeypatch.setattr(start, "run", lambda options, demo: ran.append((options.folder, demo)) or 0)
    assert start.main(["--no-open", "--no-detectors"]) == 0
    assert ran == [([str(tmp_path / "Pictures" / "Afterframe")], None)]
    assert (tmp_path / "Pictures" / "Afterframe").is_dir()


def test_set_up_goes_on_without_the_detectors(
    load: type[Loader], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    start = load["start"]
    monkeypatch.setattr(start, "PYTHON", Path(sys.executable))
    monkeypatch.setenv("AFTERFRAME_HOME", str(tmp_path))
    monkeypatch.setenv("AFTERFRAME_DETECTORS_URL", "http://127.0.0.1:9")
    start.fetch_detectors()
    said = capfd.readouterr()
    assert "0.2 MB, MIT" in said.out
    assert "3.7 MB, Apache-2.0" in said.out
    assert "Going on without the detectors" in said.out
    assert "it cannot be reached" in said.err


STARTED_HERE = f"""
import sys
sys.path.insert(0, {str(SCRIPTS)!r})
from pathlib import Path
import environment, start
environment.PYTHON = start.PYTHON = Path(sys.executable)  # as if this were .venv
start.install = lambda extras: None
start.extras = lambda demo, gpu: []
sys.exit(start.main(sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to one process on Windows")
def test_the_demo_shows_a_clip_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "Pictures").mkdir()
    environ = {**os.environ, "HOME": str(tmp_path), "AFTERFRAME_HOME": str(tmp_path / "home")}
    environ["AFTERFRAME_DETECTORS_URL"] = "http://127.0.0.1:9"  # nobody answers there
    environ.pop("XDG_PICTURES_DIR", None)
    command = [sys.executable, "-c", STARTED_HERE, "--demo", "--no-open", "--port", "0"]
    started = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    said = []
    for line in started.stdout:
        said.append(line)
        if line.startswith("Clip 1 of 4"):
            started.send_signal(signal.SIGINT)
    assert started.wait() == 0, said
    started.stdout.close()
    folder = tmp_path / "Pictures" / "Afterframe demo"
    first = next(Path(line.partition(": ")[2].strip()) for line in said if line.startswith("Clip 1"))
    assert first.parent == folder
    assert first.is_file()
    assert not list(folder.glob(".afterframe-*"))


# -- the demo's photos -------------------------------------------------------------------------


def test_demo_photos_have_camera_data_that_says_it_is_made_up(load: type[Loader], tmp_path: Path) -> None:
    demo = load["demo_photos"]
    for photo, path in zip(demo.PHOTOS, demo.write_photos(tmp_path), strict=True):
        facts = photometa.read(path)
        assert (facts.caption, facts.iso, facts.focal_mm) == (photo.caption, photo.iso, photo.focal_mm)
        assert facts.exposure_s == pytest.approx(photo.exposure_s[0] / photo.exposure_s[1])
        with Image.open(path) as opened:
            assert b"made up for Afterframe's demo" in opened.getexif().get_ifd(0x8769)[0x9286]
        assert facts.camera_make == "Afterframe demo"


def test_demo_photos_are_all_in_the_readme_with_their_licence(load: type[Loader]) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    missing = [
        p.name for p in load["demo_photos"].PHOTOS if p.licence not in readme or Path(p.source).stem not in readme
    ]
    assert not missing


def test_each_demo_gets_a_folder_of_its_own(
    load: type[Loader], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    demo = load["demo_photos"]
    monkeypatch.setattr(demo, "user_pictures_path", lambda: tmp_path)
    assert [demo.new_folder().name for _ in range(3)] == ["Afterframe demo", "Afterframe demo 2", "Afterframe demo 3"]


def test_without_pictures_the_demo_makes_them(
    load: type[Loader], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    demo = load["demo_photos"]
    monkeypatch.setattr(demo, "user_pictures_path", lambda: tmp_path / "none")
    assert demo.new_folder() == tmp_path / "none" / "Afterframe demo"
    assert (tmp_path / "none" / "Afterframe demo").is_dir()


# -- test and check ----------------------------------------------------------------------------


def test_in_ci_a_missing_program_is_a_failure(load: type[Loader], monkeypatch: pytest.MonkeyPatch) -> None:
    script = load["test"]
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr(script, "missing", lambda: ["darktable"])
    monkeypatch.setattr(script, "apt", lambda *arguments: None)
    with pytest.raises(SystemExit, match="These packages are missing: darktable"):
        script.install_programs()


def test_elsewhere_a_missing_program_is_said(
    load: type[Loader], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load["test"]
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(script, "missing", lambda: ["darktable"])
    monkeypatch.setattr(script, "is_debian_root", lambda: False)
    script.install_programs()
    assert "will skip: darktable" in capsys.readouterr().out


def test_without_npm_the_tests_ask_the_systems_exiftool_only(
    load: type[Loader], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load["test"]
    monkeypatch.setattr(script, "VENV", tmp_path)
    monkeypatch.setattr(script.shutil, "which", lambda program: None)
    script.install_newest_exiftool()
    assert "the system's exiftool only" in capsys.readouterr().out


def test_with_npm_the_newest_exiftool_is_brought_once(
    load: type[Loader], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script, ran = load["test"], []
    (tmp_path / "exiftool").mkdir()
    monkeypatch.setattr(script, "VENV", tmp_path)
    monkeypatch.setattr(script.shutil, "which", lambda program: program)

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(script.subprocess, "run", run)
    script.install_newest_exiftool()
    script.install_newest_exiftool()
    assert [command[-1] for command in ran] == [script.EXIFTOOL]


@pytest.mark.parametrize(("checked", "tested", "status"), [(0, 0, 0), (1, 0, 1), (0, 1, 1), (1, 2, 2)])
def test_a_failure_anywhere_is_the_exit_status(
    load: type[Loader], monkeypatch: pytest.MonkeyPatch, checked: int, tested: int, status: int
) -> None:
    script, ran = load["test"], []
    monkeypatch.setattr(script, "install_programs", lambda: None)
    monkeypatch.setattr(script, "install", lambda extras, packages: None)
    monkeypatch.setattr(script, "install_newest_exiftool", lambda: None)

    def run(*arguments: str) -> int:
        ran.append(arguments)
        return checked if arguments[0].endswith("check.py") else tested

    monkeypatch.setattr(script, "run", run)
    assert script.main(["-k", "jpeg"]) == status
    assert ran[-1][-2:] == ("-k", "jpeg")


def test_check_runs_everything_and_names_what_failed(
    load: type[Loader], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    check = load["check"]

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(command, int("mypy" in command))

    monkeypatch.setattr(check.subprocess, "run", run)
    monkeypatch.setattr(check.check_page, "check", lambda: ["tests of the page"])
    assert check.main() == 1
    assert "check: types, types of the scripts, tests of the page failed" in capsys.readouterr().out


@pytest.mark.parametrize(("ci", "failed"), [("", []), ("true", ["page"])])
def test_without_node_the_page_is_not_checked_which_ci_takes_for_a_failure(
    load: type[Loader],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ci: str,
    failed: list[str],
) -> None:
    page = load["check_page"]
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(page.shutil, "which", lambda program: None)
    assert page.check() == failed
    assert "node and npm not found" in capsys.readouterr().out


def test_the_tools_of_the_page_are_installed_once_as_they_are_pinned(
    load: type[Loader], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page, ran = load["check_page"], []
    monkeypatch.setattr(page, "TOOLS", tmp_path / "tools")
    monkeypatch.setattr(page.shutil, "which", lambda program: program)
    statuses = iter([1, 0])

    def run(command: list[str], **more: object) -> subprocess.CompletedProcess[bytes]:
        ran.append((command[:2], more["cwd"]))
        return subprocess.CompletedProcess(command, next(statuses))

    monkeypatch.setattr(page.subprocess, "run", run)
    assert "Is there a network?" in page.unready()
    assert page.unready() == page.unready() == ""
    assert ran == [(["npm", "ci"], tmp_path / "tools")] * 2
    pinned = json.loads((tmp_path / "tools" / "package.json").read_text())["devDependencies"]
    assert all(version[0].isdigit() for version in pinned.values())


# -- benches -----------------------------------------------------------------------------------


def test_every_bench_is_listed_with_what_it_measures(load: type[Loader], capsys: pytest.CaptureFixture[str]) -> None:
    bench = load["bench"]
    with pytest.raises(SystemExit, match="0"):
        bench.main(["--help"])
    shown = capsys.readouterr().out
    for name, about in bench.known().items():
        assert about, f"bench_{name}.py does not say what it measures"
        assert about in shown


def test_an_unknown_bench_is_a_usage_error(load: type[Loader]) -> None:
    with pytest.raises(SystemExit, match="2"):
        load["bench"].main(["nonsense"])


def test_numbers_come_as_a_table_and_as_json(
    load: type[Loader], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = load["bench"]
    fake = ModuleType("bench_render")
    fake.main = lambda argv: {"fps": {"ours": 19.123456}, "given": argv}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bench_render", fake)
    assert bench.main(["render", "--json", str(tmp_path / "numbers.json"), "--runs", "1"]) == 0
    assert "fps: ours" in capsys.readouterr().out
    assert json.loads((tmp_path / "numbers.json").read_text())["fps"] == {"ours": 19.123456}
    assert json.loads((tmp_path / "numbers.json").read_text())["given"] == ["--runs", "1"]


@pytest.mark.slow
def test_the_render_bench_runs_all_three_ways(
    load: type[Loader], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    render = load["bench_render"]
    monkeypatch.setattr(render, "SIZE", (192, 128))
    photo = make_photo_file(tmp_path / "photo.jpg", (384, 256))
    numbers = render.speeds(photo, render.parse(["--seconds", "0.5", "--runs", "1"]))
    assert set(numbers["frames_per_second"]) == {"pipeline", "x264", "zoompan"}
    assert numbers["pipeline_over_x264"] > 0


@pytest.mark.slow
def test_the_ingest_bench_counts_every_photo_and_file(load: type[Loader]) -> None:
    ingest = load["bench_ingest"]
    assert ingest.arrivals(2, 0.0, "renamed")["photos"] == 2
    numbers = ingest.scans(30)
    assert numbers["files"] == 30
    assert numbers["known_folder_s"] > 0


# -- without what Windows lacks ----------------------------------------------------------------

AS_ON_WINDOWS = '''
"""Makes what Windows lacks unavailable, in this process and in its children."""
import os
import sys

import psutil  # its Linux half needs what its Windows half does not

GONE = {"fcntl", "grp", "pwd", "resource", "termios"}


class Gone:
    def find_spec(self, name, path=None, target=None):
        if name in GONE:
            raise ModuleNotFoundError(f"No module named {name!r} (as on Windows)", name=name)


for name in GONE:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Gone())
for name in ("fork", "forkpty"):
    if hasattr(os, name):
        delattr(os, name)
'''
SOFT_LOCKS = "ignore:only soft file lock is available:UserWarning"
EVERY_MODULE = """
import importlib, pkgutil
import afterframe, photometa
for package in (afterframe, photometa):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""


def run_as_on_windows(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    place = tmp_path / "as-on-windows"
    place.mkdir()
    (place / "sitecustomize.py").write_text(textwrap.dedent(AS_ON_WINDOWS))
    environ = {**os.environ, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    for name in list(environ):
        if name.startswith("PYTEST_"):  # what xdist tells its own workers
            del environ[name]
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_every_module_imports_without_what_windows_lacks(tmp_path: Path) -> None:
    done = run_as_on_windows(tmp_path, "-c", EVERY_MODULE)
    assert done.returncode == 0, done.stderr


TABLES_OF_REQUESTS = ("gate", "contract", "schemathesis")
"""Long, and the same on every system: they run once, in the suite itself."""


UNITS = ROOT / "tests/afterframe"
FOLDERS = sorted({f"tests/afterframe/{file.relative_to(UNITS).parts[0]}" for file in UNITS.glob("*/**/test_*.py")})
PARTS = {folder: [folder] for folder in [*FOLDERS, "tests/photometa"]} | {
    "tests/afterframe": sorted(str(file) for file in ROOT.glob("tests/afterframe/test_*.py"))
}
"""Parts of the unit tests -> what pytest is given; each runs in a process of its own, beside the others."""


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("part", PARTS)
def test_unit_tests_pass_without_what_windows_lacks(part: str, tmp_path: Path) -> None:
    options = ["-q", "-m", "not slow and not gpu", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", SOFT_LOCKS]
    options += [f"--ignore=tests/afterframe/web/test_web_{name}.py" for name in TABLES_OF_REQUESTS]
    done = run_as_on_windows(tmp_path, "-m", "pytest", *options, *PARTS[part])
    assert done.returncode == 0, done.stdout[-6000:]
