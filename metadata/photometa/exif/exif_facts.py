"""Exif tags -> facts (Exif 3.0, CIPA DC-008, 4.6: what each tag means)."""

from __future__ import annotations

import math
from datetime import datetime

from photometa.containers.ifd import Directories
from photometa.exif.exif_labels import (
    COLOUR_SPACE,
    EXPOSURE_PROGRAM,
    LIGHT_SOURCE,
    METERING,
    NO_CAPTION,
    SCENE,
    SENSOR_WIDTHS_MM,
)
from photometa.exif.exif_tags import Tags
from photometa.exif.makernote import lens_of_range
from photometa.facts.clock import parse_offset
from photometa.facts.dates import written_date
from photometa.facts.findings import Findings, note
from photometa.facts.keywords import without_doubles
from photometa.facts.position import altitude_m, coordinate, degrees_of, numbers_in


def read_exif(directories: Directories) -> Findings:
    """The facts in Exif tags; damaged tags are skipped."""
    tags = Tags(directories)
    found: Findings = {}
    for rule in (_camera, _exposure, _light, _time, _position, _described):
        rule(tags, found)
    return found


def _camera(tags: Tags, found: Findings) -> None:
    note(found, "camera_make", tags.text("Make"), "EXIF Make")
    note(found, "camera_model", tags.text("Model"), "EXIF Model")
    for name in ("Software", "ImageEditingSoftware", "RAWDevelopingSoftware", "CameraFirmware"):
        note(found, "software", tags.text(name), f"EXIF {name}")
    note(found, "lens", tags.text("LensModel"), "EXIF LensModel")
    note(found, "focal_mm", tags.positive("FocalLength"), "EXIF FocalLength")
    note(found, "focal_35mm", tags.positive("FocalLengthIn35mmFilm"), "EXIF FocalLengthIn35mmFilm")
    orientation = tags.whole("Orientation")
    if orientation is not None and 1 <= orientation <= 8:
        note(found, "orientation", orientation, "EXIF Orientation")
    space = tags.whole("ColorSpace")
    note(found, "colour_profile", COLOUR_SPACE.get(space or 0), "EXIF ColorSpace")
    distance = tags.positive("SubjectDistance")
    note(found, "subject_distance_m", distance, "EXIF SubjectDistance")
    lens_range = lens_of_range(tags.reals("LensSpecification"))
    note(found, "lens_range", lens_range, "EXIF LensSpecification")
    if "focal_35mm" not in found:
        note(found, "sensor_diagonal_mm", _sensor_diagonal(tags), "EXIF FocalPlaneXResolution")


def _sensor_diagonal(tags: Tags) -> float | None:
    """Millimetres, from the focal plane's resolution and the size in pixels.

    Editors that scale or crop leave the resolution unchanged; values that fit no sensor are skipped.
    """
    resolution = tags.positive("FocalPlaneXResolution")
    first, second = tags.positive("PixelXDimension"), tags.positive("PixelYDimension")
    unit_mm = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}.get(tags.whole("FocalPlaneResolutionUnit") or 2)
    if resolution is None or unit_mm is None or first is None or second is None:
        return None
    width = max(first, second) / resolution * unit_mm
    if not any(low <= width <= high for low, high in SENSOR_WIDTHS_MM):
        return None
    return width * math.hypot(1, min(first, second) / max(first, second))


def _exposure(tags: Tags, found: Findings) -> None:
    note(found, "exposure_s", tags.positive("ExposureTime"), "EXIF ExposureTime")
    note(found, "f_number", tags.positive("FNumber"), "EXIF FNumber")
    note(found, "exposure_bias_ev", tags.real("ExposureBiasValue"), "EXIF ExposureBiasValue")
    speed = tags.real("ShutterSpeedValue") if "ExposureTime" not in tags.entries else None
    aperture = tags.positive("ApertureValue") if "FNumber" not in tags.entries else None
    if speed is not None and -12 <= speed <= 20:
        note(found, "exposure_s", 2.0**-speed, "EXIF ShutterSpeedValue")
    if aperture is not None and aperture <= 12:
        note(found, "f_number", 2.0 ** (aperture / 2), "EXIF ApertureValue")
    note(found, "iso", *_iso(tags))


def _iso(tags: Tags) -> tuple[int | None, str]:
    """Exif 3.0, 4.6.6.7: 65535 in PhotographicSensitivity means: see the longer tags."""
    for name in (
        "PhotographicSensitivity",
        "RecommendedExposureIndex",
        "ISOSpeed",
        "ExposureIndex",
    ):
        value = tags.whole(name)
        if value is not None and value > 0 and value != 65535:
            return value, f"EXIF {name}"
    return None, ""


