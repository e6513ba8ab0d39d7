"""Wall clocks and their offsets."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from photometa.facts.clock import aware, offset_of, parse_offset, to_utc
from photometa.facts.findings import Findings

NOON = datetime(2024, 7, 1, 12)  # noqa: DTZ001 - a camera's wall clock
PARIS = {"latitude": (48.85, ""), "longitude": (2.35, "")}


def found(moment: datetime = NOON, **more: object) -> Findings:
    return {"captured_at": (moment, "EXIF DateTimeOriginal"), **more}  # type: ignore[dict-item]


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def test_a_written_offset_counts_first() -> None:
    said = found(offset_text=("+09:00", "EXIF OffsetTimeOriginal"), gps_utc=(NOON - hours(2), ""), **PARIS)
    assert offset_of(said) == (hours(9), "EXIF OffsetTimeOriginal")


def test_gps_time_counts_next_rounded_to_a_quarter_of_an_hour() -> None:
    said = found(gps_utc=(NOON - hours(5.75) + timedelta(seconds=100), ""), **PARIS)
    assert offset_of(said) == (hours(5.75), "EXIF GPSTimeStamp")


def test_gps_time_that_is_no_offset_is_left_out() -> None:
    assert offset_of(found(gps_utc=(NOON - timedelta(minutes=127), ""))) is None
    assert offset_of(found(gps_utc=(NOON - hours(30), ""))) is None


@pytest.mark.parametrize(
    ("moment", "offset"),
    [
        (datetime(2024, 7, 1, 12), 2),  # noqa: DTZ001
        (datetime(2024, 1, 1, 12), 1),  # noqa: DTZ001
        (datetime(2024, 3, 31, 2, 30), None),  # noqa: DTZ001 - does not exist
        (datetime(2024, 10, 27, 2, 30), None),  # noqa: DTZ001 - exists twice
        (datetime(2024, 10, 27, 3, 30), 1),  # noqa: DTZ001
    ],
)
def test_the_places_time_zone_counts_last_and_only_where_it_is_certain(moment: datetime, offset: float | None) -> None:
    expected = None if offset is None else (hours(offset), "time zone of the position")
    assert offset_of(found(moment, **PARIS)) == expected


def test_without_any_of_them_the_offset_is_unknown() -> None:
    assert offset_of(found()) is None
    assert offset_of({}) is None


def test_the_wall_clock_is_never_shifted() -> None:
    assert aware(NOON, (hours(-7), "EXIF OffsetTimeOriginal")).isoformat() == "2024-07-01T12:00:00-07:00"
    assert aware(NOON, (hours(2), "time zone of the position")) == NOON
    assert to_utc(NOON, hours(2)).isoformat() == "2024-07-01T10:00:00+00:00"


@pytest.mark.parametrize("text", ["", "Z", "+25:00", "+02:75", "2:00", "+0x:00", "-13:00"])
def test_what_is_no_offset_is_none(text: str) -> None:
    assert parse_offset(text) is None
