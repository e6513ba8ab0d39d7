"""Exif tags by name, as numbers and texts (Exif 3.0, CIPA DC-008, 4.6: tag numbers and field types).

The plain types are decoded here, on demand and within limits. A tag written in a field type
that the standard uses nowhere (FLOAT, SSHORT ...) is left to exifread, in a small, valid block of its own:
exifread follows every count and offset, and a damaged file could keep it busy for minutes.
"""

from __future__ import annotations

import logging
import math
import struct
from io import BytesIO

from photometa.containers.ifd import SIZES, Directories, IfdEntry
from photometa.facts.findings import clean_text

MAX_TEXT = 8192
"""Longer texts are cut, bytes."""
MAX_NUMBERS = 64
_ASCII = (2, 129)
"""ASCII, and UTF-8 since Exif 3.0."""
_BYTES = (1, 7)
_CODES = {1: "B", 3: "H", 4: "I", 5: "I", 7: "B", 9: "i", 10: "i"}
_RATIONALS = (5, 10)

_EXPOSURE = {
    "ExposureTime": 0x829A,
    "FNumber": 0x829D,
    "ExposureProgram": 0x8822,
    "PhotographicSensitivity": 0x8827,
    "DateTimeOriginal": 0x9003,
    "DateTimeDigitized": 0x9004,
    "ExposureBiasValue": 0x9204,
    "MeteringMode": 0x9207,
    "LightSource": 0x9208,
    "Flash": 0x9209,
    "FocalLength": 0x920A,
    "WhiteBalance": 0xA403,
    "SceneCaptureType": 0xA406,
}
"""These belong in the Exif directory; TIFF/EP, raw files and some programs write them into the first."""
_IMAGE = {
    "ImageDescription": 0x010E,
    "Make": 0x010F,
    "Model": 0x0110,
    "Orientation": 0x0112,
    "Software": 0x0131,
    "Artist": 0x013B,
    "Rating": 0x4746,
    "Copyright": 0x8298,
    "XPTitle": 0x9C9B,
    "XPComment": 0x9C9C,
    "XPKeywords": 0x9C9E,
}
_STRAYED = {name: tag for name, tag in _IMAGE.items() if name != "Orientation"}
"""Some programs write these into the Exif directory. An orientation there turns no picture in any viewer."""
_EXIF = {
    "RecommendedExposureIndex": 0x8832,
    "ISOSpeed": 0x8833,
    "OffsetTimeOriginal": 0x9011,
    "OffsetTimeDigitized": 0x9012,
    "ShutterSpeedValue": 0x9201,
    "ApertureValue": 0x9202,
    "SubjectDistance": 0x9206,
    "SubSecTimeOriginal": 0x9291,
    "ColorSpace": 0xA001,
    "PixelXDimension": 0xA002,
    "PixelYDimension": 0xA003,
    "FocalPlaneXResolution": 0xA20E,
    "FocalPlaneResolutionUnit": 0xA210,
    "ExposureIndex": 0xA215,
    "FocalLengthIn35mmFilm": 0xA405,
    "LensSpecification": 0xA432,
    "LensModel": 0xA434,
    "ImageTitle": 0xA436,
    "Photographer": 0xA437,
    "CameraFirmware": 0xA439,
    "RAWDevelopingSoftware": 0xA43A,
    "ImageEditingSoftware": 0xA43B,
}
_GPS = {
    "GPSLatitudeRef": 1,
    "GPSLatitude": 2,
    "GPSLongitudeRef": 3,
    "GPSLongitude": 4,
    "GPSAltitudeRef": 5,
    "GPSAltitude": 6,
    "GPSTimeStamp": 7,
    "GPSImgDirectionRef": 0x10,
    "GPSImgDirection": 0x11,
    "GPSDateStamp": 0x1D,
}


class Tags:
    """A file's Exif tags by the standard's names; None if missing or nonsensical."""

    def __init__(self, directories: Directories) -> None:
        self.tiff = directories.tiff
        image, exif, gps = directories.image, directories.exif, directories.gps
        self.entries: dict[str, IfdEntry] = {
            **{name: exif[tag] for name, tag in _STRAYED.items() if tag in exif},
            **{name: gps[tag] for name, tag in _GPS.items() if tag in gps},
            **{name: image[tag] for name, tag in _EXPOSURE.items() if tag in image},
            **{name: image[tag] for name, tag in _IMAGE.items() if tag in image},
            **{name: exif[tag] for name, tag in _EXPOSURE.items() if tag in exif},
            **{name: exif[tag] for name, tag in _EXIF.items() if tag in exif},
        }

    def reals(self, name: str) -> list[float]:
        """All values as finite numbers; none if one is not (0/0), or if the value cannot be read whole."""
        entry = self.entries.get(name)
        if entry is None or entry.type in _ASCII or not 0 < entry.length <= MAX_NUMBERS:
            return []
        data = self.tiff.raw(entry)
        if len(data) != entry.size:
            return []
        code = _CODES.get(entry.type)
        if code is None:
            return _by_exifread(self.tiff.order, entry, data)
        count = entry.length
        if entry.type not in _RATIONALS:
            return list(struct.unpack(f"{self.tiff.order}{count}{code}", data))
        pairs = struct.unpack(f"{self.tiff.order}{2 * count}{code}", data)
        below = pairs[1::2]
        return [a / b for a, b in zip(pairs[::2], below, strict=True)] if all(below) else []

    def real(self, name: str) -> float | None:
        """The first value as a number."""
        numbers = self.reals(name) if name in self.entries else None
        return numbers[0] if numbers else None

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
        entry = self.entries.get(name)
        if entry is None or entry.type not in _ASCII:
            return None
        raw = self.tiff.raw(entry, MAX_TEXT).split(b"\0", 1)[0]
        try:
            return clean_text(raw.decode())
        except UnicodeDecodeError:
            return clean_text(raw.decode("cp1252", "replace"))

    def windows_text(self, name: str) -> str | None:
        """An XP tag: bytes of UTF-16."""
        entry = self.entries.get(name)
        if entry is None or entry.type not in _BYTES:
            return None
        return clean_text(self.tiff.raw(entry, MAX_TEXT).decode("utf-16-le", "replace").split("\0")[0])


def _by_exifread(order: str, entry: IfdEntry, data: bytes) -> list[float]:
    """One tag's values, by exifread. Whatever it raises, the file's other facts are kept."""
    import exifread

    logging.getLogger("exifread").setLevel(logging.CRITICAL)
    inline = len(data) <= 4
    value = data.ljust(4, b"\0") if inline else struct.pack(order + "I", 26)
    header = (b"II" if order == "<" else b"MM") + struct.pack(
        order + "HIHHHI", 42, 8, 1, 0xFFFF, entry.type, entry.length
    )
    block = header + value + bytes(4) + (b"" if inline else data)
    try:
        (tag,) = exifread.process_file(BytesIO(block), details=False, extract_thumbnail=False).values()
        numbers = [float(v[0] if isinstance(v, tuple) else v) for v in tag.values]
    except Exception:  # noqa: BLE001 - it raises AssertionError, IndexError, UnicodeDecodeError ...
        return []
    return numbers if len(data) == SIZES[entry.type] * len(numbers) and all(map(math.isfinite, numbers)) else []
