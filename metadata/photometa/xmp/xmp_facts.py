"""XMP properties -> facts: what the photographer wrote, and the Exif tags that XMP repeats.

IPTC Photo Metadata Standard 2025.1; Exif 3.0 metadata for XMP (CIPA DC-010).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from photometa.containers.embedded import Claims
from photometa.exif.exif_labels import EXPOSURE_PROGRAM, LIGHT_SOURCE, METERING, SCENE
from photometa.facts.dates import written_date
from photometa.facts.findings import Findings, note
from photometa.facts.position import altitude_m, coordinate
from photometa.xmp import people
from photometa.xmp.texts import number_of, text_of
from photometa.xmp.values import Array, Struct, Value

_TEXTS = (
    ("title", "dc:title"),
    ("title", "photoshop:Headline"),
    ("title", "exifEX:ImageTitle"),
    ("caption", "dc:description"),
    ("creator", "dc:creator"),
    ("creator", "exifEX:Photographer"),
    ("copyright", "dc:rights"),
    ("sublocation", "Iptc4xmpCore:Location"),
    ("city", "photoshop:City"),
    ("state", "photoshop:State"),
    ("country", "photoshop:Country"),
    ("camera_make", "tiff:Make"),
    ("camera_model", "tiff:Model"),
    ("software", "xmp:CreatorTool"),
    ("software", "exifEX:ImageEditingSoftware"),
    ("software", "exifEX:RAWDevelopingSoftware"),
    ("software", "exifEX:CameraFirmware"),
    ("lens", "exifEX:LensModel"),
    ("lens", "aux:Lens"),
    ("colour_profile", "photoshop:ICCProfile"),
)
_NUMBERS = (
    ("exposure_s", "exif:ExposureTime"),
    ("f_number", "exif:FNumber"),
    ("focal_mm", "exif:FocalLength"),
    ("focal_35mm", "exif:FocalLengthIn35mmFilm"),
)
_WORDS = (
    ("metering", "exif:MeteringMode", METERING),
    ("light_source", "exif:LightSource", LIGHT_SOURCE),
    ("white_balance", "exif:WhiteBalance", {0: "auto", 1: "manual"}),
    ("exposure_program", "exif:SceneCaptureType", SCENE),
    ("exposure_program", "exif:ExposureProgram", EXPOSURE_PROGRAM),
)
MAX_ITEMS = 32
_DATES = ("photoshop:DateCreated", "exif:DateTimeOriginal", "exif:DateTimeDigitized", "xmp:CreateDate")
"""When the picture was taken, in the order of the MWG's guidelines 2.0, 5.4; the last resort is its creation."""


READ = people.READ | frozenset(
    {name for _, name in _TEXTS + _NUMBERS}
    | {name for _, name, _ in _WORDS}
    | {"xmp:Rating", "exif:ISOSpeedRatings", "exifEX:PhotographicSensitivity", "exif:Flash"}
    | {"exif:ExposureBiasValue", "tiff:Orientation", *_DATES}
    | {"exif:GPSLatitude", "exif:GPSLongitude", "exif:GPSAltitude"}
    | {"GCamera:MotionPhoto", "GCamera:MicroVideo", "GCamera:MicroVideoOffset", "Container:Directory", "hdrgm:Version"}
    | {"exif:GPSLatitudeRef", "exif:GPSLongitudeRef", "exif:GPSAltitudeRef", "photoshop:SidecarForExtension"}
)
"""Every property that becomes a fact, or says which file the sidecar belongs to."""


def read_xmp_facts(properties: Mapping[str, Value], source: str = "XMP") -> Findings:
    """The facts in XMP properties.

    Args:
        properties: a packet's.
        source: named before the property, e.g. "XMP" or the sidecar's name.
    """
    found: Findings = {}
    for field, name in _TEXTS:
        note(found, field, text_of(properties.get(name)), f"{source} {name}")
    people.read_people(properties, found, source)
    note(found, "claims", _claims(properties), source)
    rating = number_of(properties.get("xmp:Rating"))
    if rating is not None and -1 <= rating <= 5:
        note(found, "rating", int(rating), f"{source} xmp:Rating")
    _camera(properties, found, source)
    _when(properties, found, source)
    _where(properties, found, source)
    return found


