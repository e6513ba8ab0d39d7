"""A real darktable on a display of its own: started, driven from inside by Lua, clicked, looked at, ended.

About one start in twenty dead-locks inside darktable itself (4.2.1). It then answers no more: its own
process is killed, and :func:`play` plays the whole scene again from the beginning.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")

SIZE = (1600, 1000)
"""Of the display, pixels; darktable fills it."""
PATIENCE_S = 25.0
"""It starts within seconds, and its driver answers within milliseconds; silent for so long, it is dead-locked."""
DEADLINE_S = 60.0
TRIES = 5
LOOK_S = 0.15
"""Between looks at what others do: looking costs them time."""
POLL_S = 0.02
DRIVER = Path(__file__).with_name("driver.lua")
_pause = threading.Event()


class Deadlock(Exception):
    """darktable answers no more."""


def until(condition: Callable[[], T], what: str, seconds: float = DEADLINE_S) -> T:
    """Look until a condition holds, and return what it gave."""
    for _ in range(round(seconds / LOOK_S)):
        if answer := condition():
            return answer
        _pause.wait(LOOK_S)
    raise AssertionError(f"not within {seconds:g} s: {what}")


def play(scene: Callable[[int], T]) -> T:
    """Play a scene, and again from its beginning when darktable dead-locks.

    Args:
        scene: is told which try this is, from 0 on, so that it can begin in a fresh folder.
    """
    silent = []
    for attempt in range(TRIES):
        try:
            return scene(attempt)
        except Deadlock as error:
            silent.append(str(error))
    raise AssertionError(f"darktable dead-locked {TRIES} times: {silent}")


class Display:
    """An X server of its own, whose picture can be looked at."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        reading, writing = os.pipe()
        screen = f"{SIZE[0]}x{SIZE[1]}x24"
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", screen, "-fbdir", str(folder), "-nolisten", "tcp"],
            pass_fds=[writing],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        with os.fdopen(reading) as pipe:
            self.name = f":{pipe.readline().strip()}"

    def picture(self) -> npt.NDArray[np.uint8]:
        """What it shows now: uint8 sRGB, shape (height, width, 3)."""
        data = (self._folder / "Xvfb_screen0").read_bytes()
        head = np.frombuffer(data, ">u4", 25)  # X11/XWDFile.h: header size, ..., height is 5, bytes per line 12
        start = int(head[0] + 12 * head[19])
        height, stride = int(head[5]), int(head[12])
        rows = np.frombuffer(data, np.uint8, height * stride, start).reshape(height, stride // 4, 4)
        order = (2, 1, 0) if head[7] == 0 else (1, 2, 3)
        return rows[:, : int(head[4]), order].copy()

    def where(self, colour: tuple[int, int, int]) -> tuple[int, int] | None:
        """The middle of everything that has exactly this colour: (x, y); None when nothing has."""
        ys, xs = np.nonzero((self.picture() == colour).all(axis=2))
        return (int(np.median(xs)), int(np.median(ys))) if len(xs) > 50 else None

    def click(self, at: tuple[int, int]) -> None:
        """Move the pointer there and press the left button."""
        x, y = map(str, at)
        environ = {**os.environ, "DISPLAY": self.name}
        command = ["xdotool", "mousemove", x, y, "sleep", "0.2", "click", "1"]
        subprocess.run(command, env=environ, check=True, timeout=DEADLINE_S)

    def close(self) -> None:
        """End it."""
        self._server.kill()
        self._server.wait()


class Darktable:
    """One darktable with an empty library in memory.

    Args:
        config: its configuration folder; what ``plugin install`` put there is loaded.
        settings: further ``--conf`` settings.
        environ: further environment, such as AFTERFRAME_HOME.
    Raises:
        Deadlock: it did not come up.
    """

    def __init__(
        self,
        display: Display,
        config: Path,
        *,
        settings: dict[str, str] | None = None,
        environ: dict[str, str] | None = None,
        patience_s: float = PATIENCE_S,
        started: Callable[[int], object] = lambda pid: None,
    ) -> None:
        self._patience_s = patience_s
        self._desk = config.parent / f"{config.name}-driver"
        self._desk.mkdir(parents=True)
        self._asked = 0
        self._log = (self._desk / "darktable.log").open("w+b")
        conf = {
            "write_sidecar_files": "after edit",
            "ui_last/window_w": str(SIZE[0]),
            "ui_last/window_h": str(SIZE[1]),
            "ui_last/maximized": "FALSE",
            "themes/usercss": "TRUE",
            "lua/_scripts_install/dont_show": "TRUE",
            **(settings or {}),
        }
        words = [word for name, value in conf.items() for word in ("--conf", f"{name}={value}")]
        command = ["darktable", "--configdir", str(config), "--cachedir", f"{self._desk}/cache"]
        command += ["--library", ":memory:", "--disable-opencl", "-d", "lua", *words, "--luacmd", f"dofile('{DRIVER}')"]
        self.process = subprocess.Popen(
            command,
            env={
                **os.environ,
                "DISPLAY": display.name,
                "DRIVER_DESK": str(self._desk),
                "GDK_BACKEND": "x11",
                "NO_AT_BRIDGE": "1",
                **(environ or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        started(self.process.pid)
        try:
            self._await(
                self._desk / "ready", "darktable to start", DEADLINE_S if patience_s == PATIENCE_S else patience_s
            )
        except BaseException:
            self.close()
            raise

    def lua(self, code: str) -> str:
        """Run Lua inside darktable and give back what it returns, as text.

        Raises:
            AssertionError: the code failed.
            Deadlock: no answer.
        """
        self._asked += 1
        question = self._desk / f"{self._asked}.lua"
        part = question.with_suffix(".part")
        part.write_text(f'local dt = require "darktable"\n{code}', "utf-8")
        part.replace(question)
        answer = self._desk / f"{self._asked}.out"
        self._await(answer, code, self._patience_s)
        verdict, _, text = answer.read_text("utf-8").partition("\n")
        assert verdict == "ok", f"{text}\nin: {code}\n{self.said()}"
        return text

    def _await(self, file: Path, what: str, seconds: float) -> None:
        for _ in range(round(seconds / POLL_S)):
            if file.exists():
                return
            assert self.process.poll() is None, f"darktable ended by itself.\n{self.said()}"
            _pause.wait(POLL_S)
        raise Deadlock(what)

    def said(self) -> str:
        """What it printed so far."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def quit(self) -> int:
        """Leave as the user does; its exit status.

        Raises:
            Deadlock: it does not end.
        """
        with contextlib.suppress(Deadlock, AssertionError):
            self.lua('dt.gui.action("global/quit", 0, "", "", 1.0)')
        try:
            return self.process.wait(self._patience_s)
        except subprocess.TimeoutExpired as error:
            raise Deadlock("quit") from error

    def close(self) -> None:
        """Kill this very process, if it still runs; a dead-locked one hears nothing gentler."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._log.close()


@contextlib.contextmanager
def on_a_display(folder: Path) -> Iterator[Display]:
    """A display, for as long as it is needed."""
    display = Display(folder)
    try:
        yield display
    finally:
        display.close()
