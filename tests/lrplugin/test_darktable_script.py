"""darktable's plugin in a real Lua 5.4, over real curl, against a real daemon; darktable itself is in tests/hosts."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from lupa import lua54
from squatter import KINDS, squatting

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))  # faults_processes has the daemon

from faults_processes import Afterframe, until

from afterframe.domain import Quality
from afterframe.web.auth.boot import Boot
from factories import make_photo_file

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "lrplugin" / "darktable"
SHARED = ROOT / "lrplugin" / "shared"
FAKE = Path(__file__).with_name("fake_darktable.lua")
_pause = threading.Event()

if os.name == "nt":
    collect_ignore_glob = ["test_darktable_script.py"]


def source(file: Path) -> Path:
    """Where a file of the plugin is in the source tree, in which those that both plugins share lie elsewhere."""
    return file if file.is_file() else SHARED / file.name


class Script:
    """afterframe.lua, loaded into a fake darktable."""

    def __init__(self, config: Path, api_major: int = 9, system: str = "linux") -> None:
        self.lua = lua54.LuaRuntime(unpack_returned_tuples=True, encoding="utf-8")
        names = self.lua.globals()
        names.CONFIG_DIR, names.API_MAJOR, names.SYSTEM = str(config), api_major, system
        names.PAUSE = lambda: _pause.wait(0.02) and None
        self.fake = self.lua.execute(FAKE.read_text("utf-8"))
        names.FAKE = self.fake
        self.lua.execute('package.preload.darktable = function() return FAKE.dt end; require "darktable"')
        dofile = names.dofile
        names.dofile = lambda path: dofile(str(source(Path(path))))
        self.load()

    def load(self) -> Any:
        self.script_data = self.lua.eval("dofile")(str(PLUGIN / "afterframe.lua"))
        return self.script_data

    def photo(self, path: Path, **fields: Any) -> Any:
        return self.fake.image(str(path.parent), path.name, self.lua.table_from(fields))

    def select(self, *images: Any) -> None:
        self.lua.globals().CHOSEN = self.lua.table_from(images)
        self.lua.execute("while #FAKE.selected > 0 do table.remove(FAKE.selected) end")
        self.lua.execute("table.move(CHOSEN, 1, #CHOSEN, 1, FAKE.selected)")

    def press(self, name: str) -> None:
        self.fake.events[f"afterframe_{name} shortcut"]()

    def said(self) -> list[str]:
        assert not list(self.fake.errors.values()), list(self.fake.errors.values())
        return list(self.fake.printed.values())

    def prefer(self, **preferences: str) -> None:
        for name, value in preferences.items():
            self.fake.preferences_kept[name] = value


def tags(image: Any) -> set[str]:
    return {name.removeprefix("darktable|afterframe|") for name in image.tags}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Afterframe]:
    """A daemon that watches one folder."""
    made = Afterframe(tmp_path / "running" / "home")
    made.settings()
    (made.home.parent / "exports").mkdir(parents=True)
    made.serve(made.home.parent / "exports")
    yield made
    for daemon in made.daemons:
        daemon.end()


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """The script beside a home in which no daemon was ever started."""
    (tmp_path / "config").mkdir()
    return Script(tmp_path / "config")


@pytest.fixture
def connected(running: Afterframe, tmp_path: Path) -> Script:
    """The script as ``plugin install`` connects it with the running daemon."""
    note = tmp_path / "config" / "afterframe" / "home"
    note.parent.mkdir(parents=True)
    note.write_text(f"{running.home}\n")
    return Script(tmp_path / "config")


@pytest.fixture
def modules(script: Script) -> Any:
    """name -> one of the script's modules."""
    return lambda name: script.lua.eval("dofile")(str(PLUGIN / f"{name}.lua"))


# -- the daemon, reached or not ------------------------------------------------------------------


