"""Real processes for the fault tests: the command, the daemon, and waiting for what they do."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
import psutil

from afterframe.system.hashing import sha256_of

T = TypeVar("T")

POLL_S = 0.02
DEADLINE_S = 110.0
"""Generous: it only has to end a test that would hang."""
OURS = (".mp4", ".mp4.xmp")
TINY = {"size": [96, 64], "duration_s": 0.5, "fps": 8}
"""Recipe of a clip of 4 small frames."""
_pause = threading.Event()


def until(condition: Callable[[], T], what: str = "", seconds: float = DEADLINE_S, poll_s: float = POLL_S) -> T:
    """Look until a condition holds, and return what it gave."""
    for _ in range(round(seconds / poll_s)):
        if answer := condition():
            return answer
        _pause.wait(poll_s)
    raise AssertionError(f"not within {seconds:g} s: {what or condition}")


def python_path(folder: Path) -> str:
    """A PYTHONPATH that installs the packages of a folder beside those of this process."""
    return os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))


def toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Simple TOML: strings, numbers, booleans and lists are written as JSON writes them."""
    lines = []
    for name, values in sections.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()), ""]
    return "\n".join(lines)


@dataclass
class Afterframe:
    """An AFTERFRAME_HOME and the commands that run on it, each a process."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    through: tuple[str, ...] = ()
    """A command that runs the command given to it."""
    daemons: list[Daemon] = field(default_factory=list)

    def settings(self, **sections: Mapping[str, Any]) -> None:
        """Write config.toml: tiny clips, fast settling, and what a test changes."""
        values: dict[str, dict[str, Any]] = {
            "watch": {"settle_s": 0.2, "broken_s": 1.0},
            "render": {"preset": "ultrafast"},
            "recipe": dict(TINY),
        }
        for name, changes in sections.items():
            values.setdefault(name, {}).update(changes)
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "config.toml").write_text(toml(values), "utf-8")

    def command(self, *words: str | Path | bytes, cwd: Path | None = None, **popen: Any) -> subprocess.Popen[bytes]:
        """Start ``afterframe WORDS`` with its output piped."""
        return subprocess.Popen(
            [*self.through, sys.executable, "-m", "afterframe", *words],
            cwd=cwd,
            env={**os.environ, "AFTERFRAME_HOME": str(self.home), **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **popen,
        )

    def ask(self, *words: str | Path | bytes, cwd: Path | None = None, **popen: Any) -> dict[str, Any]:
        """Run a command with --json to its end."""
        return answer_of(self.command(*words, "--json", cwd=cwd, **popen))

    def animate(self, *photos: str | Path | bytes, cwd: Path | None = None, **popen: Any) -> list[dict[str, Any]]:
        """``afterframe animate --json``: the results in the order of the photos."""
        words = ("animate", "--json", "--", *photos)
        results: list[dict[str, Any]] = answer_of(self.command(*words, cwd=cwd, **popen))["results"]
        return results

    def serve(self, *folders: Path, out: int | None = None) -> Daemon:
        """Start the daemon and wait until it answers; the fixture ends it.

        Args:
            out: where it prints; None: to a file that ``said`` reads.
        """
        daemon = self.begin_to_serve(*folders, out=out)
        daemon.wait()
        return daemon

    def begin_to_serve(self, *folders: Path, out: int | None = None) -> Daemon:
        """Start the daemon, and wait for nothing."""
        daemon = Daemon(self, folders, out)
        self.daemons.append(daemon)
        return daemon

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """What the state file says right now; nothing while it does not exist yet."""
        try:
            with closing(sqlite3.connect(f"file:{self.home}/state.db?mode=ro", uri=True, timeout=30)) as connection:
                connection.row_factory = sqlite3.Row
                return [dict(row) for row in connection.execute(query, values)]
        except sqlite3.OperationalError:
            return []

    def states(self) -> dict[str, int]:
        """How many jobs there are in each state; only states that there are."""
        return {row["state"]: row["n"] for row in self.rows("SELECT state, COUNT(*) n FROM jobs GROUP BY state")}

    def idle(self) -> bool:
        """There were jobs, and all have ended."""
        return bool(self.states()) and not self.states().keys() & {"queued", "running", "publishing"}

    def problems(self) -> dict[str, str]:
        """Path -> the code for which the file was refused."""
        rows = self.rows("SELECT path, problem FROM photos WHERE problem IS NOT NULL")
        return {row["path"]: json.loads(row["problem"])["code"] for row in rows}


def answer_of(process: subprocess.Popen[bytes], seconds: float = DEADLINE_S) -> dict[str, Any]:
    """The one JSON document that a command prints; standard error must hold no traceback."""
    out, err = process.communicate(timeout=seconds)
    assert b"Traceback" not in err, err.decode(errors="replace")
    assert process.returncode in (0, 1), (process.returncode, err.decode(errors="replace"))
    answer: dict[str, Any] = json.loads(out)
    return answer


class Daemon:
    """``afterframe serve`` in a process group of its own."""

    def __init__(self, afterframe: Afterframe, folders: Sequence[Path], out: int | None = None) -> None:
        self._home = afterframe.home
        words = [word for folder in folders for word in ("--folder", str(folder))]
        self._log = (afterframe.home.parent / f"serve-{len(afterframe.daemons)}.log").open("w+b")
        self.process = subprocess.Popen(
            [*afterframe.through, sys.executable, "-m", "afterframe", "serve", "--port", "0", "--no-open", *words],
            env={**os.environ, "AFTERFRAME_HOME": str(afterframe.home), **afterframe.environment},
            stdin=subprocess.DEVNULL,
            stdout=self._log if out is None else out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait(self) -> None:
        """Until it answers."""
        until(self._answers, "the daemon to answer")

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.said()
        try:
            return int(json.loads((self._home / "daemon.json").read_text())["pid"]) == self.process.pid
        except (OSError, ValueError):
            return False

    def said(self) -> str:
        """What it printed so far."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def members(self) -> list[psutil.Process]:
        """Every process of its group that runs."""
        found = []
        for process in psutil.process_iter():
            try:
                if os.getpgid(process.pid) == self.process.pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group."""
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """kill -9 of the whole group, as a power cut would; and see that all are gone."""
        self.signal(signal.SIGKILL)
        self.process.wait()
        until(lambda: not self.members(), "the group to be gone")

    def stop(self) -> int:
        """A polite kill of the daemon alone; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_S)

    def end(self) -> None:
        """Whatever state it is in: end it and its group."""
        for process in self.members():
            process.kill()
        self.process.wait()
        self._log.close()


