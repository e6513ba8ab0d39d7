"""The capture time: the camera's wall clock, and its offset from UTC.

The wall clock is the local hour and is never shifted; an offset is only added to it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from photometa.facts.findings import Findings

QUARTER = timedelta(minutes=15)
MAX_RESIDUE = timedelta(minutes=4)
"""How far wall clock minus GPS time may be from a quarter of an hour: GPS fix and shutter differ."""
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)\Z")


def offset_of(found: Findings) -> tuple[timedelta, str] | None:
    """The wall clock's offset from UTC and how it is known.

    In this order: written beside the time; GPS time; the time zone at the position; otherwise unknown.
    """
    if not _has_time(found):
        return None
    if "offset_text" in found:
        written = parse_offset(found["offset_text"][0])
        if written is not None:
            return written, found["offset_text"][1]
    measured = gps_offset(found)
    if measured is not None:
        return measured, "EXIF GPSTimeStamp"
    local = zone_offset(found)
    if local is not None:
        return local, "time zone of the position"
    return None


def gps_offset(found: Findings) -> timedelta | None:
    """Wall clock minus GPS time, if that is close to a quarter of an hour."""
    if "gps_utc" not in found or not _has_time(found):
        return None
    return _rounded(found["captured_at"][0] - found["gps_utc"][0])


def zone_offset(found: Findings) -> timedelta | None:
    """The civil offset at the position and time; None in an hour that does not exist, or exists twice."""
    if "latitude" not in found or not _has_time(found):
        return None
    return _zone_offset(found["captured_at"][0], found["latitude"][0], found["longitude"][0])


def _has_time(found: Findings) -> bool:
    return isinstance(found.get("captured_at", (None, ""))[0], datetime)


def aware(moment: datetime, offset: tuple[timedelta, str] | None) -> datetime:
    """The wall clock with its offset, if the file itself gives one."""
    if offset is None or offset[1] == "time zone of the position":
        return moment
    return moment.replace(tzinfo=timezone(offset[0]))


def to_utc(moment: datetime, offset: timedelta) -> datetime:
    """The moment in UTC."""
    return (moment.replace(tzinfo=None) - offset).replace(tzinfo=UTC)


def parse_offset(text: str) -> timedelta | None:
    """ "+hh:mm" as a time difference; between -12:00 and +14:00, as zones are."""
    match = _OFFSET.match(text.strip())
    if match is None or int(match[3]) > 59:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3])) * (-1 if match[1] == "-" else 1)
    return offset if timedelta(hours=-12) <= offset <= timedelta(hours=14) else None


def _rounded(difference: timedelta) -> timedelta | None:
    offset = round(difference / QUARTER) * QUARTER
    if abs(difference - offset) > MAX_RESIDUE or not timedelta(hours=-12) <= offset <= timedelta(hours=14):
        return None
    return offset


def _zone_offset(moment: datetime, latitude: float, longitude: float) -> timedelta | None:
    try:
        from zoneinfo import ZoneInfo

        from tzfpy import get_tz

        zone = ZoneInfo(get_tz(longitude, latitude))
    except (ImportError, KeyError, ValueError, OSError):
        return None
    local = moment.replace(tzinfo=zone)
    first, second = local.utcoffset(), local.replace(fold=1).utcoffset()
    return first if first == second else None
