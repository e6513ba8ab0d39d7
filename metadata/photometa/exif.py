"""TIFF tags -> values (Exif 3.0, CIPA DC-008; tag numbers and types as its section 4.6 has them).

exifread decodes the small sound block that tiff.distil makes; here its tags become facts.
"""

from __future__ import annotations

import logging
import math
from datetime import datetime
from io import BytesIO
from typing import Any

from photometa.exif_words import (
    COLOUR_SPACE,
    EXPOSURE_PROGRAM,
    LIGHT_SOURCE,
    METERING,
    NO_CAPTION,
    SCENE,
    SENSOR_WIDTHS_MM,
)
from photometa.findings import Findings, clean_text, note
from photometa.makernote import lens_of_range
from photometa.tiff import Directories, distil


def read_exif(directories: Directories) -> Findings:
    """The facts that Exif tags state; damaged tags are left out."""
    tags = Tags(_decode(distil(directories)))
    found: Findings = {}
    for rule in (_camera, _exposure, _light, _time, _position, _described):
        rule(tags, found)
    return found


def _decode(block: bytes) -> dict[str, Any]:
    """exifread's tags. Whatever it makes of a damaged value, the file's other facts stay."""
    import exifread

    logging.getLogger("exifread").setLevel(logging.CRITICAL)
    try:
        tags: dict[str, Any] = exifread.process_file(BytesIO(block), details=False, extract_thumbnail=False)
    except Exception:  # noqa: BLE001 - it raises AssertionError, IndexError, UnicodeDecodeError ...
        return {}
    return tags


class Tags:
    """exifread's tags by name ("EXIF FNumber"), as numbers and texts; None where they are nonsense."""

    def __init__(self, tags: dict[str, Any]) -> None:
        self.tags = tags

    def values(self, name: str) -> list[Any]:
        """All values of a tag."""
        tag = self.tags.get(name)
        values = tag.values if tag is not None else []
        return values if isinstance(values, list) else []

    def real(self, name: str) -> float | None:
        """The first value as a number."""
        if name not in self.tags:
            return None
        numbers = self.reals(name)
        return numbers[0] if numbers else None

    def reals(self, name: str) -> list[float]:
        """All values as finite numbers; none if one is not (0/0)."""
        if name not in self.tags:
            return []
        try:
            numbers = [float(v[0] if isinstance(v, tuple) else v) for v in self.values(name)]
        except (TypeError, ValueError, ZeroDivisionError, OverflowError):
            return []
        return numbers if all(map(math.isfinite, numbers)) else []

    def positive(self, name: str) -> float | None:
        """The first value, if it is above 0."""
        number = self.real(name)
        return number if number is not None and number > 0 else None

    def whole(self, name: str) -> int | None:
        """The first value as a whole number."""
        number = self.real(name)
        return int(number) if number is not None and number == int(number) else None

    def text(self, name: str) -> str | None:
        """An ASCII tag: UTF-8 where it is, else Windows-1252."""
        tag = self.tags.get(name)
        value = tag.values if tag is not None else None
        if isinstance(value, bytes):
            value = value.decode("cp1252", "replace")
        return clean_text(value) if isinstance(value, str) else None

    def windows_text(self, name: str) -> str | None:
        """An XP tag: bytes of UTF-16."""
        numbers = self.values(name)
        if not numbers or not all(isinstance(n, int) and 0 <= n < 256 for n in numbers):
            return None
        return clean_text(bytes(numbers).decode("utf-16-le", "replace").split("\0")[0])


def _camera(tags: Tags, found: Findings) -> None:
    note(found, "camera_make", tags.text("Image Make"), "EXIF Make")
    note(found, "camera_model", tags.text("Image Model"), "EXIF Model")
    note(found, "software", tags.text("Image Software"), "EXIF Software")
    note(found, "lens", tags.text("EXIF LensModel"), "EXIF LensModel")
    focal = tags.positive("EXIF FocalLength") or tags.positive("Image FocalLength")
    note(found, "focal_mm", focal, "EXIF FocalLength")
    note(found, "focal_35mm", tags.positive("EXIF FocalLengthIn35mmFilm"), "EXIF FocalLengthIn35mmFilm")
    orientation = tags.whole("Image Orientation")
    if orientation is not None and 1 <= orientation <= 8:
        note(found, "orientation", orientation, "EXIF Orientation")
    space = tags.whole("EXIF ColorSpace")
    note(found, "colour_profile", COLOUR_SPACE.get(space or 0), "EXIF ColorSpace")
    distance = tags.positive("EXIF SubjectDistance")
    note(found, "subject_distance_m", distance, "EXIF SubjectDistance")
    lens_range = lens_of_range(tags.reals("EXIF LensSpecification"))
    note(found, "lens_range", lens_range, "EXIF LensSpecification")
    note(found, "sensor_diagonal_mm", _sensor_diagonal(tags), "EXIF FocalPlaneXResolution")


