"""The facts of a photo: what its file says, and what follows from it by a stated rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime
from typing import Any

from photometa.facts.faces import FaceRegion


@dataclass(frozen=True, slots=True)
class Facts:
    """What a photo file says about itself. None: it does not say."""

    # What the file is
    format: str | None = None
    """"jpeg", "tiff", "png", "webp", "heic" ..."""
    width: int | None = None
    """Pixels as stored, before the orientation is applied."""
    height: int | None = None
    orientation: int | None = None
    """1-8 (EXIF Orientation)."""
    colour_profile: str | None = None
    """The ICC profile's description, or the EXIF ColorSpace's name."""
    software: str | None = None
    motion_photo: bool | None = None
    """True: a video of the same moment is in the file (Motion Photo). False: it says so, but the video was lost."""
    gain_map: bool | None = None
    """True: the file has a gain map for HDR screens (Ultra HDR); the picture itself is SDR."""

    # Camera and lens
    camera_make: str | None = None
    camera_model: str | None = None
    lens: str | None = None
    """The lens as the file names it."""
    lens_name: str | None = None
    """The lens as lensfun names it."""
    focal_mm: float | None = None
    """Focal length, millimetres."""
    focal_35mm: float | None = None
    """35 mm equivalent focal length, millimetres."""
    f_number: float | None = None

    # Exposure and light
    exposure_s: float | None = None
    """Shutter time, seconds (EXIF ExposureTime)."""
    iso: int | None = None
    ev100: float | None = None
    """log2(N²/t) - log2(ISO/100)."""
    exposure_bias_ev: float | None = None
    flash_fired: bool | None = None
    metering: str | None = None
    white_balance: str | None = None
    """"auto" or "manual"."""
    light_source: str | None = None
    """EXIF LightSource in words: "daylight", "tungsten" ..."""
    exposure_program: str | None = None
    """EXIF ExposureProgram or SceneCaptureType in words: "portrait", "landscape", "action", "night" ..."""

    # Time and place
    captured_at: datetime | date | None = None
    """The camera's wall clock; aware only where the file gives an offset. A date where it says the day but no time."""
    utc_offset_source: str | None = None
    latitude: float | None = None
    """Degrees, north positive."""
    longitude: float | None = None
    """Degrees, east positive."""
    altitude_m: float | None = None
    direction_deg: float | None = None
    """Direction of view, degrees from north, clockwise."""
    subject_distance_m: float | None = None

    # What the photographer wrote
    rating: int | None = None
    """1-5 stars; -1: rejected."""
    title: str | None = None
    caption: str | None = None
    keywords: tuple[str, ...] = ()
    """Flat ones and the leaves of hierarchies, each once."""
    persons: tuple[str, ...] = ()
    """Who is shown, by name. For the page and the search only: never for a prompt or a server."""
    face_regions: tuple[FaceRegion, ...] = ()
    """Faces that somebody marked, in shares of the upright picture."""
    creator: str | None = None
    copyright: str | None = None
    sublocation: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None

    # Derived by rule
    field_of_view_deg: float | None = None
    """Along the picture's long side, degrees."""
    hyperfocal_m: float | None = None
    depth_of_field: str | None = None
    """"very shallow", "shallow", "medium" or "deep"."""
    sun_elevation_deg: float | None = None
    sun_azimuth_deg: float | None = None
    time_of_day: str | None = None
    """"night", "blue hour", "golden hour", "morning", "midday", "afternoon" or "evening"."""
    time_of_day_source: str | None = None
    """"sun" (position and aware time), "clock" (the camera's) or None."""
    light: str | None = None
    """"hard sun", "backlit", "soft", "overcast", "shade", "tungsten", "fluorescent", "flash", "low light", "night"."""

    night_light: str | None = None
    """At night, if the sun is certainly down: "moonlight" or "artificial"."""

    sources: Mapping[str, str] = field(default_factory=dict)
    """Field name -> the tag or rule that it comes from, e.g. "EXIF ExposureTime"."""
    contradictions: tuple[str, ...] = ()
    """Pairs of statements that cannot both be true, in words."""

    def __reduce__(self) -> tuple[Callable[..., Facts], tuple[dict[str, Any]]]:
        """Pickles only what is not None, which is little, for the way between processes."""
        return _facts, ({name: value for name in _FIELDS if (value := getattr(self, name)) is not None},)

    def to_dict(self) -> dict[str, Any]:
        """As JSON: times in ISO 8601, tuples as lists."""
        data: dict[str, Any] = {name: getattr(self, name) for name in _FIELDS}
        if self.captured_at is not None:
            data["captured_at"] = self.captured_at.isoformat()
        data["keywords"], data["persons"] = list(self.keywords), list(self.persons)
        data["face_regions"] = [asdict(face) for face in self.face_regions]
        data["contradictions"] = list(self.contradictions)
        data["sources"] = dict(self.sources)
        return data


_FIELDS = tuple(f.name for f in fields(Facts))


def _facts(values: dict[str, Any]) -> Facts:
    return Facts(**values)