@pytest.mark.parametrize("made_by_lua", [True, False], ids=["mkstemp", "tmpnam"])
def test_the_token_stands_on_no_command_line_and_no_file_is_left(
    running: Afterframe, connected: Script, tmp_path: Path, made_by_lua: bool
) -> None:
    temporary = tmp_path / "it's temporary"
    temporary.mkdir()
    names, modes = [], []

    def tmpname() -> str:
        names.append(str(temporary / f"lua_{len(names)}"))
        if made_by_lua:
            Path(names[-1]).touch(0o600)
        return names[-1]

    connected.lua.globals().os.tmpname = tmpname
    execute = connected.lua.globals().os.execute

    def look(command: str) -> Any:
        modes.extend(path.stat().st_mode & 0o777 for path in temporary.iterdir() if path.stat().st_size)
        return execute(command)

    connected.lua.globals().os.execute = look
    connected.select(connected.photo(make_photo_file(running.home.parent / "exports" / "token.jpg")))
    connected.press("open")
    token = (running.home / "token").read_text().strip()
    commands = list(connected.fake.commands.values())
    assert commands
    assert not [command for command in commands if token in command or "Bearer" in command]
    assert set(modes) == {0o600}
    assert not list(temporary.iterdir())
    assert connected.said() == ["Afterframe: The selected photos have no clips yet."]


def test_without_a_daemon_it_says_how_to_start_one(script: Script, tmp_path: Path) -> None:
    script.select(script.photo(make_photo_file(tmp_path / "photo.jpg")))
    script.press("animate")
    assert "has never been started on this computer" in script.said()[-1]
    home = Path(os.environ["AFTERFRAME_HOME"])
    home.mkdir()
    (home / "token").write_text("x" * 40)
    script.press("animate")
    assert script.said()[-1] == "Afterframe: Afterframe is not running. Start it with “afterframe serve”."
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        (home / "daemon.json").write_text(json.dumps({"url": f"http://127.0.0.1:{taken.getsockname()[1]}"}))
        script.press("animate")
    assert script.said()[-1] == "Afterframe: Afterframe is not running. Start it with “afterframe serve”."
    assert not list(script.fake.jobs)


def test_a_wrong_token_is_told_in_the_daemons_words(running: Afterframe, connected: Script) -> None:
    url = json.loads((running.home / "daemon.json").read_text())["url"]
    connected.prefer(address=f"{url}/", token="wr\"ong\\ $(id) %TEMP% '")
    connected.select(connected.photo(make_photo_file(running.home.parent / "exports" / "wrong.jpg")))
    connected.press("approve")
    assert "token" in connected.said()[-1].lower()


