"""What follows from focal length, aperture, distance and sensor (thin lens; lengths in millimetres)."""

from __future__ import annotations

import math

FULL_FRAME_DIAGONAL_MM = math.hypot(36, 24)
FULL_FRAME_BLUR_MM = FULL_FRAME_DIAGONAL_MM / 1440
"""Circle of confusion on a full frame (0.030 mm), as depth of field tables and exiftool have it."""


def crop_factor(focal_mm: float | None, focal_35mm: float | None) -> float | None:
    """The crop factor: how much smaller than full frame the sensor is."""
    if not focal_mm or not focal_35mm:
        return None
    factor = focal_35mm / focal_mm
    return factor if 0.3 <= factor <= 20 else None


def equivalent_mm(focal_mm: float, sensor_diagonal_mm: float) -> float:
    """The 35 mm equivalent focal length: the same angle over the diagonal (CIPA DCG-001)."""
    return focal_mm * FULL_FRAME_DIAGONAL_MM / sensor_diagonal_mm


def field_of_view_deg(focal_35mm: float, aspect: float = 1.5) -> float:
    """Angle of view along the long side, degrees, focused far away.

    Args:
        focal_35mm: the 35 mm equivalent, which goes by the diagonal.
        aspect: the picture's long side over its short side.
    """
    side = FULL_FRAME_DIAGONAL_MM * aspect / math.hypot(aspect, 1)
    return math.degrees(2 * math.atan(side / 2 / focal_35mm))


def hyperfocal_m(focal_mm: float, f_number: float, crop: float) -> float:
    """The nearest distance to focus on with everything beyond still sharp, metres."""
    blur = FULL_FRAME_BLUR_MM / crop
    return (focal_mm**2 / (f_number * blur) + focal_mm) / 1000


def sharp_range_m(distance_m: float, hyperfocal: float, focal_mm: float) -> tuple[float, float]:
    """The nearest and the farthest distance that look sharp, metres; the latter may be infinite."""
    focal = focal_mm / 1000
    near = hyperfocal * distance_m / (hyperfocal + distance_m - focal)
    if distance_m >= hyperfocal:
        return near, math.inf
    return near, hyperfocal * distance_m / (hyperfocal - distance_m + focal)


def depth_of_field(focal_mm: float, f_number: float, crop: float, distance_m: float | None) -> tuple[str, str] | None:
    """The depth of field in a word, and the rule behind it.

    With a distance: the sharp range relative to it (under 8 %, 30 %, 100 %, more). Without one, only
    what holds at every usual distance: deep if everything from 1.5 m on can be sharp, shallow for long
    fast lenses; otherwise None.
    """
    hyperfocal = hyperfocal_m(focal_mm, f_number, crop)
    if distance_m is not None and distance_m > focal_mm / 500:
        near, far = sharp_range_m(distance_m, hyperfocal, focal_mm)
        share = (far - near) / distance_m
        for limit, word in ((0.08, "very shallow"), (0.3, "shallow"), (1.0, "medium")):
            if share < limit:
                return word, "rule: sharp range by distance"
        return "deep", "rule: sharp range by distance"
    if hyperfocal <= 3:
        return "deep", "rule: hyperfocal distance at most 3 m"
    if f_number * crop <= 2.9 and focal_mm * crop >= 50:
        return "shallow", "rule: long fast lens"
    return None
