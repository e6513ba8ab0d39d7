"""`afterframe plugin`: the right folder, upgraded, removed, and nothing of the user's touched; the release."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from afterframe.app import plugins
from afterframe.app.plugins import HOSTS, LUARC_LINE, installation, plugin_files
from afterframe.cli.main import main
from afterframe.config import Home
from afterframe.errors import AfterframeError, UsageError, WrongState

ROOT = Path(__file__).parents[2]
HOME = Home(Path("/somewhere/afterframe home"))


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def installed_files(host: str) -> set[str]:
    source = ROOT / "lrplugin" / HOSTS[host].source
    return files_in(source) | files_in(ROOT / "lrplugin" / "shared") | {"home", "installed.json"}


# -- the right folder --------------------------------------------------------------------------

ANN = {"HOME": "/home/ann", "USERPROFILE": "C:/Users/Ann"}


@pytest.mark.parametrize(
    ("host", "system", "environ", "expected"),
    [
        ("darktable", "linux", {}, "/home/ann/.config/darktable"),
        ("darktable", "linux", {"XDG_CONFIG_HOME": "/cfg"}, "/cfg/darktable"),
        ("darktable", "darwin", {"XDG_CONFIG_HOME": "/cfg"}, "/home/ann/.config/darktable"),
        ("darktable", "win32", {"LOCALAPPDATA": "C:/Users/Ann/AppData/Local"}, "C:/Users/Ann/AppData/Local/darktable"),
        ("darktable", "win32", {}, "C:/Users/Ann/AppData/Local/darktable"),
        ("lightroom", "darwin", {}, "/home/ann/Library/Application Support/Adobe/Lightroom/Modules"),
        ("lightroom", "win32", {"APPDATA": "D:/Roaming"}, "D:/Roaming/Adobe/Lightroom/Modules"),
    ],
)
def test_each_host_has_its_folder_on_each_system(
    host: str, system: str, environ: dict[str, str], expected: str
) -> None:
    assert plugins.host_folders(host, {**ANN, **environ}, system) == [Path(expected)]


def test_every_darktable_that_is_there_gets_it(tmp_path: Path) -> None:
    flatpak = tmp_path / ".var/app/org.darktable.Darktable/config/darktable"
    flatpak.mkdir(parents=True)
    environ = {"HOME": str(tmp_path)}
    assert plugins.host_folders("darktable", environ, "linux") == [flatpak]
    (tmp_path / ".config/darktable").mkdir(parents=True)
    assert plugins.host_folders("darktable", environ, "linux") == [tmp_path / ".config/darktable", flatpak]


def test_lightroom_on_linux_says_where_it_runs() -> None:
    with pytest.raises(AfterframeError, match="Windows and macOS only") as caught:
        plugins.host_folders("lightroom", ANN, "linux")
    assert "--folder" in caught.value.hint


# -- install, upgrade, remove --------------------------------------------------------------------


@pytest.mark.parametrize("host", HOSTS)
def test_installed_seen_upgraded_and_removed(host: str, tmp_path: Path) -> None:
    place = tmp_path / HOSTS[host].folder
    assert plugins.inspect_plugin(host, tmp_path).state == "absent"
    assert plugins.install(host, tmp_path, HOME).state == "installed"
    assert files_in(place) == installed_files(host)
    assert (place / "home").read_text("utf-8") == f"{HOME.root}\n"
    assert plugins.inspect_plugin(host, tmp_path).state == "current"
    assert plugins.install(host, tmp_path, HOME).state == "unchanged"
    # An earlier version: one file is of old, one is no longer shipped; the user's own stays.
    manifest = json.loads((place / "installed.json").read_text())
    first = HOSTS[host].entry_file
    (place / first).write_bytes(HOSTS[host].signature + b" -- an earlier version")
    (place / "gone").mkdir()
    (place / "gone" / "old.lua").write_text("-- no longer shipped")
    (place / "notes.txt").write_text("mine")
    (place / "afterframe.log").write_text("of the plugin")
    manifest["files"] |= {"gone/old.lua": "x", "../outside.txt": "x"}
    (tmp_path / "outside.txt").write_text("mine")
    (place / "installed.json").write_text(json.dumps(manifest))
    assert plugins.inspect_plugin(host, tmp_path).state == "outdated"
    assert plugins.install(host, tmp_path, HOME).state == "upgraded"
    assert (place / first).read_bytes() == plugin_files(host)[first].read_bytes()
    assert files_in(place) == installed_files(host) | {"notes.txt", "afterframe.log"}
    assert not (place / "gone").exists()
    assert plugins.remove(host, tmp_path).state == "removed"
    assert files_in(tmp_path) == {f"{HOSTS[host].folder}/notes.txt", "outside.txt"}
    assert plugins.remove(host, tmp_path).state == "absent"


@pytest.mark.parametrize(("host", "earlier"), [("lightroom", "Json.lua"), ("darktable", "json.lua")])
def test_the_json_module_of_an_earlier_version_gives_way_to_the_shared_one(
    host: str, earlier: str, tmp_path: Path
) -> None:
    target = tmp_path / HOSTS[host].folder
    target.mkdir()
    for name in (HOSTS[host].entry_file, earlier):
        (target / name).write_bytes(HOSTS[host].signature)
    files = {HOSTS[host].entry_file: "x", earlier: "x"}
    (target / "installed.json").write_text(json.dumps({"version": "0.0.9", "files": files}))
    assert plugins.install(host, tmp_path, HOME).state == "upgraded"
    assert files_in(target) == installed_files(host)
    assert (target / "json.lua").read_bytes() == (ROOT / "lrplugin" / "shared" / "json.lua").read_bytes()
    plugins.remove(host, tmp_path)
    assert not target.exists()


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "afterframe"
    place.mkdir()
    (place / "novel.txt").write_text("mine")
    with pytest.raises(AfterframeError, match="not Afterframe's"):
        plugins.install("darktable", tmp_path, HOME)
    assert files_in(tmp_path) == {"afterframe/novel.txt"}
    (place / "novel.txt").unlink()
    place.rmdir()
    place.symlink_to(ROOT / "lrplugin" / "darktable")
    with pytest.raises(AfterframeError, match="is a link"):
        plugins.install("darktable", tmp_path, HOME)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("installed", [False, True], ids=["at first", "in place of ours"])
def test_another_plugin_of_the_same_name_is_left_alone(host: str, installed: bool, tmp_path: Path) -> None:
    place = tmp_path / HOSTS[host].folder
    place.mkdir()
    if installed:
        plugins.install(host, tmp_path, HOME)
    (place / HOSTS[host].entry_file).write_text('return { LrToolkitIdentifier = "org.example.other" }')
    before = {name: (tmp_path / name).read_bytes() for name in files_in(tmp_path)}
    for change in (lambda: plugins.install(host, tmp_path, HOME), lambda: plugins.remove(host, tmp_path)):
        with pytest.raises(WrongState, match="not Afterframe's") as caught:
            change()
        assert caught.value.error_code == "not_ours"
    assert {name: (tmp_path / name).read_bytes() for name in files_in(tmp_path)} == before


@pytest.mark.skipif(os.name == "nt", reason="links are POSIX's")
def test_a_link_inside_the_plugin_is_not_followed(tmp_path: Path) -> None:
    plugins.install("lightroom", tmp_path, HOME)
    presets, elsewhere = tmp_path / "afterframe.lrplugin" / "presets", tmp_path / "elsewhere"
    presets.rename(elsewhere)
    presets.symlink_to(elsewhere)
    before = files_in(elsewhere)
    for change in (lambda: plugins.install("lightroom", tmp_path, HOME), lambda: plugins.remove("lightroom", tmp_path)):
        with pytest.raises(WrongState, match="is a link"):
            change()
    assert files_in(elsewhere) == before


def test_a_luarc_that_is_a_folder_stops_it_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "luarc").mkdir()
    with pytest.raises(WrongState, match="luarc is not a file"):
        plugins.install("darktable", tmp_path, HOME)
    assert [path.name for path in tmp_path.iterdir()] == ["luarc"]
    assert plugins.inspect_plugin("darktable", tmp_path).state == "absent"


def test_a_plugin_that_darktable_does_not_start_is_not_current(tmp_path: Path) -> None:
    plugins.install("darktable", tmp_path, HOME)
    (tmp_path / "luarc").write_text("-- ours went\n")
    assert plugins.inspect_plugin("darktable", tmp_path).state == "outdated"
    assert plugins.install("darktable", tmp_path, HOME).state == "upgraded"
    assert plugins.inspect_plugin("darktable", tmp_path).state == "current"


@pytest.mark.parametrize("host", HOSTS)
def test_a_folder_that_cannot_be_written_is_told_in_words(host: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "inside", tmp_path / ("x" * 300)):
        with pytest.raises(UsageError, match="cannot be read or written") as caught:
            plugins.install(host, folder, HOME)
        assert "--folder" in caught.value.hint
    assert files_in(tmp_path) == {"file"}


def test_a_plugin_unpacked_by_hand_is_taken_over(tmp_path: Path) -> None:
    place = tmp_path / "afterframe.lrplugin"
    place.mkdir()
    (place / "Info.lua").write_text('return { LrToolkitIdentifier = "org.afterframe.lightroom" }')
    plugins.install("lightroom", tmp_path, HOME)
    assert files_in(place) >= set(plugin_files("lightroom"))


@pytest.mark.parametrize(
    "luarc",
    [None, b"", b'require "x"\n', b'require "x"\r\nreturn', b'\xef\xbb\xbfrequire "x"', b"-- \xff not UTF-8\n"],
)
def test_the_users_luarc_keeps_every_byte(tmp_path: Path, luarc: bytes | None) -> None:
    file = tmp_path / "luarc"
    if luarc is not None:
        file.write_bytes(luarc)
    plugins.install("darktable", tmp_path, HOME)
    plugins.install("darktable", tmp_path, HOME)
    wired = file.read_bytes()
    assert wired.count(LUARC_LINE) == 1
    assert wired.removeprefix(b"\xef\xbb\xbf").startswith(LUARC_LINE)
    plugins.remove("darktable", tmp_path)
    if luarc:
        assert file.read_bytes() == luarc
    else:
        assert not file.exists()


@pytest.mark.skipif(os.name == "nt", reason="links and modes are POSIX's")
def test_a_linked_luarc_stays_a_link_with_its_mode(tmp_path: Path) -> None:
    dotfile = tmp_path / "dotfiles-luarc"
    dotfile.write_text('require "x"\n')
    dotfile.chmod(0o600)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "luarc").symlink_to(dotfile)
    plugins.install("darktable", tmp_path / "config", HOME)
    assert (tmp_path / "config" / "luarc").is_symlink()
    assert LUARC_LINE in dotfile.read_bytes()
    assert dotfile.stat().st_mode & 0o777 == 0o600


# -- Python from the Microsoft Store -----------------------------------------------------------------

STORE = r"C:\Program Files\WindowsApps\PythonSoftwareFoundation.Python.3.12_3.12.1264.0_x64__qbz5n2kfra8p0"
APP_DATA = {"LOCALAPPDATA": r"C:\Users\Jürgen\AppData\Local", "APPDATA": r"C:\Users\Jürgen\AppData\Roaming"}
CACHE = r"C:\Users\Jürgen\AppData\Local\Packages\PythonSoftwareFoundation.Python.3.12_qbz5n2kfra8p0\LocalCache"


@pytest.mark.parametrize(
    ("folder", "prefix", "expected"),
    [
        (r"C:\Users\Jürgen\AppData\Roaming\Adobe\Lightroom\Modules", STORE, r"\Roaming\Adobe\Lightroom\Modules"),
        (r"C:\Users\Jürgen\AppData\Local\darktable", STORE, r"\Local\darktable"),
        (r"c:\users\jürgen\appdata\local\darktable", STORE.lower(), None),
        (r"C:\Users\Jürgen\AppData\Local\darktable", r"C:\Users\Jürgen\AppData\Local\Programs\Python312", None),
        (r"D:\Plugins", STORE, None),
        (r"C:\Users\Jürgen\AppData\Locality", STORE, None),
        ("/home/ann/.config/darktable", "/usr", None),
    ],
)
def test_windows_redirects_what_python_from_the_store_writes(folder: str, prefix: str, expected: str | None) -> None:
    found = plugins.redirected(folder, APP_DATA, prefix)
    if folder.startswith("c:"):  # Windows does not tell capitals apart
        assert found is not None
        assert found.lower() == (CACHE + r"\Local\darktable").lower()
    else:
        assert found == (CACHE + expected if expected else None)
    assert plugins.redirected(folder, {}, prefix) is None


def test_an_install_that_windows_redirects_says_where_the_plugin_really_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "redirected", lambda folder: CACHE)
    for command in ("install", "status"):
        said = CliRunner().invoke(main, ["plugin", command, "lightroom", "--folder", str(tmp_path)])
        assert "This Python comes from the Microsoft Store" in said.output
        assert CACHE in said.output.replace("\n", "")
        assert "python.org" in said.output
    done = CliRunner().invoke(main, ["plugin", "status", "lightroom", "--folder", str(tmp_path), "--json"])
    assert json.loads(done.output)["plugins"][0]["redirected"] == CACHE


# -- the command -----------------------------------------------------------------------------------


def test_the_command_says_what_it_did_and_what_comes_next(tmp_path: Path) -> None:
    run = CliRunner().invoke
    done = run(main, ["plugin", "install", "darktable", "--folder", str(tmp_path)])
    assert done.exit_code == 0
    assert str(tmp_path / "afterframe") in done.output
    assert "Start darktable again" in done.output
    done = run(main, ["plugin", "status", "darktable", "--folder", str(tmp_path), "--json"])
    (found,) = json.loads(done.output)["plugins"]
    assert (found["host"], found["state"]) == ("darktable", "current")
    done = run(main, ["plugin", "remove", "darktable", "--folder", str(tmp_path), "--json"])
    assert json.loads(done.output)["plugins"][0]["state"] == "removed"
    assert not list(tmp_path.iterdir())
    (tmp_path / "afterframe").write_text("a file")
    done = run(main, ["plugin", "install", "darktable", "--folder", str(tmp_path), "--json"])
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"]["code"] == "not_ours"


# -- the release -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_release_is_the_same_twice_and_its_wheel_brings_the_plugins(tmp_path: Path) -> None:
    for name in ("one", "two"):
        command = [sys.executable, str(ROOT / "scripts" / "release.py"), "--dist", str(tmp_path / name)]
        subprocess.run(command, check=True, capture_output=True)
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two
    (wheel,) = (tmp_path / "one").glob("*.whl")
    (archive,) = (tmp_path / "one").glob("*.zip")
    with zipfile.ZipFile(archive) as opened:
        names = {name.partition("/")[2] for name in opened.namelist()}
        read_me = opened.read(next(name for name in opened.namelist() if name.endswith("READ ME.txt"))).decode()
    assert names == {
        *(wheel.name, "LICENSE", "READ ME.txt"),
        *(f"lightroom/afterframe.lrplugin/{name}" for name in plugin_files("lightroom")),
        *(f"darktable/afterframe/{name}" for name in plugin_files("darktable")),
    }
    assert wheel.name in read_me
    assert LUARC_LINE.decode() in read_me
    # From the wheel alone, without the source tree; the libraries come from this very environment.
    installed = tmp_path / "site"
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(installed)
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); "
        "from afterframe.app import plugins; from afterframe.config import Home; "
        "assert plugins.__file__.startswith(sys.argv[1]), plugins.__file__; "
        "[plugins.install(host, Path(sys.argv[2]), Home.find()) for host in plugins.HOSTS]"
    )
    target = tmp_path / "hosts"
    target.mkdir()
    subprocess.run([sys.executable, "-c", program, str(installed), str(target)], check=True, cwd=tmp_path)
    for host in HOSTS:
        assert files_in(target / HOSTS[host].folder) == installed_files(host)
