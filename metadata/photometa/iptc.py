"""IPTC Information Interchange Model, version 4.2: what photographers and agencies wrote."""

from __future__ import annotations

from photometa.facts.dates import iptc_date
from photometa.facts.findings import Findings, clean_text, note
from photometa.facts.keywords import without_doubles

MAX_DATASETS = 10_000
_UTF8 = b"\x1b%G"
_FIELDS = {
    5: ("title", "ObjectName"),
    80: ("creator", "By-line"),
    90: ("city", "City"),
    92: ("sublocation", "Sub-location"),
    95: ("state", "Province-State"),
    101: ("country", "Country-PrimaryLocationName"),
    116: ("copyright", "CopyrightNotice"),
    120: ("caption", "Caption-Abstract"),
}
_KEYWORDS = 25
_DATES = ((55, 60, "DateCreated"), (62, 63, "DigitalCreationDate"))
"""A date, the time that belongs to it, and the date's name."""


def read_iptc(data: bytes) -> Findings:
    """The facts in IIM datasets of record 2."""
    datasets, utf8 = _datasets(data)
    found: Findings = {}
    keywords: list[str] = []
    dates: dict[int, str] = {}
    for number, raw in datasets:
        text = clean_text(_decoded(raw, utf8=utf8))
        if text is None:
            continue
        if number == _KEYWORDS:
            keywords.append(text)
        elif number in _FIELDS:
            field, name = _FIELDS[number]
            note(found, field, text, f"IPTC {name}")
        else:
            dates.setdefault(number, text)
    for day, time, name in _DATES:
        if "captured_at" not in found and (written := iptc_date(dates.get(day), dates.get(time))):
            note(found, "captured_at", written.moment, f"IPTC {name}")
            note(found, "offset_text", written.offset, f"IPTC {name}")
            if written.offset not in (None, "+00:00"):  # the standard wants one: zero may mean that it is not known
                note(found, "offsets", ((written, f"IPTC {name}"),), "IPTC")
    note(found, "keywords", without_doubles(keywords), "IPTC Keywords")
    return found


def _datasets(data: bytes) -> tuple[list[tuple[int, bytes]], bool]:
    """Record 2's datasets, and whether 1:90 (CodedCharacterSet) says UTF-8."""
    found: list[tuple[int, bytes]] = []
    utf8 = False
    offset = 0
    while data[offset : offset + 1] == b"\x1c" and len(found) < MAX_DATASETS:
        head = data[offset : offset + 5]
        if len(head) < 5:
            break
        record, number, size = head[1], head[2], int.from_bytes(head[3:5], "big")
        offset += 5
        if size & 0x8000:  # extended dataset: the length of the length
            width = size & 0x7FFF
            size = int.from_bytes(data[offset : offset + min(width, 8)], "big")
            offset += width
        value = data[offset : offset + size]
        offset += size
        if record == 2:
            found.append((number, value))
        elif (record, number) == (1, 90):
            utf8 = value == _UTF8
    return found, utf8


def _decoded(raw: bytes, *, utf8: bool) -> str:
    """UTF-8 if declared or valid; otherwise Windows-1252, which writers without 1:90 mean."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8" if utf8 else "cp1252", "replace")
