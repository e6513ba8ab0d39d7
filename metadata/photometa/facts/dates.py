"""Dates and times as Exif, XMP and IPTC write them, read by their grammar and never cut by length.

Exif 3.0, 4.6.6.6 ("2024:05:31 17:20:00"); XMP Specification part 1, 8.2.1.3 ("2024-05-31T17:20+02:00"); IPTC IIM 4.2,
2:55 and 2:60 ("20240531", "172000+0200"). What programs make of them is read too: an offset inside Exif's text, other
separators, a twelve-hour clock. A text that fits none of it is no date: half a reading would be a false one.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import NamedTuple

_DAY = r"(?P<year>\d{4})(?P<dash>[-:/.]?)(?P<month>[ \d]?\d)(?P=dash)(?P<day>[ \d]?\d)"
_BEFORE_NOON, _AFTER_NOON = r"a\.?m\.?|上午|午前|오전", r"p\.?m\.?|下午|午後|오후"
_HALF = rf"(?:(?P<am>{_BEFORE_NOON})|(?P<pm>{_AFTER_NOON}))"
_CLOCK = r"(?P<hour>[ \d]?\d):(?P<minute>[ \d]?\d)(?::(?P<second>[ \d]?\d)(?:[.,](?P<fraction>\d+))?)?"
_DENSE = r"(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?"
_ZONE = r"(?P<zone>[zZ]|(?P<sign>[-+])(?P<zone_hours>\d\d?)(?::?(?P<zone_minutes>\d\d))?)?"
_BLANK = r"(?:[ :]*|T)"
_DATE_ONLY = re.compile(_DAY + _BLANK)
_FORMS = tuple(
    re.compile(f"{_DAY}(?:[T:]| +){time} *{_ZONE}", re.IGNORECASE)
    for time in (f"{_HALF}? *{_CLOCK}", f"{_CLOCK} *{_HALF}", _DENSE)
)
_LONGEST = 64


class Written(NamedTuple):
    """A date as it was written."""

    moment: datetime | date
    """The wall clock, naive; the day alone where no time was written."""
    offset: str | None = None
    """From UTC, "+hh:mm"."""


def written_date(text: str | None, fraction: str | None = None) -> Written | None:
    """A date in any of the forms above; None for blanks, zeros, and anything else.

    Args:
        text: e.g. an Exif tag.
        fraction: SubSecTime, digits of the second's fraction.
    """
    if text is None or len(text) > _LONGEST:
        return None
    text = text.strip()
    try:
        if match := _DATE_ONLY.fullmatch(text):
            day = _day(match)
            return Written(day) if day else None
        if match := next((found for form in _FORMS if (found := form.fullmatch(text))), None):
            return _with_time(match, fraction)
    except ValueError:  # no such day, no such hour
        pass
    return None


def iptc_date(day: str | None, time: str | None) -> Written | None:
    """IPTC's date and its time, which is a dataset of its own; the day alone if the time cannot be read."""
    whole = written_date(f"{day}T{time}") if day and time else None
    if whole is not None:
        return whole
    alone = written_date(day)
    return alone if alone is not None and not isinstance(alone.moment, datetime) else None


def same_minute(one: object, other: object) -> bool:
    """Whether two moments stand in the same minute: seconds are often left out."""
    if not isinstance(one, datetime) or not isinstance(other, datetime):
        return False
    return one.replace(second=0, microsecond=0) == other.replace(second=0, microsecond=0)


def _day(match: re.Match[str]) -> date | None:
    if not match["dash"] and len(match["month"] + match["day"]) != 4:
        return None
    day = date(int(match["year"]), int(match["month"]), int(match["day"]))
    return day if 1826 <= day.year < 9999 else None  # the first photograph; room for an offset


def _with_time(match: re.Match[str], fraction: str | None) -> Written | None:
    day, parts = _day(match), match.groupdict()
    if day is None:
        return None
    digits = parts.get("fraction") or (fraction or "").strip()
    micros = int(digits[:6].ljust(6, "0")) if digits.isascii() and digits.isdigit() else 0
    hour = _hour(int(parts["hour"]), before_noon=bool(parts.get("am")), after_noon=bool(parts.get("pm")))
    moment = datetime(day.year, day.month, day.day, hour, int(parts["minute"]), int(parts["second"] or 0), micros)  # noqa: DTZ001 - a wall clock
    return Written(moment, _offset(parts))


def _hour(hour: int, *, before_noon: bool, after_noon: bool) -> int:
    """The hour of the day; 13 to 23 are that also with "pm" behind them.

    Raises:
        ValueError: 13 in the morning.
    """
    if before_noon and hour > 12:
        raise ValueError(hour)
    if before_noon:
        return hour % 12
    return hour + 12 if after_noon and hour < 12 else hour


def _offset(parts: dict[str, str | None]) -> str | None:
    if not parts["zone"]:
        return None
    if parts["sign"] is None:
        return "+00:00"
    return f"{parts['sign']}{int(parts['zone_hours'] or 0):02}:{int(parts['zone_minutes'] or 0):02}"
