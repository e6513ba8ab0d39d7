"""When and where a clip's photo was taken: what catalogues sort and map by, in the clip's sidecar and in the MP4.

photoshop:DateCreated and exif:DateTimeOriginal (IPTC Photo Metadata 2025.1; Exif for XMP, CIPA DC-010): the first is
the standard's, the second is what programs read that treat the sidecar of a video as that of a photo.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import photometa
from photometa.containers.mp4_taken import Taken, write_taken
from photometa.facts.clock import zone_offset

log = logging.getLogger(__name__)

_PLACE = {
    "Iptc4xmpCore:Location": "sublocation",
    "photoshop:City": "city",
    "photoshop:State": "state",
    "photoshop:Country": "country",
}


def taken_properties(facts: Mapping[str, Any]) -> dict[str, photometa.Value]:
    """What the sidecar says of when and where.

    Args:
        facts: of the photo, as JSON.
    """
    properties: dict[str, photometa.Value] = {}
    if when := _written(facts):
        properties["photoshop:DateCreated"] = properties["exif:DateTimeOriginal"] = when.isoformat()
    properties |= {name: str(facts[key]) for name, key in _PLACE.items() if facts.get(key)}
    position, altitude = _position(facts), facts.get("altitude_m")
    if position is not None:
        properties["exif:GPSLatitude"] = _coordinate(position[0], "NS")
        properties["exif:GPSLongitude"] = _coordinate(position[1], "EW")
        if isinstance(altitude, int | float):
            properties["exif:GPSAltitudeRef"] = "1" if altitude < 0 else "0"
            properties["exif:GPSAltitude"] = f"{round(abs(altitude) * 1000)}/1000"
    return properties


def tag_clip(clip: Path, facts: Mapping[str, Any]) -> None:
    """Write when and where into a finished MP4. A clip whose boxes are of an unusual kind stays as it is.

    Raises:
        OSError: the disk is full, say; the clip is as it was.
    """
    altitude = facts.get("altitude_m")
    taken = Taken(_moment(facts), _position(facts), altitude if isinstance(altitude, int | float) else None)
    try:
        with clip.open("r+b") as file:
            write_taken(file, taken)
    except photometa.MetadataError as error:
        log.info("%s: it says nothing of when and where (%s)", clip, error)


def _written(facts: Mapping[str, Any]) -> datetime | date | None:
    """When it was taken; a day without a time is that."""
    text = str(facts.get("captured_at") or "")
    with contextlib.suppress(ValueError):
        return date.fromisoformat(text) if len(text) == len("2024-05-31") else datetime.fromisoformat(text)
    return None


def _moment(facts: Mapping[str, Any]) -> datetime | None:
    """The wall clock, aware where its offset is written or follows from the position."""
    when, position = _written(facts), _position(facts)
    if not isinstance(when, datetime):
        return None
    if when.tzinfo is None and position is not None:
        offset = zone_offset({"captured_at": (when, ""), "latitude": (position[0], ""), "longitude": (position[1], "")})
        return when if offset is None else when.replace(tzinfo=timezone(offset))
    return when


def _position(facts: Mapping[str, Any]) -> tuple[float, float] | None:
    latitude, longitude = facts.get("latitude"), facts.get("longitude")
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return None
    return (float(latitude), float(longitude)) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _coordinate(degrees: float, halves: str) -> str:
    """As XMP Specification part 2, 8.2.2.2 has it: "48,12.500000N"."""
    minutes = round(abs(degrees) * 60, 6)
    return f"{int(minutes // 60)},{minutes % 60:.6f}{halves[degrees < 0]}"
