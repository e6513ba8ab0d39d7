"""Which statement counts if there are several.

| facts | order |
| --- | --- |
| what the file is (size, orientation, profile) | container, Exif, XMP |
| what people write: rating, words, place, position | own sidecar, embedded XMP, IPTC, Exif |
| lens | Exif LensModel, embedded XMP, own sidecar, maker note, Exif LensSpecification |
| when it was taken | Exif, IPTC, embedded XMP, own sidecar (MWG guidelines 2.0, 5.4) |
| everything else that the camera measured | Exif, embedded XMP, own sidecar, maker note |

Keywords in XMP and in IPTC are joined; those of the sidecar are all there are. A position's parts come from one
statement, and so do a time and its offset: that of another statement counts if its time is of the same minute. A day
without a time gives way to a time of that day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from photometa.facts.dates import same_minute
from photometa.facts.findings import Findings
from photometa.facts.keywords import joined

WRITTEN_LATER = frozenset(
    {"rating", "title", "caption", "keywords", "creator", "copyright", "sublocation", "city", "state"}
    | {"country", "latitude", "longitude", "altitude_m", "persons", "marked_faces"}
)
_LEADS = {"longitude": "latitude", "altitude_m": "latitude", "offset_text": "captured_at"}
"""Fields that count only together with the same value of another field."""


@dataclass(slots=True)
class Statements:
    """Findings by the block they come from."""

    container: Findings = field(default_factory=dict)
    exif: Findings = field(default_factory=dict)
    maker: Findings = field(default_factory=dict)
    xmp: Findings = field(default_factory=dict)
    iptc: Findings = field(default_factory=dict)
    sidecar: Findings = field(default_factory=dict)


def believed(said: Statements) -> Findings:
    """The statement that counts for each field."""
    written = [said.sidecar, said.xmp, said.iptc, said.exif]
    spec = {"lens": said.exif["lens_range"]} if "lens_range" in said.exif else {}
    measured = [said.container, said.exif, said.iptc, said.xmp, said.sidecar, said.maker, spec]
    result: Findings = {}
    for findings in written:
        _take(result, findings, {f for f in findings if f in WRITTEN_LATER})
    if "keywords" not in said.sidecar and "keywords" in said.xmp and "keywords" in said.iptc:
        (words, source), (others, other_source) = said.xmp["keywords"], said.iptc["keywords"]
        result["keywords"] = joined(words, others), f"{source}, {other_source}"
    for findings in measured:
        _take(result, findings, {f for f in findings if f not in WRITTEN_LATER})
    _find_offset(result, (said.iptc, said.xmp, said.sidecar))
    if "rating" in result and result["rating"][0] == 0:
        del result["rating"]  # no stars, said by the statement that counts
    return result


def _find_offset(result: Findings, statements: tuple[Findings, ...]) -> None:
    """The offset of any date of the same minute, where the one that counts has none."""
    if "offset_text" in result or "captured_at" not in result:
        return
    for findings in statements:
        for written, source in findings.get("offsets", ((), ""))[0]:
            if same_minute(written.moment, result["captured_at"][0]):
                result["offset_text"] = (written.offset, source)
                return


def _completes(one: tuple[Any, str] | None, other: tuple[Any, str]) -> bool:
    """Whether one is a day without a time, and the other a time of that day."""
    if one is None or isinstance(one[0], datetime) or not isinstance(one[0], date):
        return False
    return isinstance(other[0], datetime) and other[0].date() == one[0]


def _take(result: Findings, findings: Findings, names: set[str]) -> None:
    """Add the fields that are still missing, the leading ones first."""
    for name in sorted(names, key=lambda n: n in _LEADS):
        lead = _LEADS.get(name)
        missing = name not in result and (lead is None or _agree(lead, result, findings))
        if missing or _completes(result.get(name), findings[name]):
            result[name] = findings[name]


def _agree(lead: str, result: Findings, findings: Findings) -> bool:
    """Whether a statement's position is the one that counts; an offset goes only with its own statement's time."""
    one, other = result.get(lead), findings.get(lead)
    if lead == "captured_at":
        return one is not None and one is other
    return one is not None and other is not None and bool(one[0] == other[0])
