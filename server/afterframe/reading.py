"""One photo, read: its hash, its facts, and what its pixels show. Runs in a process that can be killed."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from pathlib import Path

import photometa

from afterframe import vision
from afterframe.config import LimitsConfig
from afterframe.decode import decode
from afterframe.errors import PhotoError
from afterframe.hashing import sha256_of
from afterframe.isolation import Pool, Stopped
from afterframe.models import Scene

LOOK_SIDE = 512
"""Long side of the picture that the vision functions look at, pixels."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """What ingest needs to know of a photo."""

    sha256: str
    size: int
    """Bytes."""
    mtime_ns: int
    facts: photometa.Facts
    scene: Scene
    upright_size: tuple[int, int]
    """(width, height), pixels."""


def read_photo(path: Path, megapixels: float, with_facts: bool = True) -> Reading:
    """Read a photo to its end.

    Args:
        with_facts: False leaves the metadata alone, for a file whose metadata stalled the reader.
    Raises:
        PhotoError: it cannot be animated, with the reason and the remedy.
    """
    try:
        before = path.stat()
        pixels, upright_size = decode(path, megapixels=megapixels, long_side=LOOK_SIDE)
        facts = _facts(path) if with_facts else photometa.Facts()
        sha256 = sha256_of(path)
        after = path.stat()
    except OSError as error:
        raise PhotoError(
            f"{path.name} cannot be read: {error.strerror or error}.", "Check the disk and its rights.", code="unreadable"
        ) from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise PhotoError(f"{path.name} changed while it was read.", "It will be tried again.", code="changing")
    return Reading(sha256, after.st_size, after.st_mtime_ns, facts, vision.look(pixels), upright_size)


def _facts(path: Path) -> photometa.Facts:
    """A picture whose metadata cannot be read is still a picture."""
    try:
        return photometa.read(path)
    except photometa.MetadataError as error:
        log.warning("%s: no metadata (%s)", path.name, error)
        return photometa.Facts()


class PhotoReader:
    """Reads photos in a process of its own, so that no file can stall or crash the daemon."""

    def __init__(self, limits: LimitsConfig) -> None:
        self._limits = limits
        self._pool = Pool(read_photo, time_s=limits.read_s, memory_mb=limits.memory_mb)

    def read(self, path: Path) -> Reading:
        """Read a photo; one whose metadata stalls or crashes the reader is read for its picture alone.

        Raises:
            PhotoError: as :func:`read_photo`, or the picture itself took too long or crashed the reader.
        """
        with contextlib.suppress(Stopped):
            return self._call(path, with_facts=True)
        log.warning("%s: its metadata could not be read in time; going on without", path.name)
        try:
            return self._call(path, with_facts=False)
        except Stopped as stopped:
            raise PhotoError(
                f"{path.name} could not be read: {stopped}.",
                "The file is probably damaged; export it again.",
                code="stalls_reader",
            ) from stopped

    def _call(self, path: Path, *, with_facts: bool) -> Reading:
        reading: Reading = self._pool.call(path, self._limits.megapixels, with_facts)
        return reading

    def close(self) -> None:
        """End the process."""
        self._pool.close()