def test_a_missing_curl_is_named(connected: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    connected.select(connected.photo(tmp_path / "photo.jpg"))
    connected.press("approve")
    assert "The program curl is missing" in connected.said()[-1]


def test_something_else_at_the_address_is_no_afterframe(connected: Script, tmp_path: Path) -> None:
    class Stranger(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(404)
            self.end_headers()
            self.wfile.write(b"<html>not here")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        connected.prefer(address=f"http://127.0.0.1:{server.server_port}")
        connected.select(connected.photo(tmp_path / "photo.jpg"))
        connected.press("approve")
        server.shutdown()
        thread.join()
    assert "The server at this address is not Afterframe" in connected.said()[-1]


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_has_a_dead_daemons_address_is_sent_neither_token_nor_photos(
    script: Script, tmp_path: Path, kind: str
) -> None:
    home, token = Path(os.environ["AFTERFRAME_HOME"]), "t" * 40
    home.mkdir()
    (home / "token").write_text(token)
    boot = Boot(token)
    earlier = {"name": "afterframe", "boot": boot.id, "proof": boot.proof("an earlier challenge")}
    script.select(script.photo(make_photo_file(tmp_path / "secret wedding.jpg")))
    with squatting(kind, earlier=earlier) as squatter:
        (home / "daemon.json").write_text(json.dumps({"url": squatter.url}))
        for action in ("animate", "refresh", "open", "approve", "reject"):
            script.press(action)
    assert len(squatter.heard) >= 5
    for heard in squatter.heard:
        assert heard.startswith("GET /api/health?challenge=")
        for secret in (token, boot.key, "Authorization", "wedding"):
            assert secret not in heard
    challenges = [heard.split()[1] for heard in squatter.heard]
    assert len(set(challenges)) == len(challenges)
    if kind in ("health", "echo", "replay"):
        assert "Afterframe is not running; another program answers at its address." in script.said()[-1]


def test_a_daemon_that_is_started_again_is_known_anew(running: Afterframe, connected: Script) -> None:
    image = connected.photo(make_photo_file(running.home.parent / "exports" / "again.jpg"))
    connected.select(image)
    connected.press("open")
    port = json.loads((running.home / "daemon.json").read_text())["url"].rpartition(":")[2]
    running.daemons[-1].kill()
    connected.press("open")
    assert connected.said()[-1] == "Afterframe: Afterframe is not running. Start it with “afterframe serve”."
    with squatting("health", int(port)) as squatter:  # the address of the one that was killed
        connected.press("animate")
    assert {heard.partition("=")[0] for heard in squatter.heard} == {"GET /api/health?challenge"}
    running.serve(running.home.parent / "exports")
    connected.press("open")
    assert connected.said()[-1] == "Afterframe: The selected photos have no clips yet."


def test_proxies_and_the_users_curlrc_are_not_asked(
    running: Afterframe, connected: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".curlrc").write_text('max-time = "0.001"\n')
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CURL_HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    connected.select(connected.photo(running.home.parent / "exports" / "nothing.jpg"))
    connected.press("approve")
    assert connected.said() == ["Afterframe: The selected photos have no clips yet."]


# -- photos --------------------------------------------------------------------------------------


def test_photos_become_clips_grouped_with_their_posters(running: Afterframe, connected: Script, tmp_path: Path) -> None:
    photos = tmp_path / "new “folder” 'x'"
    photos.mkdir()
    image = connected.photo(make_photo_file(photos / "Zwei Wörter.jpg", seed=11))
    missing = [connected.photo(photos / f"missing {n}.jpg") for n in range(3)]
    connected.select(image, *missing)
    connected.press("animate")
    assert (photos / "Zwei Wörter_motion.mp4").is_file()
    assert tags(image) == {"done"}
    assert all(tags(gone) == {"failed"} for gone in missing)
    allowed, report = connected.said()
    assert allowed == f"Afterframe: Afterframe may now read {photos}"
    assert report.startswith("Afterframe: 1 clip is ready.\n3 times: missing")
    (poster,) = connected.fake.imported.values()
    assert poster == str(photos / "Zwei Wörter_motion.jpg")
    (job,) = connected.fake.jobs.values()
    assert (job.percent, job.valid) == (1, False)
    connected.press("animate")  # once more: the same clip, imported over itself
    assert [path.name for path in photos.glob("*.mp4")] == ["Zwei Wörter_motion.mp4"]
    assert len(list(connected.fake.images.values())) == 5


def test_cancel_stops_what_waits_and_what_runs(running: Afterframe, connected: Script) -> None:
    photos = running.home.parent / "exports"
    for n in range(52):  # more than one request
        make_photo_file(photos / f".later-{n}.jpg", seed=100 + n)
    images = []
    for n in range(52):
        (photos / f".later-{n}.jpg").rename(photos / f"later-{n}.jpg")
        images.append(connected.photo(photos / f"later-{n}.jpg"))
    connected.select(*images)
    connected.fake.on_sleep = lambda ms: next(iter(connected.fake.jobs.values())).cancel()
    connected.press("animate")
    assert connected.said()[-1].endswith("The rest was cancelled.")
    ended = [tags(image) for image in images]
    assert ended.count({"cancelled"}) > 25
    assert {frozenset(found) for found in ended} <= {frozenset({"cancelled"}), frozenset({"done"})}
    until(running.idle, "the queue to be empty")


def test_a_photo_removed_from_darktable_meanwhile_stops_no_other(running: Afterframe, connected: Script) -> None:
    photos = running.home.parent / "exports"
    gone, other = (connected.photo(make_photo_file(photos / f"{name}.jpg", seed=n)) for n, name in enumerate("gh", 50))
    connected.select(gone, other)
    gone.gone = True
    connected.press("animate")
    assert tags(other) == {"done"}


def test_raw_and_developed_photos_are_handed_over_as_renditions_over_nothing_foreign(
    running: Afterframe, connected: Script, tmp_path: Path
) -> None:
    exports = tmp_path / "chosen"
    exports.mkdir()
    connected.prefer(export_folder=str(exports))
    (exports / "DSC_1.jpg").write_bytes(b"a stranger's")
    raw = connected.photo(tmp_path / "DSC_1.NEF")
    developed = connected.photo(tmp_path / "DSC_2.jpg", is_altered=True)
    duplicate = connected.photo(tmp_path / "DSC_2.jpg", duplicate_index=1)
    connected.select(raw, developed, duplicate)
    connected.press("animate")  # the fake's renditions are no pictures: the daemon refuses them
    expected = {"DSC_1.jpg", "DSC_1-2.jpg", "DSC_2.jpg", "DSC_2-version1.jpg"}
    assert {path.name for path in exports.iterdir()} == expected
    assert (exports / "DSC_1.jpg").read_bytes() == b"a stranger's"
    assert tags(raw) == tags(developed) == tags(duplicate) == {"failed"}
    later = Script(tmp_path / "config")  # what belongs to what is remembered: an edit goes over the earlier rendition
    later.prefer(export_folder=str(exports))
    later.select(later.photo(tmp_path / "DSC_1.NEF"))
    later.press("animate")
    assert {path.name for path in exports.iterdir()} == expected
    later.fake.cannot_export = True
    later.press("animate")
    assert "DSC_1.NEF cannot be exported to" in later.said()[-1]
    assert {path.name for path in exports.iterdir()} == expected


def test_export_goes_on_without_a_daemon(script: Script, tmp_path: Path) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    _, store, finish, supported, begin, _ = script.fake.storages["afterframe"].values()
    formats = {name: script.lua.table_from({"extension": name}) for name in ("jpg", "tif", "exr", "pdf")}
    assert [name for name, kind in formats.items() if supported(None, kind)] == ["jpg", "tif"]
    extra = script.lua.table()
    assert len(begin(None, None, None, None, extra)) == 0  # no folder is known: nothing is exported into the blue
    assert "has never been started" in script.said()[-1]
    script.prefer(export_folder=str(exports))
    assert begin(None, None, None, None, extra) is None
    image = script.photo(tmp_path / "DSC_0042.NEF")
    temporary = make_photo_file(tmp_path / "DSC_0042.jpg")
    content = temporary.read_bytes()
    store(None, image, formats["jpg"], str(temporary), 1, 1, False, extra)
    finish(None, None, extra)
    assert [path.name for path in exports.iterdir()] == ["DSC_0042.jpg"]
    assert (exports / "DSC_0042.jpg").read_bytes() == content
    assert not temporary.exists()
    assert "has never been started" in script.said()[-1]


def test_an_export_that_fails_leaves_nothing_half_done(script: Script, tmp_path: Path) -> None:
    script.prefer(export_folder=str(tmp_path / "not there"))
    _, store, finish, _, begin, _ = script.fake.storages["afterframe"].values()
    extra = script.lua.table()
    begin(None, None, None, None, extra)
    temporary = make_photo_file(tmp_path / "DSC_0042.jpg")
    jpeg = script.lua.table_from({"extension": "jpg"})
    store(None, script.photo(tmp_path / "a.NEF"), jpeg, str(temporary), 1, 1, False, extra)
    finish(None, None, extra)
    assert script.said()[-1].startswith("Afterframe: Not exported to")
    assert not (tmp_path / "not there").exists()


# -- a daemon on another computer ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("/mnt/nas/2024/a b.jpg", "/volume1/photos/2024/a b.jpg"),
        ("/mnt/nas/raw/x.jpg", "/fast/x.jpg"),  # the longest prefix
        ("/mnt/nasty/x.jpg", "/mnt/nasty/x.jpg"),  # a name that only begins alike
        ("/elsewhere/x.jpg", "/elsewhere/x.jpg"),
        ("Z:\\2024\\x.jpg", "/srv/z/2024/x.jpg"),
    ],
)
def test_paths_are_mapped_by_the_longest_prefix(script: Script, modules: Any, here: str, there: str) -> None:
    mapping = "/mnt/nas = /volume1/photos; /mnt/nas/raw=/fast; Z:=/srv/z"
    make = script.lua.eval("function(Daemon, map) return Daemon.new { setting = function() return map end } end")
    daemon = make(modules("daemon"), mapping)
    assert daemon.there(daemon, here) == there
    assert daemon.here(daemon, there) == here


