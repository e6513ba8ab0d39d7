"""Lightroom Classic as far as the plugin sees it: a catalogue, dialogs and the SDK under a real Lua 5.1.

The SDK is `fake_lightroom.lua` and `fake_lightroom_views.lua`; this module gives it files, the network, a clock and
pictures, all real but the clock, which goes on by itself whenever every task sleeps. What it does for a Lua coroutine
never calls back into Lua.
"""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import threading
import unicodedata
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lupa import lua51

from factories import make_photo_file

PLUGIN = Path(__file__).parents[2] / "lrplugin" / "afterframe.lrplugin"
SHARED = PLUGIN.with_name("shared")
IDENTIFIER = "org.afterframe.lightroom"
_pause = threading.Event()


def to_lua(text: str) -> str:
    """Lua's strings are bytes; lupa carries each byte as one character."""
    return text.encode().decode("latin-1")


def from_lua(text: str) -> str:
    return text.encode("latin-1").decode()


@dataclass(frozen=True)
class Dialog:
    """What the photographer was shown."""

    kind: str
    title: str
    text: str
    more: str
    """A message's style, or a question's buttons."""


@dataclass
class Request:
    method: str
    path: str
    status: int | None
    seconds: float
    """The time-out it was given."""


@dataclass
class Lightroom:
    """One Lightroom with one catalogue."""

    home: Path
    """The user's home folder."""
    temp: Path
    language: str = ""
    plugin: Path = PLUGIN
    windows: bool = False
    version: int = 14
    """Of Lightroom Classic."""
    dialogs: list[Dialog] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    progress: list[tuple[float, str]] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    """What was opened in the browser."""
    log: list[str] = field(default_factory=list)
    """Lines of the log file: "Afterframe info ..."."""
    revealed: list[str] = field(default_factory=list)
    """Files that were shown in the Finder or the Explorer."""
    commands: list[str] = field(default_factory=list)
    answer: Callable[[Dialog], str] = lambda dialog: "ok"
    fill_in: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda values: {}
    """Fills in a modal dialog: what it shows -> what to change; None: cancel."""
    press: bool = False
    """Press every button of a modal dialog before it is left."""
    while_waiting: Callable[[], None] = lambda: None
    """Called whenever all tasks sleep."""
    cancelled: bool = False
    unrenderable: set[str] = field(default_factory=set)
    hosts: dict[str, str] = field(default_factory=dict)
    """Names of other machines -> where they really answer."""
    drive: Path | None = None
    """What stands for C: on a Windows; paths of no drive are this machine's own."""
    exists: Callable[[str], str | bool] | None = None
    """Instead of looking at the disk."""
    now: float = 800_000_000.0
    real_s_per_s: float = 0.05
    """How long the test really waits for each second that the plugin sleeps."""

    def __post_init__(self) -> None:
        self._lua = lua51.LuaRuntime(encoding="latin-1", unpack_returned_tuples=True, register_eval=False)
        source = (Path(__file__).parent / "fake_lightroom.lua").read_bytes().decode("latin-1")
        self.sdk = self._lua.eval("function(source) return assert(loadstring(source, '@fake_lightroom.lua')) end")(
            source
        )(self._host())
        if self.language:
            self.sdk.translations = self._lua.table_from(
                {to_lua(k): to_lua(v) for k, v in translations(self.language).items()}
            )
        self.sdk.usePlugin(IDENTIFIER, to_lua(str(self.plugin)))

    def _host(self) -> Any:
        return self._lua.table_from(
            {
                "windows": self.windows,
                "version": self.version,
                "log": lambda *words: self.log.append(" ".join(map(from_lua, words))),
                "reveal": lambda path: self.revealed.append(from_lua(path)),
                "views": (Path(__file__).parent / "fake_lightroom_views.lua").read_bytes().decode("latin-1"),
                "now": lambda: self.now,
                "advance": self._advance,
                "exists": lambda path: self.exists(path) if self.exists else _exists(self._real(path)),
                "read": lambda path: self._real(path).read_bytes().decode("latin-1"),
                "delete": lambda path: _delete(self._real(path)),
                "move": self._move,
                "copy": lambda source, target: bool(shutil.copyfile(self._real(source), self._real(target))),
                "make": lambda path: self._real(path).mkdir(parents=True, exist_ok=True),
                "real": lambda path: to_lua(str(self._real(path))),
                "decompose": lambda path: to_lua(unicodedata.normalize("NFD", from_lua(path))),
                "files": self._files,
                "standard": lambda name: to_lua(str(self._standard(name))),
                "source": self._source,
                "free": lambda path: to_lua(str(_free(Path(from_lua(path))))),
                "render": lambda path, destination: self._render(path, destination),
                "http": self._http,
                "browse": lambda url: self.pages.append(from_lua(url)),
                "execute": self._execute,
                "dialog": self._dialog,
                "modal": self._modal,
                "progress": lambda portion, caption: self.progress.append((portion, from_lua(caption))),
                "cancelled": lambda: self.cancelled,
                "uuid": lambda: str(uuid.uuid4()).upper(),
            }
        )

    # -- what a test does --------------------------------------------------------------------

    def photo(self, path: Path | str, **facts: Any) -> Any:
        """Put a photo into the catalogue."""
        return self.sdk.newPhoto(to_lua(str(path)), self._lua.table_from(facts))

    def select(self, photos: Sequence[Any]) -> None:
        self.sdk.selection = self._lua.table_from(list(photos))

    def run(self, script: str) -> None:
        """Choose a menu item, and wait for everything that it began."""
        self.sdk.script(script)
        self.finish()

    def finish(self) -> None:
        self.sdk.run()
        failures = [from_lua(failure) for failure in self.sdk.failures.values()]
        assert not failures, "\n".join(failures)

    def export(self, photos: Sequence[Any], folder: Path | None = None, **settings: Any) -> None:
        """Export photos with the plugin's service."""
        values = self._lua.table_from({"afterframePrompt": "", "afterframeQuality": "auto", **settings})
        chosen = to_lua(str(folder)) if folder else None
        self.sdk.export(self.sdk.script("ExportService.lua"), self._lua.table_from(list(photos)), values, chosen)
        self.finish()

    def prefs(self, **values: Any) -> None:
        for name, value in values.items():
            self.sdk.prefs[name] = to_lua(value) if isinstance(value, str) else value

    def facts(self, photo: Any) -> dict[str, Any]:
        """What the catalogue knows of a photo."""
        return _python(self.sdk.data(photo))

    def fields(self, photo: Any) -> dict[str, str]:
        """The plugin's fields of a photo."""
        return {name: from_lua(value) for name, value in self.sdk.data(photo).plugin.items()}

    def under(self, clip: Any) -> str | None:
        """The path of the photo that a clip is stacked with."""
        photo = self.sdk.data(clip).stackedWith
        return from_lua(self.sdk.data(photo).path) if photo else None

    def clips(self) -> list[Any]:
        """Every imported clip."""
        return [photo for photo in self.sdk.photos.values() if self.fields(photo).get("clipId")]

    @property
    def modal(self) -> dict[str, Any]:
        """What the last modal dialog showed in the end."""
        return _python(self.sdk.modal)

    @property
    def writes(self) -> list[int]:
        """How many changes each gate made."""
        return [gate.writes for gate in self.sdk.gates.values()]

    def task(self, source: str, *values: Any) -> None:
        """Run a function in a task; the source, called with the values, returns it."""
        self.sdk.task(self._lua.eval("loadstring")(source)(*values))
        self.finish()

    def snippet(self, source: str) -> None:
        """Run a piece of Lua in a task, with the plugin's globals."""
        self.sdk.snippet(to_lua(source))
        self.finish()

    def answer_files_with_error(self, message: str) -> None:
        """From now on every look at a file fails."""

        def fail(path: str) -> str:
            raise OSError(message)

        self.exists = fail

    def require(self, name: str) -> Any:
        return self.sdk.require(name)

    @property
    def said(self) -> Dialog:
        """The last message."""
        return [dialog for dialog in self.dialogs if dialog.kind == "message"][-1]

    def table(self, value: Any) -> Any:
        """Python's lists and dictionaries as Lua's tables."""
        if isinstance(value, Mapping):
            return self._lua.table_from({to_lua(k): self.table(v) for k, v in value.items()})
        if isinstance(value, list | tuple):
            return self._lua.table_from([self.table(item) for item in value])
        return to_lua(value) if isinstance(value, str) else value

    # -- what the SDK asks for ---------------------------------------------------------------

    def _advance(self, seconds: float) -> None:
        self.now += max(seconds, 0.001)
        self.while_waiting()
        _pause.wait(min(seconds, 2.0) * self.real_s_per_s)

    def _source(self, name: str) -> str:
        """A file of the plugin; in the source tree, those that both plugins share lie elsewhere."""
        file = self.plugin / name
        if self.plugin == PLUGIN and not file.is_file():
            file = SHARED / name
        return file.read_bytes().decode("latin-1")

    def _standard(self, name: str) -> Path:
        return {"temp": self.temp, "documents": self.home / "Documents"}.get(name, self.home)

    def _real(self, path: str) -> Path:
        """Where a path of the plugin's system is on this one."""
        name = from_lua(path)
        if self.drive and name.startswith("C:\\"):
            return self.drive.joinpath(*name[3:].split("\\"))
        return Path(name)

    def _move(self, source: str, target: str) -> bool:
        """False where something is there, and from one drive to another."""
        if os.path.lexists(self._real(target)) or (self.drive and source.startswith("C:") != target.startswith("C:")):
            return False
        self._real(source).rename(self._real(target))
        return True

    def _files(self, folder: str) -> Any:
        return self._lua.table_from([to_lua(str(path)) for path in Path(from_lua(folder)).iterdir() if path.is_file()])

    def _render(self, path: str, destination: str) -> Any:
        name = Path(from_lua(path)).name
        if name in self.unrenderable:
            return False, "The file could not be read."
        make_photo_file(Path(from_lua(destination)), seed=sum(name.encode()), quality=90)
        return True

    def _execute(self, line: str) -> int:
        self.commands.append(from_lua(line))
        if self.windows:
            return 0  # there is no cmd.exe here
        return subprocess.run(from_lua(line), shell=True, check=False).returncode

    def _dialog(self, kind: str, title: str, text: str, more: str) -> str:
        dialog = Dialog(kind, from_lua(title), from_lua(text), from_lua(more))
        self.dialogs.append(dialog)
        return self.answer(dialog) if kind == "confirm" else ""

    def _modal(self, title: str, values: Any) -> tuple[Any, ...]:
        self.dialogs.append(Dialog("modal", from_lua(title), "", ""))
        changes = self.fill_in(_python(values))
        return "cancel" if changes is None else "ok", self.table(changes or {}), self.press

    def _http(self, method: str, url: str, headers: Any, body: Any, timeout: float) -> tuple[Any, ...]:
        address = urlsplit(from_lua(url))
        target = address.path + (f"?{address.query}" if address.query else "")
        sent = {from_lua(pair[1]): from_lua(pair[2]) for pair in headers.values()}
        data = body.encode("latin-1") if isinstance(body, str) else b""
        if method == "MULTIPART":
            data, sent["Content-Type"] = _multipart(body)
        host = address.hostname or ""
        connection = http.client.HTTPConnection(self.hosts.get(host, host), address.port, timeout=timeout)
        sent.setdefault("Host", address.netloc)
        try:
            connection.request("GET" if method == "GET" else "POST", target, data, sent)
            answer = connection.getresponse()
            content = answer.read().decode("latin-1")
        except TimeoutError:
            self.requests.append(Request(method, target, None, timeout))
            return None, None, "timedOut"
        except (OSError, http.client.HTTPException) as error:
            self.requests.append(Request(method, target, None, timeout))
            return None, None, _error_code(error)
        finally:
            connection.close()
        self.requests.append(Request(method, target, answer.status, timeout))
        if answer.status == 401 and not self.windows and answer.getheader("WWW-Authenticate"):
            return None, None, "authenticationError"  # macOS asks for a password first, in vain
        return answer.status, content