def _sensor_diagonal(tags: Tags) -> float | None:
    """Millimetres, from the focal plane's resolution and the size in pixels.

    Editors that scale or crop leave the resolution as it was; what fits no sensor is left out.
    """
    resolution = tags.positive("EXIF FocalPlaneXResolution")
    first, second = tags.positive("EXIF ExifImageWidth"), tags.positive("EXIF ExifImageLength")
    unit_mm = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}.get(tags.whole("EXIF FocalPlaneResolutionUnit") or 2)
    if resolution is None or unit_mm is None or first is None or second is None:
        return None
    width = max(first, second) / resolution * unit_mm
    if not any(low <= width <= high for low, high in SENSOR_WIDTHS_MM):
        return None
    return width * math.hypot(1, min(first, second) / max(first, second))


def _exposure(tags: Tags, found: Findings) -> None:
    for group in ("EXIF", "Image"):
        note(found, "exposure_s", tags.positive(f"{group} ExposureTime"), "EXIF ExposureTime")
        note(found, "f_number", tags.positive(f"{group} FNumber"), "EXIF FNumber")
        note(found, "exposure_bias_ev", tags.real(f"{group} ExposureBiasValue"), "EXIF ExposureBiasValue")
    speed, aperture = tags.real("EXIF ShutterSpeedValue"), tags.positive("EXIF ApertureValue")
    if speed is not None and -12 <= speed <= 20:
        note(found, "exposure_s", 2.0**-speed, "EXIF ShutterSpeedValue")
    if aperture is not None and aperture <= 12:
        note(found, "f_number", 2.0 ** (aperture / 2), "EXIF ApertureValue")
    note(found, "iso", *_iso(tags))


def _iso(tags: Tags) -> tuple[int | None, str]:
    """Exif 3.0, 4.6.6.7: 65535 in PhotographicSensitivity means: see the longer tags."""
    for name, source in (
        ("EXIF ISOSpeedRatings", "EXIF PhotographicSensitivity"),
        ("Image ISOSpeedRatings", "EXIF PhotographicSensitivity"),
        ("EXIF RecommendedExposureIndex", "EXIF RecommendedExposureIndex"),
        ("EXIF ISOSpeed", "EXIF ISOSpeed"),
        ("EXIF ExposureIndex", "EXIF ExposureIndex"),
    ):
        value = tags.whole(name)
        if value is not None and value > 0 and value != 65535:
            return value, source
    return None, ""


def _light(tags: Tags, found: Findings) -> None:
    flash = tags.whole("EXIF Flash")
    note(found, "flash_fired", bool(flash & 1) if flash is not None else None, "EXIF Flash")
    for field, name, words in (
        ("metering", "MeteringMode", METERING),
        ("light_source", "LightSource", LIGHT_SOURCE),
        ("white_balance", "WhiteBalance", {0: "auto", 1: "manual"}),
        ("exposure_program", "SceneCaptureType", SCENE),
        ("exposure_program", "ExposureProgram", EXPOSURE_PROGRAM),
    ):
        value = tags.whole(f"EXIF {name}")
        if value is None:
            value = tags.whole(f"Image {name}")
        if value is not None:
            note(found, field, words.get(value), f"EXIF {name}")


def _time(tags: Tags, found: Findings) -> None:
    for name, offset in (
        ("DateTimeOriginal", "OffsetTimeOriginal"),
        ("DateTimeDigitized", "OffsetTimeDigitized"),
    ):
        text = tags.text(f"EXIF {name}") or tags.text(f"Image {name}")
        moment = wall_clock(text, tags.text("EXIF SubSecTimeOriginal") if name == "DateTimeOriginal" else None)
        if moment is not None:
            note(found, "captured_at", moment, f"EXIF {name}")
            note(found, "offset_text", tags.text(f"EXIF {offset}"), f"EXIF {offset}")
            break
    note(found, "gps_utc", _gps_utc(tags), "GPSDateStamp and GPSTimeStamp")