def test_the_panel_keeps_the_quality_and_asks_for_it(script: Script, modules: Any) -> None:
    make = script.lua.eval(
        """function(Panel, kept)
          return Panel.new {
            dt = FAKE.dt,
            actions = { log = { path = "" } },
            setting = function(name) return kept[name] or "" end,
            set = function(name, value) kept[name] = value end,
          }
        end"""
    )
    kept = script.lua.table()
    panel = make(modules("panel"), kept)
    assert panel.overrides(panel)["quality"] is None  # as set in Afterframe
    for number, quality in enumerate(Quality, 2):
        panel.quality.selected = number
        panel.quality.changed_callback(panel.quality)
        assert panel.overrides(panel)["quality"] == quality
        assert make(modules("panel"), kept).quality.selected == number


# -- the log ---------------------------------------------------------------------------------------


def test_requests_and_errors_are_logged_and_nothing_private(
    running: Afterframe, connected: Script, tmp_path: Path
) -> None:
    photos = running.home.parent / "exports"
    connected.prefer(prompt="she says yes")
    connected.select(
        connected.photo(make_photo_file(photos / "secret.jpg")), connected.photo(photos / "secret too.jpg")
    )
    connected.press("animate")
    url = json.loads((running.home / "daemon.json").read_text())["url"]
    connected.prefer(address=url, token="wrong-token")
    connected.press("refresh")
    connected.prefer(address="http://127.0.0.1:9")
    connected.press("refresh")
    log = (tmp_path / "config" / "afterframe" / "afterframe.log").read_text()
    lines = [line.partition(" ")[2] for line in log.splitlines()]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert lines[0] == f"info Afterframe plugin {version}, darktable 4.2.1, linux"
    patterns = [
        r"info POST /api/animate 20\d, \d+\.\d\d s",
        r"warn photo: missing",
        r"info POST /api/clips/[\w-]+/poster 20\d, \d+\.\d\d s",
        r"warn GET /api/health 200 token, \d+\.\d\d s",
        r"warn GET /api/health no answer not_running, \d+\.\d\d s",
    ]
    for pattern in patterns:
        assert [line for line in lines if re.fullmatch(pattern, line)], (pattern, lines)
    assert not [line for line in lines if "?" in line]
    token = (running.home / "token").read_text().strip()
    for private in (token, "wrong-token", "secret", "says yes"):
        assert private not in log