def _error_code(error: Exception) -> str:
    """As the reference of LrHttp names it."""
    if isinstance(error, socket.gaierror):
        return "cannotFindHost"
    lost = isinstance(error, http.client.HTTPException | ConnectionResetError | BrokenPipeError)
    return "networkConnectionLost" if lost else "cannotConnectToHost"


def _python(table: Any) -> dict[str, Any]:
    return {key: from_lua(value) if isinstance(value, str) else value for key, value in table.items()}


def _multipart(parts: Any) -> tuple[bytes, str]:
    boundary = uuid.uuid4().hex
    lines: list[bytes] = []
    for part in parts.values():
        name = f'form-data; name="{from_lua(part.name)}"'
        if part.filePath:
            name += f'; filename="{from_lua(part.fileName)}"'
            content = Path(from_lua(part.filePath)).read_bytes()
            kind = f"Content-Type: {from_lua(part.contentType)}\r\n"
        else:
            content, kind = part.value.encode("latin-1"), ""
        lines.append(f"--{boundary}\r\nContent-Disposition: {name}\r\n{kind}\r\n".encode() + content + b"\r\n")
    return b"".join(lines) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def _exists(path: Path) -> str | bool:
    return "file" if path.is_file() else "directory" if path.is_dir() else False


def _delete(path: Path) -> bool:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return True


def _free(path: Path) -> Path:
    number = 2
    wanted = path
    while path.exists():
        path = wanted.with_stem(f"{wanted.stem}-{number}")
        number += 1
    return path


def translations(language: str) -> dict[str, str]:
    """The strings of TranslatedStrings_de.txt and the like: key -> words."""
    lines = (PLUGIN / f"TranslatedStrings_{language}.txt").read_text("utf-8").splitlines()
    pairs = (line.strip().removeprefix('"').removesuffix('"').partition("=") for line in lines if line.strip())
    return {key: words for key, _, words in pairs}
