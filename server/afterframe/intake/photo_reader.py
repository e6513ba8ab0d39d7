"""One photo, read: its hash, its facts, and what its pixels show. Runs in a process that can be killed."""

from __future__ import annotations

import contextlib
import errno
import logging
from dataclasses import dataclass
from pathlib import Path

import photometa
from afterframe import vision
from afterframe.config import LimitsConfig
from afterframe.domain import Stamp
from afterframe.errors import PhotoError, Stopping
from afterframe.imaging.decode import decode
from afterframe.scene import Scene
from afterframe.system.hashing import sha256_of
from afterframe.system.process_pool import CallKilled, PoolClosed, ProcessPool

NOT_A_PHOTO = frozenset({"unknown_format", "not_a_file"})
"""photometa's codes for what is not a photo at all."""
ANALYSIS_SIDE = 640
"""Both sides of the picture that is analysed have at least this many pixels."""

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
    metadata_problem: str | None = None
    """Why the metadata could not be read; the picture could."""
    ctime_ns: int | None = None

    @property
    def stamp(self) -> Stamp:
        """The file's stamp after it was read."""
        return Stamp(self.size, self.mtime_ns, self.ctime_ns)


def read_photo(
    path: Path,
    megapixels: float,
    with_facts: bool = True,  # noqa: FBT001, FBT002 - a pool passes no keywords
    detectors: Path | None = None,
) -> Reading:
    """Read a photo to its end.

    Args:
        with_facts: False leaves the metadata alone, for a file whose metadata stalled the reader.
        detectors: folder of the nets that see faces, people and things; they are loaded once.
    Raises:
        PhotoError: it cannot be animated, with the reason and the remedy.
    """
    try:
        before = Stamp.of(path.stat())
        pixels, upright_size = decode(path, megapixels=megapixels, at_least=(ANALYSIS_SIDE, ANALYSIS_SIDE))
        facts, problem = _facts(path) if with_facts else (photometa.Facts(), "it stalled the reader")
        sha256 = sha256_of(path)
        after = Stamp.of(path.stat())
    except FileNotFoundError as error:
        raise PhotoError(f"{path.name} is not there.", "It may have been moved or renamed.", code="missing") from error
    except OSError as error:
        raise PhotoError(
            f"{path.name} cannot be read: {error.strerror or error}.",
            "Check the disk and the file's permissions.",
            code="unreadable",
        ) from error
    if not after.agrees(before):
        raise PhotoError(f"{path.name} changed while it was read.", "It will be tried again.", code="changing")
    scene = vision.look(pixels, detectors, facts)
    return Reading(sha256, after.size, after.mtime_ns, facts, scene, upright_size, problem, after.ctime_ns)


def _facts(path: Path) -> tuple[photometa.Facts, str | None]:
    """A picture whose metadata cannot be read is still a picture."""
    try:
        return photometa.read(path), None
    except photometa.MetadataError as error:
        if error.code == "unreadable":  # the disk, not the file
            raise OSError(errno.EIO, error.message, str(path)) from error
        return photometa.Facts(), f"{type(error).__name__}: {error}"
    except Exception as error:  # noqa: BLE001 - whatever a strange file does to the parser
        return photometa.Facts(), f"{type(error).__name__}: {error}"


class PhotoReader:
    """Reads photos in processes of their own, so that no file can stall or crash the daemon.

    Args:
        processes: how many photos can be read at a time.
        detectors: folder of the nets that see faces, people and things; it need not be there.
    """

    def __init__(self, limits: LimitsConfig, processes: int = 1, detectors: Path | None = None) -> None:
        self._limits = limits
        self._detectors = detectors
        self._pool = ProcessPool(read_photo, time_s=limits.read_s, memory_mb=limits.memory_mb, size=processes)
        self._facts_pool = ProcessPool(photometa.read, time_s=limits.read_s, memory_mb=limits.memory_mb, size=processes)

    def read(self, path: Path) -> Reading:
        """Read a photo; one whose metadata stalls or crashes the reader is read for its picture alone.

        Raises:
            PhotoError: as :func:`read_photo`, or the picture itself took too long or crashed the reader.
            Stopping: the reader was closed.
        """
        try:
            with contextlib.suppress(CallKilled):
                return self._call(path, with_facts=True)
            return self._call(path, with_facts=False)
        except PhotoError:
            raise
        except PoolClosed:
            raise Stopping from None
        except CallKilled as stopped:
            raise PhotoError(
                f"{path.name} could not be read: {stopped}.",
                "The file is probably damaged; export it again.",
                code="stalls_reader",
            ) from stopped
        except Exception as error:
            log.exception("%s", path)
            raise PhotoError(
                f"{path.name} could not be read ({type(error).__name__}: {error}).",
                "The log has the details; export it again.",
                code="unexpected",
            ) from error

    def _call(self, path: Path, *, with_facts: bool) -> Reading:
        reading: Reading = self._pool.call(path, self._limits.megapixels, with_facts, self._detectors)
        if reading.metadata_problem:
            log.warning("%s: animated without its metadata (%s)", path, reading.metadata_problem)
        return reading

    def facts(self, path: Path) -> photometa.Facts:
        """Read a photo's metadata alone.

        Raises:
            PhotoError: it has none that can be read.
            Stopping: the reader was closed.
        """
        try:
            facts: photometa.Facts = self._facts_pool.call(path)
        except PoolClosed:
            raise Stopping from None
        except CallKilled as stopped:
            raise PhotoError(
                f"{path.name}: its metadata could not be read: {stopped}.",
                "The file is probably damaged.",
                code="stalls_reader",
            ) from stopped
        except photometa.MetadataError as error:
            code = "not_a_photo" if error.code in NOT_A_PHOTO else error.code
            raise PhotoError(error.message, error.hint, code=code) from error
        return facts

    def rest(self, idle_s: float) -> None:
        """End the processes that nobody has needed for this long, seconds."""
        self._pool.rest(idle_s)
        self._facts_pool.rest(idle_s)

    def close(self) -> None:
        """End the processes."""
        self._pool.close()
        self._facts_pool.close()
