"""Small files that anybody may have written: sidecars, afterframe.toml, pictures that may be our posters.

They are opened and parsed in a process that can be killed, never in the daemon's own: a file that stalls, crashes or
fills its reader is that file's problem alone.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from afterframe.config import LimitsConfig
from afterframe.domain import Clip
from afterframe.errors import AfterframeError, PhotoError, RecipeError, Stopping, shortened
from afterframe.naming import is_our_poster, may_be_poster
from afterframe.publish.photo_hashes import photo_hashes
from afterframe.publish.sidecar import read_clip
from afterframe.system.process_pool import CallKilled, PoolClosed, ProcessPool
from photometa.regular import NotRegular, open_regular

FOLDER_FILE = "afterframe.toml"
"""Recipe settings for the photos of its folder and those below."""
MAX_FOLDER_FILE = 64 << 10
"""Bytes of it; a larger one is refused."""
BATCH = 200
"""Pictures looked at in one call."""
MAX_DOTS = 2
"""Of a key. Python's parser takes time and memory by the square of their number."""
MAX_BRACKETS = 8
"""Lists and tables within each other."""

_ASIDE = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|'
    r"'''.*?'{3,5}|"
    r'"(?:[^"\\\n]|\\[^\n])*"|'
    r"'[^'\n]*'|(?P<comment>#[^\n]*)",
    re.DOTALL,
)
"""What a TOML file holds besides its structure: texts and comments."""
_DOTTED = re.compile(rf"[\w-]+(?:\s*\.\s*[\w-]+){{{MAX_DOTS + 1},}}")
T = TypeVar("T")
W = TypeVar("W")
Isolated = Callable[..., Any]
"""Calls a function, importable by name, with what it takes, in a process that can be killed."""


def is_note(path: Path) -> bool:
    """Whether a file may say something about photos: their sidecar, or their folder's settings."""
    return path.name == FOLDER_FILE or (path.suffix.lower() == ".xmp" and not path.stem.lower().endswith(".mp4"))


class ForeignFiles:
    """Reads small files that anybody may have written.

    Args:
        limits: of the process.
        isolated: calls in place of a process of its own; for tests.
    """

    def __init__(self, limits: LimitsConfig, isolated: Isolated | None = None) -> None:
        self._pools = [ProcessPool(_call, time_s=limits.read_s, memory_mb=limits.memory_mb) for _ in range(2)]
        self._isolated, self._of_clips = (isolated or pool.call for pool in self._pools)

    def clip(self, sidecar: Path) -> Clip | None:
        """The clip that a sidecar describes, see :func:`afterframe.publish.sidecar.read_clip`.

        Raises:
            PhotoError: it is ours but damaged, or cannot be read.
            Stopping: this was closed.
        """
        # In a process of their own: a verdict never waits until hundreds of pictures are looked at.
        return self._read(sidecar, read_clip, partial(_unreadable, sidecar), self._of_clips)

    def is_our_poster(self, path: Path) -> bool:
        """Whether a JPEG is a poster that we wrote beside a clip.

        Raises:
            Stopping: this was closed.
        """
        return path in self.our_posters([path])

    def our_posters(self, paths: Iterable[Path]) -> set[Path]:
        """Those of the paths that are posters of ours.

        Raises:
            Stopping: this was closed.
        """
        maybe = [path for path in paths if may_be_poster(path)]
        found: set[Path] = set()
        for start in range(0, len(maybe), BATCH):
            batch = maybe[start : start + BATCH]
            try:
                found |= self._read(batch, posters_among, partial(_unreadable, batch[0]))
            except PhotoError:  # one of them stalled: the others are asked one by one
                for path in batch:
                    with suppress(PhotoError):  # whoever reads the photo says what is wrong with it
                        found |= self._read([path], posters_among, partial(_unreadable, path))
        return found

    def photo_hashes(self, sidecars: Sequence[Path]) -> dict[Path, str]:
        """The hash of the photo that each clip's sidecar names; empty where there is none, or it cannot be read.

        Raises:
            Stopping: this was closed.
        """
        found: dict[Path, str] = {}
        for start in range(0, len(sidecars), BATCH):
            batch = list(sidecars[start : start + BATCH])
            with suppress(PhotoError):
                found |= self._read(batch, photo_hashes, partial(_unreadable, batch[0]))
        return found

    def folder_settings(self, folder: Path) -> list[tuple[str, Mapping[str, object]]]:
        """The recipe settings of the nearest afterframe.toml, looking upwards; empty without one.

        Raises:
            RecipeError: the file is not TOML, too large, or cannot be read.
            Stopping: this was closed.
        """
        for level in (folder, *folder.parents):
            file = level / FOLDER_FILE
            if not _is_file(file):
                continue
            data = self._read(file, read_folder_file, partial(_bad_folder_file, file))
            if data is not None:
                return [(f"{file.name} of the folder “{level.name}”", data)]
        return []

    def _read(
        self,
        what: W,
        read: Callable[[W], T],
        refused: Callable[[str], AfterframeError],
        isolated: Isolated | None = None,
    ) -> T:
        try:
            found: T = (isolated or self._isolated)(read, what)
        except AfterframeError:
            raise
        except PoolClosed:
            raise Stopping from None
        except CallKilled as stopped:
            raise refused(str(stopped)) from stopped
        except Exception as error:
            raise refused(getattr(error, "strerror", None) or repr(error)) from error
        return found

    def rest(self, idle_s: float) -> None:
        """End the processes that nobody has needed for this long, seconds."""
        for pool in self._pools:
            pool.rest(idle_s)

    def close(self) -> None:
        """End the processes."""
        for pool in self._pools:
            pool.close()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _unreadable(path: Path, why: str) -> PhotoError:
    return PhotoError(
        f"{path.name} could not be read: {shortened(why, 200)}.",
        "Restore it from a backup, or remove it.",
        code="sidecar",
    )


