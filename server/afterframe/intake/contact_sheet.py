"""The audit as a page: photos with thumbnails and scores, best first."""

from __future__ import annotations

import html
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import Image

from afterframe.config import LimitsConfig
from afterframe.errors import PhotoError
from afterframe.imaging.decode import decode
from afterframe.intake.audit import AuditResult
from afterframe.intake.scoring import SCORES
from afterframe.system.files import write_file

THUMBNAIL_SIDE = 360
"""Pixels."""
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


def write_contact_sheet(results: Iterable[AuditResult], file: Path, limits: LimitsConfig) -> None:
    """Write an HTML page with the photos, best first, and a folder of thumbnails beside it.

    Raises:
        PhotoError: the page cannot be written.
    """
    if file.suffix.lower() not in (".html", ".htm") or (file.exists() and not _is_contact_sheet(file)):
        raise PhotoError(
            f"{file} is not a contact sheet that Afterframe wrote, and is left alone.",
            "Name a new .html file.",
            code="output",
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
    yield "<p>Best first. Each score goes from 0 to 1; hover over it for the number.</p><ol>"
    for number, one in enumerate(results):
        photo = html.escape(one.path)
        if one.error:
            reason = f"{html.escape(one.error['message'])} {html.escape(one.error['hint'])}"
            yield f"<li><h2>{photo}</h2><p>{reason}</p></li>"
            continue
        picture = _thumbnail(Path(one.path), thumbnails / f"{number:06}.jpg", limits)
        yield f"<li>{picture}<h2><b>{one.score:.2f}</b>{photo}</h2><dl>"
        for name in SCORES:
            entry = one.readiness[name]
            score = f"<meter value='{entry['score']}' title='{entry['score']:.2f}'>{entry['score']:.2f}</meter>"
            yield f"<dt>{score}</dt><dd>{name.replace('_', ' ')}: {html.escape(entry['reason'])}</dd>"
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
