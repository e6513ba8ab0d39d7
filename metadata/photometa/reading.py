"""From a path to its facts: blocks, findings, precedence, and what follows from them.

Precedence, per value: what a photographer may correct later (words, rating, place, position) counts
as embedded XMP, IPTC, Exif say, in this order; what the camera measured as Exif, then XMP.
"""

from __future__ import annotations

import os
import stat
from dataclasses import fields
from pathlib import Path
from typing import Any

from photometa.clock import aware, offset_of, to_utc
from photometa.containers.blocks import Blocks, FormatError
from photometa.containers.sniff import read_blocks
from photometa.containers.source import File
from photometa.described import read_described
from photometa.errors import MetadataError
from photometa.exif import read_exif
from photometa.facts import Facts
from photometa.findings import Findings, merged, note
from photometa.icc import profile_name
from photometa.iptc import read_iptc
from photometa.light import exposure_value, kind_of_light, sun_at, time_of_day_by_clock, time_of_day_by_sun
from photometa.optics import crop_factor, depth_of_field, field_of_view_deg, hyperfocal_m
from photometa.xmp import parse

WRITTEN_LATER = frozenset(
    {"rating", "title", "caption", "keywords", "creator", "copyright", "sublocation", "city", "state"}
    | {"country", "latitude", "longitude", "altitude_m"}
)
_NAMES = frozenset(f.name for f in fields(Facts))


def read(path: str | os.PathLike[str]) -> Facts:
    """The facts of a photo.

    Raises:
        MetadataError: the file cannot be read (codes "missing", "unreadable", "not_a_file"), is
            empty ("empty") or of no known format ("unknown_format").
    """
    photo = Path(path)
    try:
        with photo.open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _refusal(photo, "is not a file", "Name a photo.", "not_a_file")
            source = File(file)
            if source.size == 0:
                raise _refusal(photo, "is empty", "Export the photo again.", "empty")
            blocks = read_blocks(source)
            found = _findings(blocks)
    except FileNotFoundError as error:
        raise _refusal(photo, "does not exist", "Check the name.", "missing") from error
    except FormatError as error:
        hint = "Export the photo as JPEG, TIFF, PNG, WebP or HEIC."
        raise _refusal(photo, f"is not a readable photo: {error}", hint, "unknown_format") from error
    except OSError as error:
        code = "not_a_file" if photo.is_dir() else "unreadable"
        reason = error.strerror or str(error)
        raise _refusal(photo, f"cannot be read: {reason}", "Check its permissions.", code) from error
    return facts_of(blocks.format, found)


def _refusal(photo: Path, what: str, hint: str, code: str) -> MetadataError:
    return MetadataError(f"{photo} {what}.", hint, code)


def _findings(blocks: Blocks) -> Findings:
    """Everything that the blocks state, each value from the block that ranks first for it."""
    camera: Findings = {}
    if blocks.tiff is not None:
        image, _ = blocks.tiff.directory(blocks.tiff.first)
        camera = read_exif(blocks.tiff, image)
    xmp = _xmp_findings(blocks)
    iptc = read_iptc(blocks.iptc) if blocks.iptc else {}
    found: Findings = {}
    note(found, "width", blocks.width, f"{blocks.format} header")
    note(found, "height", blocks.height, f"{blocks.format} header")
    note(found, "orientation", blocks.orientation, f"{blocks.format} image properties")
    note(found, "colour_profile", profile_name(blocks.icc) if blocks.icc else None, "ICC profile description")
    note(found, "colour_profile", blocks.colour, f"{blocks.format} header")
    found |= merged([xmp, iptc, camera], WRITTEN_LATER.__contains__)
    return merged([found, camera, xmp, iptc])


def _xmp_findings(blocks: Blocks) -> Findings:
    packets = []
    for packet in blocks.xmp:
        try:
            packets.append(read_described(parse(packet)))
        except MetadataError:
            continue  # a damaged packet does not hide the other facts
    return merged(packets)


def facts_of(format_name: str, found: Findings) -> Facts:
    """Findings as facts, with everything that follows from them."""
    sources = {name: pair[1] for name, pair in found.items() if name in _NAMES}
    values: dict[str, Any] = {name: pair[0] for name, pair in found.items() if name in _NAMES}
    _Derived(found, values, sources).all()
    return Facts(format=format_name, **values, sources=sources)


class _Derived:
    """The derived facts, each with the rule that it comes from."""

    def __init__(self, found: Findings, values: dict[str, Any], sources: dict[str, str]) -> None:
        self.found = found
        self.values = values
        self.sources = sources

    def all(self) -> None:
        """Derive everything that can be derived."""
        self._lens()
        self._exposure()
        self._sun()
        self._light()

    def _set(self, field: str, value: Any, source: str) -> None:
        if value is not None:
            self.values[field] = value
            self.sources[field] = source

    def _lens(self) -> None:
        focal, equivalent = self.values.get("focal_mm"), self.values.get("focal_35mm")
        aperture = self.values.get("f_number")
        if equivalent is None and focal is not None and "sensor_width_mm" in self.found:
            width, source = self.found["sensor_width_mm"]
            equivalent = round(focal * 36 / width, 1)
            self._set("focal_35mm", equivalent, f"rule: FocalLength and {source}")
        if equivalent is not None:
            self._set("field_of_view_deg", round(field_of_view_deg(equivalent), 1), "rule: 35 mm equivalent")
        crop = crop_factor(focal, equivalent)
        if focal is None or aperture is None or crop is None:
            return
        self._set("hyperfocal_m", round(hyperfocal_m(focal, aperture, crop), 2), "rule: hyperfocal distance")
        depth = depth_of_field(focal, aperture, crop, self.values.get("subject_distance_m"))
        if depth is not None:
            self._set("depth_of_field", *depth)

    def _exposure(self) -> None:
        aperture, time_s = self.values.get("f_number"), self.values.get("exposure_s")
        iso = self.values.get("iso")
        if aperture and time_s and iso:
            ev = round(exposure_value(aperture, time_s, iso), 2)
            self._set("ev100", ev, "rule: log2(N²/t) - log2(ISO/100)")

    def _sun(self) -> None:
        moment = self.values.get("captured_at")
        if moment is None:
            return
        offset = offset_of(self.found)
        self.values["captured_at"] = aware(moment, offset)
        self._set("time_of_day", time_of_day_by_clock(moment), "rule: the camera's clock")
        self.values["time_of_day_source"] = "clock"
        if offset is None:
            return
        self._set("utc_offset_source", offset[1], offset[1])
        if "latitude" not in self.values:
            return
        sun = sun_at(self.values["latitude"], self.values["longitude"], to_utc(moment, offset[0]))
        if sun is not None:
            rule = f"rule: astral, position and time ({offset[1]})"
            self._set("sun_elevation_deg", round(sun.elevation, 2), rule)
            self._set("sun_azimuth_deg", round(sun.azimuth, 2), rule)
            self._set("time_of_day", time_of_day_by_sun(sun), "rule: sun elevation")
            self.values["time_of_day_source"] = "sun"

    def _light(self) -> None:
        values = self.values
        light = kind_of_light(
            values.get("ev100"),
            values.get("flash_fired"),
            values.get("light_source"),
            values.get("sun_elevation_deg"),
        )
        if light is not None:
            self._set("light", *light)
