"""Files made from photos for the page: in processes that can be killed, kept in the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

from afterframe.config import Settings
from afterframe.errors import PhotoError, Stopping
from afterframe.imaging.decode import decode
from afterframe.imaging.frames import Pixels
from afterframe.system.files import FileCache
from afterframe.system.process_pool import CallKilled, PoolClosed, ProcessPool

SMALL_SIDE = 480
"""Long side of thumbnails and drafts, pixels."""
MAX_CACHED = {"pictures": 4000, "drafts": 200, "views": 400}
"""Files of each kind that stay in the cache."""

Make = Callable[..., None]
"""Makes a file in a process that can be killed: called with the settings, the file, and what else it was given. It must
be importable by its name."""


class DerivedFiles:
    """Makes files from photos.

    Args:
        processes: how many are made at a time.
    """

    def __init__(self, settings: Settings, processes: int = 2) -> None:
        self.settings = settings
        cache, limits = settings.home.cache, settings.config.limits
        self._caches = {kind: FileCache(cache / kind, keep=keep) for kind, keep in MAX_CACHED.items()}
        self._pool = ProcessPool(_call, time_s=limits.read_s, memory_mb=limits.memory_mb, size=processes)

    def path(self, kind: str, name: str) -> Path:
        """Where a file of a kind is, if it was made and still is in the cache."""
        return self._caches[kind].path(name)

    def get(self, kind: str, name: str, photo: Path, make: Make, *given: object) -> Path:
        """A file of a photo; made if it is not in the cache.

        Args:
            kind: one of :data:`MAX_CACHED`.
            name: names the content, see :func:`cache_name`; with its suffix.
            given: what ``make`` takes after the settings and the file.
        Raises:
            PhotoError: the photo cannot be read, or reading it takes too long.
            Stopping: the processes were ended.
            Whatever else ``make`` raises.
        """
        try:
            return self._caches[kind].get(name, partial(self._make, make, given))
        except PoolClosed:
            raise Stopping from None
        except CallKilled as stopped:
            raise PhotoError(
                f"{photo.name} could not be shown: {stopped}.",
                "The file is probably damaged; export it again.",
                code="stalls_reader",
            ) from stopped

    def _make(self, make: Make, given: tuple[object, ...], part: Path) -> None:
        self._pool.call(make, self.settings, part, *given)

    def rest(self, idle_s: float) -> None:
        """End the processes that nobody has needed for this long, seconds."""
        self._pool.rest(idle_s)

    def close(self) -> None:
        """End the processes."""
        self._pool.close()


def cache_name(*parts: object) -> str:
    """A name for what these values make: 40 hexadecimal digits."""
    return hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()[:40]


# -- in the process that can be killed -----------------------------------------------------------


def _call(make: Make, settings: Settings, target: Path, *given: object) -> None:
    make(settings, target, *given)


def load_pixels(settings: Settings, path: Path, at_least: tuple[int, int]) -> Pixels:
    """Decode a photo; the last one is kept, for sliders ask for the same one again and again.

    Args:
        at_least: (width, height) that the picture must cover, pixels.
    Returns:
        uint8 sRGB (height, width, 3), upright.
    Raises:
        PhotoError: it is not there, or cannot be read.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise PhotoError(f"{path.name} is not there.", "It may have been moved or renamed.", code="missing") from error
    stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return _decoded(path, stamp, settings.config.limits.megapixels, at_least)


@lru_cache(maxsize=1)
def _decoded(path: Path, stamp: tuple[int, ...], megapixels: float, at_least: tuple[int, int]) -> Pixels:  # noqa: ARG001 - a key
    pixels, _ = decode(path, megapixels=megapixels, at_least=at_least)
    return pixels