def test_the_log_stays_small_and_keeps_what_is_new(script: Script, modules: Any, tmp_path: Path) -> None:
    path = tmp_path / "small.log"
    make = script.lua.eval("function(Log, files, path) return Log.new { dt = FAKE.dt, files = files, path = path } end")
    log = make(modules("log"), modules("files"), str(path))
    for number in range(8000):
        log.write(log, "info", f"line {number} of a log that grows and grows")
    assert 100_000 < path.stat().st_size <= 256 * 1024
    lines = path.read_text().splitlines()
    assert lines[-1].endswith("line 7999 of a log that grows and grows")
    assert all(" info " in line for line in lines)


# -- in darktable ----------------------------------------------------------------------------------


def test_loaded_twice_it_starts_once_and_can_be_stopped(script: Script) -> None:
    script.fake.events = script.lua.table()
    data = script.load()  # luarc has it, and the script manager too
    assert not list(script.fake.events)
    assert data.metadata.name == "Afterframe"
    data.destroy()
    assert not list(script.fake.storages)
    assert not list(script.fake.actions)
    assert script.fake.libs["afterframe"].visible is False


def test_an_old_darktable_is_told_so_and_left_alone(tmp_path: Path) -> None:
    old = Script(tmp_path, api_major=8)
    assert list(old.fake.errors.values()) == ["afterframe: needs darktable 4.2 or newer, with its window"]
    assert not list(old.fake.storages)