def _light(tags: Tags, found: Findings) -> None:
    flash = tags.whole("Flash")
    note(found, "flash_fired", bool(flash & 1) if flash is not None else None, "EXIF Flash")
    for field, name, words in (
        ("metering", "MeteringMode", METERING),
        ("light_source", "LightSource", LIGHT_SOURCE),
        ("white_balance", "WhiteBalance", {0: "auto", 1: "manual"}),
        ("exposure_program", "SceneCaptureType", SCENE),
        ("exposure_program", "ExposureProgram", EXPOSURE_PROGRAM),
    ):
        value = tags.whole(name)
        if value is not None:
            note(found, field, words.get(value), f"EXIF {name}")


def _time(tags: Tags, found: Findings) -> None:
    for name, offset in (
        ("DateTimeOriginal", "OffsetTimeOriginal"),
        ("DateTimeDigitized", "OffsetTimeDigitized"),
    ):
        written = written_date(tags.text(name), tags.text("SubSecTimeOriginal") if name == "DateTimeOriginal" else None)
        if written is not None:
            note(found, "captured_at", written.moment, f"EXIF {name}")
            if parse_offset(tags.text(offset) or "") is not None:
                note(found, "offset_text", tags.text(offset), f"EXIF {offset}")
            note(found, "offset_text", written.offset, f"EXIF {name}")
            break
    note(found, "gps_utc", _gps_utc(tags), "GPSDateStamp and GPSTimeStamp")


def _gps_utc(tags: Tags) -> datetime | None:
    day = written_date(tags.text("GPSDateStamp"))
    clock = tags.reals("GPSTimeStamp") or numbers_in(tags.text("GPSTimeStamp"))
    if day is None or len(clock) != 3 or not (0 <= clock[0] < 24 and 0 <= clock[1] < 60 and 0 <= clock[2] < 60):
        return None
    hours, minutes, seconds = (int(c) for c in clock)
    return datetime(day.moment.year, day.moment.month, day.moment.day, hours, minutes, seconds)  # noqa: DTZ001


def _position(tags: Tags, found: Findings) -> None:
    latitude, longitude = _degrees(tags, "Latitude", 90), _degrees(tags, "Longitude", 180)
    if latitude is not None and longitude is not None and (latitude, longitude) != (0, 0):
        note(found, "latitude", latitude, "EXIF GPSLatitude")
        note(found, "longitude", longitude, "EXIF GPSLongitude")
        altitude = next(iter(tags.reals("GPSAltitude")), None)
        if altitude is None and (text := tags.text("GPSAltitude")) and (numbers := numbers_in(text)):
            altitude = altitude_m(numbers[0], "below" if text.startswith("-") else text)
        if altitude is not None:
            reference = tags.whole("GPSAltitudeRef")
            below = tags.text("GPSAltitudeRef") if reference is None else reference
            note(found, "altitude_m", altitude_m(altitude, below), "EXIF GPSAltitude")
    direction = next(iter(tags.reals("GPSImgDirection") or numbers_in(tags.text("GPSImgDirection"))), None)
    if direction is not None and 0 <= direction <= 360:
        magnetic = " (magnetic)" if tags.text("GPSImgDirectionRef") == "M" else ""
        note(found, "direction_deg", direction % 360, "EXIF GPSImgDirection" + magnetic)


def _degrees(tags: Tags, name: str, limit: int) -> float | None:
    """Degrees, minutes, seconds, as numbers or as text; without a half of the earth there is no position."""
    reference = (tags.text(f"GPS{name}Ref") or "")[:1].upper()
    if text := tags.text(f"GPS{name}"):
        return coordinate(text, limit, reference)
    sign = {"N": 1, "E": 1, "S": -1, "W": -1}.get(reference) if reference in {90: "NS", 180: "EW"}[limit] else None
    degrees = degrees_of(tags.reals(f"GPS{name}"), limit)
    return None if sign is None or degrees is None else sign * degrees


def _by_camera(caption: str, tags: Tags) -> bool:
    """Whether ImageDescription holds a camera's default text."""
    text = caption.lower()
    names = (tags.text("Make"), tags.text("Model"))
    return text in NO_CAPTION or any(text == (name or "").lower() for name in names)


def _described(tags: Tags, found: Findings) -> None:
    rating = tags.whole("Rating")
    if rating is not None and -1 <= rating <= 5:
        note(found, "rating", rating, "EXIF Rating")
    note(found, "title", tags.text("ImageTitle"), "EXIF ImageTitle")
    note(found, "title", tags.windows_text("XPTitle"), "EXIF XPTitle")
    caption = tags.text("ImageDescription")
    if caption is not None and not _by_camera(caption, tags):
        note(found, "caption", caption, "EXIF ImageDescription")
    note(found, "caption", tags.windows_text("XPComment"), "EXIF XPComment")
    words = (tags.windows_text("XPKeywords") or "").split(";")
    note(found, "keywords", without_doubles(w.strip() for w in words), "EXIF XPKeywords")
    note(found, "creator", tags.text("Artist"), "EXIF Artist")
    note(found, "creator", tags.text("Photographer"), "EXIF Photographer")
    note(found, "copyright", tags.text("Copyright"), "EXIF Copyright")