def _bad_folder_file(file: Path, why: str) -> RecipeError:
    return RecipeError(f"{file} cannot be read: {shortened(why, 200)}.", "Fix or remove it.")


# -- in the process that can be killed -----------------------------------------------------------


def _call(read: Callable[[W], T], what: W) -> T:
    return read(what)


def posters_among(paths: Iterable[Path]) -> set[Path]:
    """Those that are posters of ours."""
    return {path for path in paths if is_our_poster(path)}


def read_folder_file(file: Path) -> Mapping[str, object] | None:
    """What an afterframe.toml says; None: it is gone.

    Raises:
        RecipeError: it is not TOML, too large, nested too deep, or may not be read.
    """
    try:
        with open(open_regular(file), "rb") as opened:  # noqa: PTH123 - a descriptor
            text = opened.read(MAX_FOLDER_FILE + 1)
    except (FileNotFoundError, NotADirectoryError, NotRegular):
        return None
    except PermissionError as error:
        raise RecipeError(f"{file} may not be read.", "Give yourself permission to read it, or remove it.") from error
    if len(text) > MAX_FOLDER_FILE:
        raise RecipeError(f"{file} is larger than {MAX_FOLDER_FILE >> 10} KiB.", "Remove what is no setting.")
    try:
        words = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecipeError(f"{file} is not written in UTF-8.", "Save it as UTF-8 in your editor.") from error
    try:
        _check_structure(words)
        return tomllib.loads(words)
    except (ValueError, RecursionError) as error:
        why = shortened(error, 200)
        raise RecipeError(f"{file} is not valid TOML: {why}.", "Fix or remove the line it names.") from error


def _check_structure(text: str) -> None:
    """Refuse what the parser would take very long over, before it does."""
    bare = _ASIDE.sub(lambda found: ("" if found["comment"] else "x") + "\n" * found[0].count("\n"), text)
    if dotted := _DOTTED.search(bare):
        line = bare.count("\n", 0, dotted.start()) + 1
        raise ValueError(f"a key with more than {MAX_DOTS} dots (at line {line})")
    depth = 0
    for place, letter in enumerate(bare):
        depth += (letter in "[{") - (letter in "]}")
        if depth > MAX_BRACKETS:
            line = bare.count("\n", 0, place) + 1
            raise ValueError(f"lists nested more than {MAX_BRACKETS} deep (at line {line})")