@pytest.mark.parametrize(("system", "asked"), [("windows", False), ("linux", True)])
def test_a_selection_flashes_no_console_on_windows_and_refresh_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, asked: bool
) -> None:
    monkeypatch.setenv("TEMP", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    script = Script(tmp_path, system=system)
    script.prefer(address="http://127.0.0.1:9")
    script.select(script.photo(tmp_path / "a.jpg"))
    before = len(list(script.fake.commands))
    for _ in range(3):
        script.fake.events["afterframe selection-changed"]()
    assert (len(list(script.fake.commands)) > before) is asked
    assert before == 0 or asked
    script.press("refresh")
    assert len(list(script.fake.commands)) > before
    assert "Afterframe is not running" in script.said()[-1]


FOLLOW = """
function(Renders, windows, answers, cancel_at)
  local asked, slept, shown = {}, 0, {}
  local dt = {
    control = { ending = false, sleep = function(ms)
      slept = slept + ms
      if slept == cancel_at then
        CANCEL()
      end
    end },
    gui = { create_job = function(_, _, cancel) CANCEL = cancel return { valid = true } end },
  }
  local daemon = { ask = function(_, route)
    if route == "/api/queue" then
      return HELD or {}
    end
    asked[#asked + 1] = slept .. " " .. route:match "^[^?]*"
    return answers(#asked)
  end, ask_all = function(self, questions)
    asked[#asked + 1] = slept .. " " .. questions[1].route
    return { { answer = { id = "r1", state = "done", clip = "c1" } } }
  end }
  local submit = { run = function(_, batch)
    local render = { id = "r1", state = "queued", progress = 0 }
    batch.items[1].renders, batch.by_render.r1 = { r1 = render }, batch.items[1]
    batch.by_path["/exports/a.jpg"] = batch.items[1]
  end }
  local renders = Renders.new {
    dt = dt, daemon = daemon, windows = windows, submit = submit, log = { write = function() end },
    photos = { import_poster = function() return true end }, tag = function() end, tell = function() end,
    problems = { summary = function(list) return list[1].code end },
    changed = function(text) shown[#shown + 1] = text end,
  }
  renders:run({ { image = {}, path = "/a.jpg" } }, {})
  return table.concat(asked, "|"), table.concat(shown, "|"), slept
end
"""


def follow(script: Script, modules: Any, windows: bool, answers: str, cancel_at: int = -1) -> tuple[Any, ...]:
    """Follow one render over a daemon that answers by a Lua function of how often it was asked."""
    run = script.lua.eval(FOLLOW)
    return tuple(run(modules("renders"), windows, script.lua.eval(answers), cancel_at))


DONE_AT_THE_THIRD = """function(count)
  local done = { kind = "render", id = "r1", state = "done", progress = 1 }
  return { cursor = count, events = count < 4 and {} or { done } }
end"""


@pytest.mark.parametrize(("windows", "each_s"), [(False, 1), (True, 7)])
def test_renders_are_asked_for_each_second_and_seldom_on_windows(
    script: Script, modules: Any, windows: bool, each_s: int
) -> None:
    asked, _, _ = follow(script, modules, windows, DONE_AT_THE_THIRD)
    times = [int(line.split()[0]) for line in asked.split("|") if line.endswith("/api/events")]
    assert times == [0, *(1000 * each_s * n for n in (1, 2, 3))]


def test_a_cancel_is_sent_at_once_on_windows_too(script: Script, modules: Any) -> None:
    answers = "function(count) return { cursor = 1, events = count < 3 and {} or "
    answers += '{ { kind = "render", id = "r1", state = "cancelled", progress = 0 } } } end'
    asked, _, _ = follow(script, modules, True, answers, cancel_at=2000)
    assert "2000 /api/renders/cancel" in asked.split("|")


@pytest.mark.parametrize("windows", [False, True])
def test_a_daemon_that_is_gone_is_waited_for_a_minute(script: Script, modules: Any, windows: bool) -> None:
    answers = "function(count) if count == 1 then return { cursor = 1 } end return nil, { code = 'not_running' } end"
    _, _, slept = follow(script, modules, windows, answers)
    assert 60_000 <= slept < 68_000


def test_a_folder_that_cannot_be_used_is_told_until_it_can_be(script: Script, modules: Any) -> None:
    answers = """function(count)
      local full = { message = "The disk that holds /exports is full.", code = "disk_full" }
      local events = {
        [2] = { { kind = "folders", path = "/exports", error = full }, { kind = "folders" } },
        [4] = { { kind = "folders", path = "/exports" } },
        [5] = { { kind = "render", id = "r1", state = "done", progress = 1 } },
      }
      return { cursor = count, events = events[count] or {} }
    end"""
    _, shown, _ = follow(script, modules, False, answers)
    held = "0 of 1 photo\nWaiting: The disk that holds /exports is full."
    assert shown.split("|")[:4] == ["0 of 1 photo", held, held, "0 of 1 photo"]


@pytest.mark.parametrize(("folder", "told"), [("/exports", True), ("/export", False), ("/elsewhere", False)])
def test_a_folder_that_could_not_be_used_before_is_told_where_photos_wait_for_it(
    script: Script, modules: Any, folder: str, told: bool
) -> None:
    script.lua.execute(
        f'HELD = {{ held_folders = {{ {{ path = "{folder}", error = {{ message = "It is away." }} }} }} }}'
    )
    _, shown, _ = follow(script, modules, False, DONE_AT_THE_THIRD)
    assert ("Waiting: It is away." in shown) is told


@pytest.mark.parametrize("view", ["lighttable", "darkroom"])
def test_the_panel_is_hidden_only_where_it_can_be(script: Script, view: str) -> None:
    script.fake.view = view
    script.script_data.destroy()
    assert script.fake.libs["afterframe"].visible is (view != "lighttable")


def test_on_windows_the_command_line_carries_plain_names_only(script: Script, modules: Any) -> None:
    make = script.lua.eval(
        """function(Daemon, Curl, files, json)
          local commands = {}
          os.getenv = function() return "C:\\\\Users\\\\Jörg\\\\Temp" end
          local execute = function(command) commands[#commands + 1] = command return 7 end
          local daemon = Daemon.new {
            files = files, json = json, log = { request = function() end },
            curl = Curl.new { windows = true, files = files, execute = execute },
            setting = function(name) return name == "address" and "http://127.0.0.1:9" or "" end,
          }
          local opened = {}
          io.open = function(path, mode)
            opened[#opened + 1] = path
            return mode == "wb" and { write = function() return true end, close = function() return true end } or nil
          end
          local _, problem = daemon:ask("/api/animate", { photos = { "C:\\\\Fotos\\\\Jörg.jpg" } })
          return commands[1], problem.code, opened[1]
        end"""
    )
    command, code, opened = make(modules("daemon"), modules("curl"), modules("files"), modules("json"))
    assert command.startswith('cd /d "%TEMP%" && curl -q --config afterframe-')
    assert command.isascii()
    assert (code, opened.startswith("C:\\Users\\Jörg\\Temp\\afterframe-")) == ("not_running", True)