def _camera(properties: Mapping[str, Value], found: Findings, source: str) -> None:
    for field, name in _NUMBERS:
        value = number_of(properties.get(name))
        if value is not None and value > 0:
            note(found, field, value, f"{source} {name}")
    for name in ("exif:ISOSpeedRatings", "exifEX:PhotographicSensitivity"):
        value = number_of(_first(properties.get(name)))
        if value is not None and 0 < value != 65535:
            note(found, "iso", int(value), f"{source} {name}")
    bias = number_of(properties.get("exif:ExposureBiasValue"))
    note(found, "exposure_bias_ev", bias, f"{source} exif:ExposureBiasValue")
    for field, name, words in _WORDS:
        value = number_of(properties.get(name))
        if value is not None:
            note(found, field, words.get(int(value)), f"{source} {name}")
    orientation = number_of(properties.get("tiff:Orientation"))
    if orientation is not None and 1 <= orientation <= 8:
        note(found, "orientation", int(orientation), f"{source} tiff:Orientation")
    flash = properties.get("exif:Flash")
    fired = flash.get("exif:Fired") if isinstance(flash, Struct) else None
    if isinstance(fired, str) and fired.lower() in ("true", "false"):
        note(found, "flash_fired", fired.lower() == "true", f"{source} exif:Flash")


def _when(properties: Mapping[str, Value], found: Findings, source: str) -> None:
    """The wall clock as written; an offset is kept, never converted, also of a date that does not count itself."""
    offsets = []
    for name in _DATES:
        written = written_date(text_of(properties.get(name)))
        if written is None:
            continue
        if "captured_at" not in found:
            note(found, "captured_at", written.moment, f"{source} {name}")
            note(found, "offset_text", written.offset, f"{source} {name}")
        if written.offset is not None:
            offsets.append((written, f"{source} {name}"))
    note(found, "offsets", tuple(offsets), source)


def _where(properties: Mapping[str, Value], found: Findings, source: str) -> None:
    latitude = _coordinate(properties, "exif:GPSLatitude", 90)
    longitude = _coordinate(properties, "exif:GPSLongitude", 180)
    if latitude is not None and longitude is not None and (latitude, longitude) != (0, 0):
        note(found, "latitude", latitude, f"{source} exif:GPSLatitude")
        note(found, "longitude", longitude, f"{source} exif:GPSLongitude")
        altitude = number_of(properties.get("exif:GPSAltitude"))
        if altitude is not None:
            altitude = altitude_m(altitude, text_of(properties.get("exif:GPSAltitudeRef")))
            note(found, "altitude_m", altitude, f"{source} exif:GPSAltitude")


def _coordinate(properties: Mapping[str, Value], name: str, limit: int) -> float | None:
    """A GPSCoordinate; a bare number of degrees, which some programs write, is north or east unless it says so."""
    text, reference = text_of(properties.get(name)), text_of(properties.get(f"{name}Ref"))
    bare = text is not None and re.fullmatch(r"\d+\.\d+", text) is not None
    return coordinate(text, limit, reference or {90: "N", 180: "E"}[limit] if bare else reference)


def _claims(properties: Mapping[str, Value]) -> Claims | None:
    """What is said to be appended: by Motion Photo 1.0's and Ultra HDR's directory of items, or by MicroVideo."""
    videos: list[int] = []
    gain_maps = [0] if "hdrgm:Version" in properties else []
    if any(number_of(properties.get(name)) == 1 for name in ("GCamera:MotionPhoto", "GCamera:MicroVideo")):
        videos.append(int(number_of(properties.get("GCamera:MicroVideoOffset")) or 0))
    directory, back = properties.get("Container:Directory"), 0
    for entry in reversed(directory[:MAX_ITEMS]) if isinstance(directory, Array) else ():
        item = entry.get("Container:Item") if isinstance(entry, Struct) else None
        if isinstance(item, Struct):
            back += int(number_of(item.get("Item:Length")) or 0)
            said = {"MotionPhoto": videos, "GainMap": gain_maps}.get(text_of(item.get("Item:Semantic")) or "", [])
            said.append(back)
    return Claims(tuple(videos), tuple(gain_maps)) if videos or gain_maps else None


def _first(value: Value | None) -> Value | None:
    return next(iter(value), None) if isinstance(value, Array) else value