def frames_of(clip: Path | str, size: tuple[int, int] = (96, 64)) -> npt.NDArray[np.uint8]:
    """Decode a clip to its end: uint8 (count, height, width, 3), converted by BT.709 whatever its tags say."""
    done = subprocess.run(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror", "-i", f"file:{clip}"),
            *("-vf", "scale=in_color_matrix=bt709:in_range=tv:out_range=pc:flags=accurate_rnd+full_chroma_int"),
            *("-f", "rawvideo", "-pix_fmt", "rgb24", "-"),
        ],
        capture_output=True,
        check=True,
    )
    assert not done.stderr, done.stderr
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, size[1], size[0], 3)


def hashes(folder: Path) -> dict[str, str]:
    """Path under the folder -> SHA-256, of every file that is not a clip or a clip's sidecar."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(OURS))
    return {str(path.relative_to(folder)): sha256_of(path) for path in files}


def clips_in(folder: Path) -> list[str]:
    """The names of all clips under a folder, sorted; each must have its sidecar."""
    clips = sorted(folder.rglob("*.mp4"))
    sidecars = sorted(folder.rglob("*.mp4.xmp"))
    assert [f"{clip}.xmp" for clip in clips] == [str(path) for path in sidecars]
    return [str(clip.relative_to(folder)) for clip in clips]


def hidden_in(folder: Path) -> list[str]:
    """Files that nobody should see left behind."""
    return sorted(path.name for path in folder.rglob(".*"))


def copy_slowly(source: Path, target: Path, pieces: int = 6) -> None:
    """Write a copy in pieces, with pauses shorter than it takes to settle."""
    data = source.read_bytes()
    with target.open("wb") as file:
        for piece in range(pieces):
            file.write(data[len(data) * piece // pieces : len(data) * (piece + 1) // pieces])
            file.flush()
            _pause.wait(0.1)
    shutil.copystat(source, target)
