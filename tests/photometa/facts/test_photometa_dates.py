"""Dates by the grammar of Exif, XMP and IPTC, and the one that is believed."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from photometa_seeds import JPEG, exif_block, photo

import photometa
from photometa import Facts, Value
from photometa.facts.dates import iptc_date, written_date
from photometa.xmp.packets import packet

NO_EXIF_DATE = {"DateTimeOriginal": None, "OffsetTimeOriginal": None}
Taken = Callable[..., Facts]


@pytest.fixture
def taken(tmp_path: Path) -> Taken:
    """The facts of a photo without a position, with these dates in it."""

    def read(
        exif: dict[str, object] | None = None, xmp: dict[str, Value] | None = None, iptc: dict[int, str] | None = None
    ) -> Facts:
        block = exif_block(**{**NO_EXIF_DATE, **(exif or {})}).replace(b"N\0", b"?\0").replace(b"E\0", b"?\0")
        data = photo(JPEG, block, packet(xmp or {"dc:format": "image/jpeg"}))
        path = tmp_path / "photo.jpg"
        path.write_bytes(data[:2] + iptc_segment(iptc or {}) + data[2:])
        return photometa.read(path)

    return read


def iptc_segment(datasets: dict[int, str]) -> bytes:
    """An APP13 segment with datasets of record 2."""
    texts = {number: text.encode() for number, text in datasets.items()}
    data = b"".join(struct.pack(">BBBH", 0x1C, 2, number, len(raw)) + raw for number, raw in texts.items())
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(data)) + data + b"\0" * (len(data) % 2)
    payload = b"Photoshop 3.0\0" + resource
    return b"\xff\xed" + struct.pack(">H", len(payload) + 2) + payload if datasets else b""


def iso(facts: Facts) -> str | None:
    return facts.captured_at.isoformat() if facts.captured_at else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2016-01-28T12:21+02:00", "2016-01-28T12:21:00+02:00"),
        ("2016-01-28T12:21-05:00", "2016-01-28T12:21:00-05:00"),
        ("2016-01-28T12:21Z", "2016-01-28T12:21:00+00:00"),
        ("2016-01-28T12:21", "2016-01-28T12:21:00"),
        ("2016-01-28T12:21:09.25+05:30", "2016-01-28T12:21:09.250000+05:30"),
        ("2016-01-28T12:21:09z", "2016-01-28T12:21:09+00:00"),
        ("2016-01-28 12:21:09 -0330", "2016-01-28T12:21:09-03:30"),
        ("2016-01-28", "2016-01-28"),
        ("2016-01", None),
        ("2016", None),
    ],
)
@pytest.mark.parametrize("name", ["photoshop:DateCreated", "exif:DateTimeOriginal", "xmp:CreateDate"])
def test_an_xmp_date_is_read_by_its_grammar(taken: Taken, name: str, text: str, expected: str | None) -> None:
    assert iso(taken(xmp={name: text})) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018:05:10 13:23:29+02:00", "2018-05-10T13:23:29+02:00"),
        ("2018:05:10 13:23:29-0800", "2018-05-10T13:23:29-08:00"),
        ("2018:05:10 13:23:29Z", "2018-05-10T13:23:29+00:00"),
        ("2018:05:10 13:23:29.5 +09:00", "2018-05-10T13:23:29.500000+09:00"),
        ("2018:05:10 13:23", "2018-05-10T13:23:00"),
        ("2018: 5: 1  9: 3: 9", "2018-05-01T09:03:09"),
        ("2018/05/10 13:23:29", "2018-05-10T13:23:29"),
        ("2018-05-10T13:23:29", "2018-05-10T13:23:29"),
        ("2018:05:10", "2018-05-10"),
        ("2018:05:10   :  :  ", "2018-05-10"),
        ("2018:05:10 1:23:29 PM", "2018-05-10T13:23:29"),
        ("2018:05:10 01:23:29 p.m.", "2018-05-10T13:23:29"),
        ("2018:05:10 12:23:29 AM", "2018-05-10T00:23:29"),
        ("2018:05:10 12:23:29pm", "2018-05-10T12:23:29"),
        ("2018:05:10 下午 1:23:29", "2018-05-10T13:23:29"),
        ("2018:05:10 13:23:29 PM", "2018-05-10T13:23:29"),
        ("2018:05:10 13:23:29 AM", None),
        ("2018:05:10 1:23:29 nachm.", None),
        ("2018:05:10 25:23:29", None),
        ("2018:13:10 12:00:00", None),
        ("0000:00:00 00:00:00", None),
        ("    :  :     :  :  ", None),
        ("today", None),
        ("", None),
    ],
)
def test_an_exif_date_is_read_by_its_grammar(text: str, expected: str | None) -> None:
    written = written_date(text)
    assert (written.moment.isoformat() + (written.offset or "") if written else None) == expected


def test_an_offset_in_exifs_text_counts_where_no_tag_of_its_own_has_one(taken: Taken) -> None:
    date_text = b"2018:05:10 13:23:29+02:00"
    assert iso(taken(exif={"DateTimeOriginal": date_text})) == "2018-05-10T13:23:29+02:00"
    both = taken(exif={"DateTimeOriginal": date_text, "OffsetTimeOriginal": b"+03:00"})
    assert iso(both) == "2018-05-10T13:23:29+03:00"
    blank = taken(exif={"DateTimeOriginal": date_text, "OffsetTimeOriginal": b"   :  "})
    assert iso(blank) == "2018-05-10T13:23:29+02:00"


def test_fractions_of_a_second_are_kept() -> None:
    written = written_date("2024:07:01 12:00:00", "05")
    assert written is not None
    assert written.moment == datetime(2024, 7, 1, 12, 0, 0, 50_000)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("datasets", "expected"),
    [
        ({55: "20250307", 60: "154142+0100"}, "2025-03-07T15:41:42+01:00"),
        ({55: "20250307", 60: "154142"}, "2025-03-07T15:41:42"),
        ({55: "2025-03-07", 60: "15:41:42-05:00"}, "2025-03-07T15:41:42-05:00"),
        ({55: "20250307"}, "2025-03-07"),
        ({55: "20250307", 60: "99"}, "2025-03-07"),
        ({55: "20250000", 60: "154142+0100"}, None),
        ({60: "154142+0100"}, None),
        ({62: "20250307", 63: "154142+0100"}, "2025-03-07T15:41:42+01:00"),
        ({55: "20250307", 62: "20240101", 63: "000000"}, "2025-03-07"),
    ],
)
def test_iptc_dates_are_two_datasets(taken: Taken, datasets: dict[int, str], expected: str | None) -> None:
    assert iso(taken(iptc=datasets)) == expected


def test_exif_comes_first_then_iptc_then_xmp_in_its_order(taken: Taken) -> None:
    xmp: dict[str, Value] = {"xmp:CreateDate": "2004-01-01T00:00:00", "exif:DateTimeOriginal": "2003-01-01T00:00:00"}
    assert iso(taken(xmp=xmp)) == "2003-01-01T00:00:00"
    xmp["photoshop:DateCreated"] = "2002-01-01T00:00:00"
    assert iso(taken(xmp=xmp)) == "2002-01-01T00:00:00"
    iptc = {55: "20010101", 60: "000000"}
    assert iso(taken(xmp=xmp, iptc=iptc)) == "2001-01-01T00:00:00"
    exif: dict[str, object] = {"DateTimeOriginal": b"2000:01:01 00:00:00"}
    assert iso(taken(exif, xmp, iptc)) == "2000-01-01T00:00:00"


@pytest.mark.parametrize(
    ("xmp", "iptc", "expected"),
    [
        ({"exif:DateTimeOriginal": "2009-12-25T21:52-05:00"}, {}, "2009-12-25T21:52:00-05:00"),
        ({"photoshop:DateCreated": "2009-12-25T21:52:00+09:00"}, {}, "2009-12-25T21:52:00+09:00"),
        (
            {"photoshop:DateCreated": "2009-12-25T21:52:00", "xmp:CreateDate": "2009-12-25T21:52:31+01:00"},
            {},
            "2009-12-25T21:52:00+01:00",
        ),
        ({}, {55: "20091225", 60: "215200-0300"}, "2009-12-25T21:52:00-03:00"),
        (
            {"photoshop:DateCreated": "2009-12-25T20:52:00Z", "exif:DateTimeOriginal": "2009-12-25T21:52:00+01:00"},
            {},
            "2009-12-25T21:52:00+01:00",
        ),
        ({}, {55: "20091225", 60: "215200+0000"}, "2009-12-25T21:52:00"),
        ({"exif:DateTimeOriginal": "2009-12-25T20:52-06:00"}, {}, "2009-12-25T21:52:00"),
        ({"exif:DateTimeOriginal": "2009-12-25"}, {}, "2009-12-25T21:52:00"),
    ],
)
def test_an_offset_beside_the_same_minute_is_taken(
    taken: Taken, xmp: dict[str, Value], iptc: dict[int, str], expected: str
) -> None:
    assert iso(taken({"DateTimeOriginal": b"2009:12:25 21:52:00"}, xmp, iptc)) == expected


def test_a_day_gives_way_to_a_time_of_that_day_and_to_no_other(taken: Taken) -> None:
    same: dict[str, Value] = {"photoshop:DateCreated": "2025-03-07T10:00+01:00"}
    assert iso(taken(xmp=same, iptc={55: "20250307"})) == "2025-03-07T10:00:00+01:00"
    assert iso(taken(xmp=same, iptc={55: "20250308"})) == "2025-03-08"


def test_a_day_without_a_time_says_nothing_about_the_time_of_day(taken: Taken) -> None:
    facts = taken(xmp={"photoshop:DateCreated": "2016-01-28"})
    assert facts.captured_at == date(2016, 1, 28)
    assert (facts.time_of_day, facts.sun_elevation_deg, facts.contradictions) == (None, None, ())
    assert facts.to_dict()["captured_at"] == "2016-01-28"


@given(st.text(max_size=40) | st.from_regex(r"\d{4}.\d\d.\d\d[T ]\d\d.\d\d.*", fullmatch=True))
def test_no_text_raises_and_no_hour_is_made_up(text: str) -> None:
    for written in (written_date(text), iptc_date(text, text)):
        if written is not None and isinstance(written.moment, datetime):
            assert str(written.moment.minute) in text


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), st.integers(-11, 14))  # noqa: DTZ001
def test_every_whole_date_reads_back(moment: datetime, hours: int) -> None:
    offset = f"{'-' if hours < 0 else '+'}{abs(hours):02}:00"
    assert written_date(moment.isoformat() + offset) == (moment, offset)
    assert written_date(f"{moment:%Y:%m:%d %H:%M:%S}") == (moment.replace(microsecond=0), None)