def wall_clock(text: str | None, fraction: str | None = None) -> datetime | None:
    """An Exif time ("2024:05:31 17:20:00"), naive; None for blanks and zeros.

    Args:
        text: the tag; ISO 8601's separators are accepted too.
        fraction: SubSecTime, digits of the second's fraction.
    """
    if text is None or len(text) < 16:
        return None
    parts = text[:19].replace("T", " ").replace("/", ":").replace("-", ":").replace(" ", ":").split(":")
    try:
        moment = datetime(*[int(p) for p in parts[:6]])  # type: ignore[arg-type]  # noqa: DTZ001
    except (ValueError, TypeError):
        return None
    digits = (fraction or "").strip()
    if digits.isascii() and digits.isdigit():
        moment = moment.replace(microsecond=int(digits[:6].ljust(6, "0")))
    return moment if moment.year >= 1826 else None


def _gps_utc(tags: Tags) -> datetime | None:
    day, clock = tags.text("GPS GPSDate"), tags.reals("GPS GPSTimeStamp")
    if day is None or len(clock) != 3 or not (clock[0] < 24 and clock[1] < 60 and clock[2] < 60):
        return None
    hours, minutes, seconds = (int(c) for c in clock)
    return wall_clock(f"{day[:10]} {hours:02}:{minutes:02}:{seconds:02}")


def _position(tags: Tags, found: Findings) -> None:
    latitude = _degrees(tags, "Latitude", 90, {"N": 1, "S": -1})
    longitude = _degrees(tags, "Longitude", 180, {"E": 1, "W": -1})
    if latitude is not None and longitude is not None and (latitude, longitude) != (0, 0):
        note(found, "latitude", latitude, "EXIF GPSLatitude")
        note(found, "longitude", longitude, "EXIF GPSLongitude")
        altitude = tags.real("GPS GPSAltitude")
        if altitude is not None:
            below = tags.whole("GPS GPSAltitudeRef") == 1
            note(found, "altitude_m", -altitude if below else altitude, "EXIF GPSAltitude")
    direction = tags.real("GPS GPSImgDirection")
    if direction is not None and 0 <= direction <= 360:
        magnetic = " (magnetic)" if tags.text("GPS GPSImgDirectionRef") == "M" else ""
        note(found, "direction_deg", direction % 360, "EXIF GPSImgDirection" + magnetic)


def _degrees(tags: Tags, name: str, limit: int, signs: dict[str, int]) -> float | None:
    """Degrees, minutes, seconds; without a valid reference there is no position."""
    parts = tags.reals(f"GPS GPS{name}")
    sign = signs.get((tags.text(f"GPS GPS{name}Ref") or "")[:1].upper())
    if not 1 <= len(parts) <= 3 or sign is None or min(parts) < 0:
        return None
    degrees = sum(part / 60**power for power, part in enumerate(parts))
    return sign * degrees if degrees <= limit else None


def _by_camera(caption: str, tags: Tags) -> bool:
    """Whether ImageDescription holds a camera's default text."""
    text = caption.lower()
    names = (tags.text("Image Make"), tags.text("Image Model"))
    return text in NO_CAPTION or any(text == (name or "").lower() for name in names)


def _described(tags: Tags, found: Findings) -> None:
    rating = tags.whole("Image Rating")
    if rating is not None and 0 <= rating <= 5:
        note(found, "rating", rating, "EXIF Rating")
    note(found, "title", tags.windows_text("Image XPTitle"), "EXIF XPTitle")
    caption = tags.text("Image ImageDescription")
    if caption is not None and not _by_camera(caption, tags):
        note(found, "caption", caption, "EXIF ImageDescription")
    note(found, "caption", tags.windows_text("Image XPComment"), "EXIF XPComment")
    words = (tags.windows_text("Image XPKeywords") or "").split(";")
    note(found, "keywords", tuple(w.strip() for w in words if w.strip()), "EXIF XPKeywords")
    note(found, "creator", tags.text("Image Artist"), "EXIF Artist")
    note(found, "copyright", tags.text("Image Copyright"), "EXIF Copyright")
