"""A position written as text: XMP's coordinates, and what programs put into Exif's GPS tags instead of numbers."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)(?:/(\d+(?:\.\d+)?))?")
_COORDINATE = re.compile(r"(?P<first>[NSEW])?\s*(?P<sign>[-+])?\s*(?P<numbers>\d[\d\s.,:/]*)(?P<last>[NSEW])?")
_WORDS = re.compile(r"\b([NSEW])(?:ORTH|OUTH|AST|EST)\b")
_UNITS = re.compile(r"deg(?:rees)?|min(?:utes)?|sec(?:onds)?|[°'\"’”′″]", re.IGNORECASE)
_LONGEST = 80


def numbers_in(text: str | None) -> list[float]:
    """The numbers of a text, "48/1 12/1 30/1" or "10:20:30.5"; none without a sign of their own."""
    if text is None or len(text) > _LONGEST:
        return []
    return [float(above) / float(below or 1) for above, below in _NUMBER.findall(text) if float(below or 1)]


def coordinate(text: str | None, limit: int, reference: str | None = None) -> float | None:
    """Degrees, north and east positive, of "DDD,MM.mmk" (XMP Specification part 2, 8.2.2.2), "48° 12' N", "-12.5" ...

    Args:
        text: as written.
        limit: 90 for a latitude, 180 for a longitude.
        reference: "N", "S", "E" or "W" where it is written apart.
    Returns:
        None where the text is no position, or does not say in which half of the earth it is.
    """
    if text is None or len(text) > _LONGEST:
        return None
    match = _COORDINATE.fullmatch(_WORDS.sub(r"\1", _UNITS.sub(" ", text).upper()).strip())
    letters = {90: "NS", 180: "EW"}[limit]
    if match is None:
        return None
    half = match["first"] or match["last"] or (reference or "").strip()[:1].upper()
    if (half and half not in letters) or (match["first"] and match["last"]) or not (half or match["sign"]):
        return None
    degrees = degrees_of(numbers_in(match["numbers"]), limit)
    negative = half == letters[1] or match["sign"] == "-"
    return degrees if degrees is None or not negative else -degrees


def degrees_of(parts: list[float], limit: int) -> float | None:
    """Degrees, minutes and seconds as degrees; None for what is none."""
    if not 1 <= len(parts) <= 3 or min(parts) < 0 or any(part > 60 for part in parts[1:]):
        return None
    degrees = sum(part / 60**power for power, part in enumerate(parts))
    return degrees if degrees <= limit else None


def altitude_m(metres: float, reference: str | int | None) -> float:
    """The altitude, negative below the sea or below the ellipsoid.

    Exif 3.0, 4.6.7.6, GPSAltitudeRef: 0 and 2 are above (the ellipsoid, the sea), 1 and 3 below. Some programs write
    the sign as well, and some write words.
    """
    said = str(reference if reference is not None else "").strip().lower()
    return -abs(metres) if said in ("1", "3") or "below" in said else metres
