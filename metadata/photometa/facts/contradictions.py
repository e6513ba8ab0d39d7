"""Statements about a photo that cannot both be true, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from photometa.facts.clock import gps_offset, parse_offset, zone_offset
from photometa.facts.findings import Findings
from photometa.facts.light import EV_FILL_FLASH, EV_NIGHT, may_be_the_moon
from photometa.facts.precedence import Statements

EV_DAYLIGHT = 12.0
CLOCKS_AGREE = timedelta(minutes=2)


def contradictions(found: Findings, values: Mapping[str, Any], said: Statements) -> tuple[str, ...]:
    """Every contradiction found, the most telling first.

    Args:
        found: the findings that count.
        values: the facts, derived ones included.
        said: the statements by block.
    """
    checks = (_clock_and_light(values), _sun_and_light(values), _offsets(found), _times(said))
    return tuple(text for texts in checks for text in texts)


def _clock_and_light(values: Mapping[str, Any]) -> list[str]:
    """The clock against the exposure, if the sun's position is not known."""
    ev, moment = values.get("ev100"), values.get("captured_at")
    if ev is None or not isinstance(moment, datetime) or values.get("time_of_day_source") != "clock":
        return []
    clock = moment.strftime("%H:%M")
    moon = may_be_the_moon(ev, values.get("focal_35mm"))
    if ev >= EV_DAYLIGHT and (moment.hour >= 22 or moment.hour < 4) and not moon:
        return [f"The camera's clock says {clock}, the exposure (EV {ev:.1f}) says daylight."]
    if ev < EV_NIGHT and 10 <= moment.hour < 16 and not values.get("flash_fired"):
        return [
            f"The camera's clock says {clock}, the exposure (EV {ev:.1f}) says night, a dark room or a strong filter."
        ]
    return []


def _sun_and_light(values: Mapping[str, Any]) -> list[str]:
    ev, elevation = values.get("ev100"), values.get("sun_elevation_deg")
    if ev is None or elevation is None:
        return []
    moon = may_be_the_moon(ev, values.get("focal_35mm"))
    if elevation < -6 and ev >= EV_FILL_FLASH and not values.get("flash_fired") and not moon:
        return [f"The sun stood {-elevation:.0f}° below the horizon, the exposure (EV {ev:.1f}) says daylight."]
    if elevation > 10 and ev < EV_NIGHT and not values.get("flash_fired"):
        return [
            f"The sun stood {elevation:.0f}° high, the exposure (EV {ev:.1f}) says night, "
            "a dark room or a strong filter."
        ]
    return []


def _offsets(found: Findings) -> list[str]:
    """The written offset against GPS time and against the place's time zone."""
    if "offset_text" not in found or "captured_at" not in found:
        return []
    written = parse_offset(found["offset_text"][0])
    if written is None:
        return []
    measured = gps_offset(found)
    if measured is not None and measured != written:
        return [f"The written offset is {_signed(written)}, GPS time says {_signed(measured)}."]
    local = zone_offset(found)
    if local is not None and local != written:
        return [f"The written offset is {_signed(written)}, the place's time zone has {_signed(local)}."]
    return []


def _signed(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _times(said: Statements) -> list[str]:
    """Exif's time against XMP's and the sidecar's."""
    first, source = said.exif.get("captured_at", (None, ""))
    if not isinstance(first, datetime):
        return []
    texts = []
    for other in (said.xmp, said.sidecar):
        second, name = other.get("captured_at", (None, ""))
        if not isinstance(second, datetime) or name.endswith("xmp:CreateDate"):  # which may be that of the file
            continue
        if abs(second - first) > CLOCKS_AGREE:
            texts.append(f"{source} says {first:%Y-%m-%d %H:%M}, {name} says {second:%Y-%m-%d %H:%M}.")
    return texts
