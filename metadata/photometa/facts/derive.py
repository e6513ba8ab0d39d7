"""From findings to facts: what follows from them, each by a named rule."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from photometa.facts.clock import aware, offset_of, to_utc
from photometa.facts.contradictions import contradictions
from photometa.facts.faces import upright_faces
from photometa.facts.facts import Facts
from photometa.facts.findings import Findings
from photometa.facts.lensfun import lens_name
from photometa.facts.light import (
    exposure_value,
    kind_of_light,
    may_be_the_moon,
    night_light,
    off_sun_deg,
    sun_at,
    time_of_day_by_clock,
    time_of_day_by_sun,
)
from photometa.facts.optics import crop_factor, depth_of_field, equivalent_mm, field_of_view_deg, hyperfocal_m
from photometa.facts.precedence import Statements

_NAMES = frozenset(f.name for f in fields(Facts))


def facts_of(format_name: str, found: Findings, said: Statements) -> Facts:
    """Findings as facts, with everything that follows from them.

    Args:
        format_name: "jpeg", "heic" ...
        found: the statements that count.
        said: all statements, to find contradictions.
    """
    sources = {name: pair[1] for name, pair in found.items() if name in _NAMES}
    values: dict[str, Any] = {name: pair[0] for name, pair in found.items() if name in _NAMES}
    _Derived(found, values, sources).all()
    values["contradictions"] = contradictions(found, values, said)
    return Facts(format=format_name, **values, sources=sources)


class _Derived:
    """The derived facts, each with the rule behind it."""

    def __init__(self, found: Findings, values: dict[str, Any], sources: dict[str, str]) -> None:
        self.found = found
        self.values = values
        self.sources = sources

    def all(self) -> None:
        """Derive everything that can be derived."""
        self._faces()
        self._lens()
        self._exposure()
        self._sun()
        self._light()

    def _set(self, field: str, value: Any, source: str) -> None:
        if value is not None:
            self.values[field] = value
            self.sources[field] = source

    def _faces(self) -> None:
        if "marked_faces" in self.found:
            marked, source = self.found["marked_faces"]
            width, height = self.values.get("width"), self.values.get("height")
            size = (width, height) if width and height else None
            faces = upright_faces(marked, size, self.values.get("orientation", 1))
            self._set("face_regions", faces or None, source)

    def _lens(self) -> None:
        self._lens_name()
        focal, equivalent = self.values.get("focal_mm"), self.values.get("focal_35mm")
        aperture = self.values.get("f_number")
        if equivalent is None and focal is not None and "sensor_diagonal_mm" in self.found:
            diagonal, source = self.found["sensor_diagonal_mm"]
            equivalent = round(equivalent_mm(focal, diagonal), 1)
            self._set("focal_35mm", equivalent, f"rule: FocalLength and {source}")
        if equivalent is not None:
            sides = self.values.get("width") or 3, self.values.get("height") or 2
            angle = field_of_view_deg(equivalent, max(sides) / min(sides))
            self._set("field_of_view_deg", round(angle, 1), "rule: 35 mm equivalent and shape")
        crop = crop_factor(focal, equivalent)
        if focal is None or aperture is None or crop is None:
            return
        self._set("hyperfocal_m", round(hyperfocal_m(focal, aperture, crop), 2), "rule: hyperfocal distance")
        depth = depth_of_field(focal, aperture, crop, self.values.get("subject_distance_m"))
        if depth is not None:
            self._set("depth_of_field", *depth)

    def _lens_name(self) -> None:
        values = self.values
        if "lens" in values:
            camera = values.get("camera_make"), values.get("camera_model")
            name = lens_name(*camera, values["lens"], values.get("focal_mm"))
            self._set("lens_name", name, "rule: lensfun's lens of this name, camera and focal length")

    def _exposure(self) -> None:
        aperture, time_s = self.values.get("f_number"), self.values.get("exposure_s")
        iso = self.values.get("iso")
        if aperture and time_s and iso:
            ev = round(exposure_value(aperture, time_s, iso), 2)
            self._set("ev100", ev, "rule: log2(N²/t) - log2(ISO/100)")

    def _sun(self) -> None:
        moment = self.values.get("captured_at")
        if not isinstance(moment, datetime):  # unknown, or a day without a time
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
        ev, flash, elevation = values.get("ev100"), values.get("flash_fired"), values.get("sun_elevation_deg")
        self._set("night_light", night_light(ev, elevation, flash_fired=flash), "rule: EV100 at night")
        if ev is not None and self._is_dark_by_clock() and may_be_the_moon(ev, values.get("focal_35mm")):
            return
        direction, off_sun = values.get("direction_deg"), None
        if direction is not None and elevation is not None:
            off_sun = off_sun_deg(direction, values["sun_azimuth_deg"], elevation)
        light = kind_of_light(ev, values.get("light_source"), elevation, off_sun, flash_fired=flash)
        if light is not None:
            self._set("light", *light)

    def _is_dark_by_clock(self) -> bool:
        """Whether the camera's clock, and nothing better, says that the sun may be down."""
        if self.values.get("time_of_day_source") != "clock":
            return False
        return not 7 <= self.values["captured_at"].hour < 17
