"""Which photos of a folder are worth animating: reads them all, keeps what it found, writes a contact sheet."""

from __future__ import annotations

import hashlib
import html
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from afterframe.config import Home, LimitsConfig
from afterframe.domain import Stamp
from afterframe.errors import AfterframeError, PhotoError
from afterframe.imaging.decode import decode
from afterframe.intake.photo_reader import PhotoReader, Reading
from afterframe.intake.scoring import VERSION, WEIGHTS, assess
from afterframe.system.files import write_file

THUMBNAIL_SIDE = 360


@dataclass(frozen=True, slots=True)
class AuditResult:
    """One photo's marks, or why it has none."""

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
    """What earlier audits found, so that a second one of thousands of photos goes on where it stopped.

    A file of JSON lines; a line that a crash cut short is passed over.
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
    paths: Iterable[str], home: Home, limits: LimitsConfig, progress: Callable[[int], None], *, processes: int = 0
) -> list[AuditResult]:
    """Mark photos, best first; those that cannot be read come last, each with its reason.

    Args:
        paths: photos, as they are to be named in the result.
        progress: called with the number done.
        processes: reading processes; 0: one per processor.
    """
    kept = score_cache(home.make())
    with ExitStack() as stack:
        count = processes or os.cpu_count() or 1
        reader = PhotoReader(limits, count)
        stack.callback(reader.close)
        threads = stack.enter_context(ThreadPoolExecutor(count))
        futures = [threads.submit(score_photo, path, reader.read, kept) for path in paths]
        results = []
        for done, future in enumerate(as_completed(futures), start=1):
            results.append(future.result())
            progress(done)
    return sorted(results, key=lambda one: (one.error is not None, -one.score, one.path))


def score_cache(home: Home) -> ScoreCache:
    """The marks that were given before."""
    folder = home.cache / "audit"
    folder.mkdir(parents=True, exist_ok=True)
    return ScoreCache(folder / f"marks-{VERSION}.jsonl")


def score_photo(path: str, read: Callable[[Path], Reading], kept: ScoreCache) -> AuditResult:
    """Mark one photo, or say why it has no marks."""
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
    return hashlib.sha256(f"{path.absolute()}\0{stamp.size}\0{stamp.mtime_ns}".encode("utf-8", "replace")).hexdigest()


# -- the contact sheet ---------------------------------------------------------------------------

HEAD = "<!doctype html><html lang='en'><meta charset='utf-8'><title>Afterframe audit</title>"
"""How every contact sheet of ours begins, so that nothing else is ever overwritten."""
STYLE = """
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { margin: 1.5rem auto; max-width: 90rem; padding: 0 1rem; }
ol { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1.5rem; padding: 0; }
li { list-style: none; }
li { break-inside: avoid; }
img { width: 100%; height: 14rem; object-fit: contain; background: color-mix(in srgb, currentColor 8%, transparent); }
h2 { font-size: 1rem; margin: .4rem 0; overflow-wrap: anywhere; }
h2 b { float: right; padding-left: 1rem; }
dl { display: grid; grid-template-columns: 4.5rem 1fr; gap: .15rem .6rem; margin: 0; font-size: .85rem; }
dt { color: color-mix(in srgb, currentColor 65%, transparent); }
dd { margin: 0; }
meter { width: 4rem; }
"""


def contact_sheet(results: Iterable[AuditResult], file: Path, limits: LimitsConfig) -> None:
    """Write an HTML page with the photos, best first, and a folder of thumbnails beside it.

    Raises:
        PhotoError: the page cannot be written.
    """
    if file.suffix.lower() not in (".html", ".htm") or (file.exists() and not _is_contact_sheet(file)):
        raise PhotoError(
            f"{file} is not a contact sheet of ours, and is left alone.", "Name a new .html file.", code="output"
        )
    thumbnails = file.with_name(f"{file.stem}_files")
    try:
        thumbnails.mkdir(exist_ok=True)
        write_file(file, "".join(_page(results, thumbnails, limits)).encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise PhotoError(
            f"{file} cannot be written: {error.strerror}.", "Choose another place.", code="output"
        ) from error


def _is_contact_sheet(file: Path) -> bool:
    try:
        return file.read_bytes()[: len(HEAD)] == HEAD.encode()
    except OSError:
        return False


def _page(results: Iterable[AuditResult], thumbnails: Path, limits: LimitsConfig) -> Iterator[str]:
    yield f"{HEAD}<style>{STYLE}</style>"
    yield "<meta name='viewport' content='width=device-width'><h1>Worth animating</h1>"
    yield "<p>Best first. Each mark goes from 0 to 1; hover over it for the number.</p><ol>"
    for number, one in enumerate(results):
        name = html.escape(one.path)
        if one.error:
            yield f"<li><h2>{name}</h2><p>{html.escape(one.error['message'])} {html.escape(one.error['hint'])}</p></li>"
            continue
        picture = _thumbnail(Path(one.path), thumbnails / f"{number:06}.jpg", limits)
        yield f"<li>{picture}<h2><b>{one.score:.2f}</b>{name}</h2><dl>"
        for score_photo in (*WEIGHTS, "source_quality"):
            entry = one.readiness[score_photo]
            score = f"<meter value='{entry['score']}' title='{entry['score']:.2f}'>{entry['score']:.2f}</meter>"
            yield f"<dt>{score}</dt><dd>{score_photo.replace('_', ' ')}: {html.escape(entry['reason'])}</dd>"
        yield "</dl></li>"
    yield "</ol></html>"


def _thumbnail(photo: Path, target: Path, limits: LimitsConfig) -> str:
    try:
        pixels, _ = decode(photo, megapixels=limits.megapixels, at_least=(THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    except PhotoError:
        return ""
    image = Image.fromarray(pixels)
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82)
    target.write_bytes(buffer.getvalue())
    return f"<img src='{target.parent.name}/{target.name}' alt='' loading='lazy'>"
