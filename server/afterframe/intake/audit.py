"""Which photos of a folder are worth animating: reads them all and keeps what it found."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afterframe.config import Home, Settings
from afterframe.domain import Stamp
from afterframe.errors import AfterframeError, PhotoError
from afterframe.intake.photo_reader import PhotoReader, Reading
from afterframe.intake.scoring import VERSION, assess


@dataclass(frozen=True, slots=True)
class AuditResult:
    """One photo's scores, or why it has none."""

    path: str
    score: float
    readiness: dict[str, Any]
    error: dict[str, str] | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "path": self.path,
            "score": round(self.score, 3),
            "readiness": self.readiness,
            "error": self.error,
        }


class ScoreCache:
    """What earlier audits found, so that one of thousands of photos goes on where it was stopped.

    A file of JSON lines; a line that a crash cut short is skipped.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, Any] = {}
        if file.exists():
            for line in file.read_text("utf-8").splitlines():
                try:
                    entry = json.loads(line)
                    self._known[entry["key"]] = entry
                except (ValueError, KeyError, TypeError):
                    continue

    def get(self, key: str) -> dict[str, Any] | None:
        """The entry of an unchanged photo."""
        found: dict[str, Any] | None = self._known.get(key)
        return found

    def put(self, key: str, score: float, readiness: dict[str, Any]) -> None:
        """Keep an entry at once."""
        entry = {"key": key, "score": score, "readiness": readiness}
        self._known[key] = entry
        with self._file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(entry) + "\n")


def audit(
    paths: Iterable[str], settings: Settings, progress: Callable[[int], None], *, processes: int = 0
) -> list[AuditResult]:
    """Score photos, best first; those that cannot be read come last, each with its reason.

    Args:
        paths: photos, as they are to be named in the result.
        progress: called with the number done.
        processes: reading processes; 0: one per CPU core.
    """
    kept = score_cache(settings.home.make())
    with ExitStack() as stack:
        count = processes or os.cpu_count() or 1
        reader = PhotoReader(settings.config.limits, count, settings.detectors)
        stack.callback(reader.close)
        threads = stack.enter_context(ThreadPoolExecutor(count))
        futures = [threads.submit(score_photo, path, reader.read, kept) for path in paths]
        results = []
        for done, future in enumerate(as_completed(futures), start=1):
            results.append(future.result())
            progress(done)
    return sorted(results, key=lambda one: (one.error is not None, -one.score, one.path))


def score_cache(home: Home) -> ScoreCache:
    """The scores of earlier audits."""
    folder = home.cache / "audit"
    folder.mkdir(parents=True, exist_ok=True)
    return ScoreCache(folder / f"marks-{VERSION}.jsonl")


def score_photo(path: str, read: Callable[[Path], Reading], kept: ScoreCache) -> AuditResult:
    """Score one photo, or say why it has no scores."""
    try:
        key = _key(Path(path))
        known = kept.get(key)
        if known is None:
            reading = read(Path(path).absolute())
            readiness = assess(reading.facts, reading.scene, reading.upright_size)
            known = {"score": readiness.score, "readiness": readiness.to_dict()}
            kept.put(key, **known)
        return AuditResult(path, known["score"], known["readiness"])
    except AfterframeError as error:
        return AuditResult(path, 0.0, {}, error.to_dict())


def _key(path: Path) -> str:
    try:
        stamp = Stamp.of(path.stat())
    except OSError as error:
        raise PhotoError(f"{path} cannot be read: {error.strerror}.", "It may have moved.", code="missing") from error
    what = f"{path.absolute()}\0{stamp.size}\0{stamp.mtime_ns}\0{stamp.ctime_ns}"
    return hashlib.sha256(what.encode("utf-8", "replace")).hexdigest()
