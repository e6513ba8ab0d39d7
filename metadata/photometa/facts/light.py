"""Light: exposure value, sun, time of day, and the kind of light, each by a stated rule.

A wrong claim is worse than none: nothing is said about the sun without position and offset, and no kind of
light is named if the values allow several.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

BLUE_HOUR_FROM, GOLDEN_HOUR_FROM, DAY_FROM = -6.0, -4.0, 6.0
"""Sun elevations in degrees, as photographers' almanacs have them."""
SET_BELOW_DEG = -0.6
"""Geometric elevation of a sun whose upper edge is just visible: refraction lifts it by that much."""
MIDDAY_HALF_WIDTH_DEG = 22.5
"""Hour angle around solar noon that counts as midday: an hour and a half on each side."""
EVENING_FROM_DEG = 75.0
"""Hour angle from which a sun that is still high means evening: five o'clock in solar time."""

_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
_CENTURY_S = 36525 * 86400

EV_HARD_SUN, EV_FILL_FLASH, EV_LOW, EV_NIGHT = 14.0, 11.0, 7.0, 3.0
"""EV100: "sunny 16" is 15, hazy sun 14, overcast 12, lit rooms 5 to 7. Dark subjects in full sun meter
as low as 12, so that overcast cannot be told from the exposure alone."""
EV_MOONLIGHT, EV_ARTIFICIAL, NIGHT_BELOW_DEG = -2.0, 1.0, -12.0
EV_DIFFUSE = (9.0, 11.0)
HIGH_SUN_DEG = 20.0
BACKLIT_WITHIN_DEG = 45.0
"""A sun this close to the (level) line of sight lights things from behind."""
SUNLIGHT_LX, SKYLIGHT_LX, EXTINCTION = 133_000.0, 15_000.0, 0.21
"""Illuminance by the sun outside the atmosphere and by a bright clear sky; clear air's optical depth (IES RP-21)."""
MOON_FROM_MM, MOON_UP_TO_EV = 200.0, 15.5
"""The full moon is sunlit rock, EV100 14 ("looney 11"); it is photographed with long lenses."""


def exposure_value(f_number: float, exposure_s: float, iso: float) -> float:
    """EV100 = log2(N²/t) - log2(ISO/100)."""
    return math.log2(f_number**2 / exposure_s) - math.log2(iso / 100)


@dataclass(frozen=True, slots=True)
class Sun:
    """Where the sun stood, degrees."""

    elevation: float
    """Above the horizon as seen, with refraction; below it the geometric one, by which twilight goes."""
    azimuth: float
    """From north, clockwise."""
    hour_angle: float
    """From solar noon, afternoon positive, -180 to 180."""


def sun_at(latitude: float, longitude: float, moment: datetime) -> Sun | None:
    """The sun over a place.

    Args:
        latitude: degrees, north positive.
        longitude: degrees, east positive.
        moment: aware.
    """
    from astral import Observer, sun

    utc = moment.astimezone(UTC)
    observer = Observer(max(-89.8, min(89.8, latitude)), longitude)
    try:
        elevation = sun.elevation(observer, utc, with_refraction=False)
        if elevation > SET_BELOW_DEG:
            elevation = sun.elevation(observer, utc)
        azimuth = sun.azimuth(observer, utc)
        century = (utc - _J2000).total_seconds() / _CENTURY_S
        minutes = utc.hour * 60 + utc.minute + utc.second / 60 + sun.eq_of_time(century)
    except (ValueError, OverflowError):
        return None
    hour_angle = (minutes / 4 + longitude) % 360 - 180
    return Sun(elevation, azimuth, hour_angle)


def time_of_day_by_sun(sun: Sun) -> str:
    """The time of day by the sun's elevation, by day also by its hour angle."""
    if sun.elevation < BLUE_HOUR_FROM:
        return "night"
    if sun.elevation < GOLDEN_HOUR_FROM:
        return "blue hour"
    if sun.elevation < DAY_FROM:
        return "golden hour"
    if abs(sun.hour_angle) <= MIDDAY_HALF_WIDTH_DEG:
        return "midday"
    if sun.hour_angle < 0:
        return "morning"
    return "evening" if sun.hour_angle >= EVENING_FROM_DEG else "afternoon"


def time_of_day_by_clock(moment: datetime) -> str:
    """The time of day by the camera's clock; nothing about the colour of the sky."""
    for until, word in ((5, "night"), (11, "morning"), (14, "midday"), (18, "afternoon"), (22, "evening")):
        if moment.hour < until:
            return word
    return "night"


def light_source_word(light_source: str | None) -> str | None:
    """The kind of light that EXIF LightSource states."""
    if light_source is None:
        return None
    if "fluorescent" in light_source:
        return "fluorescent"
    return {
        "tungsten": "tungsten",
        "standard light A": "tungsten",
        "flash": "flash",
        "cloudy": "overcast",
        "shade": "shade",
    }.get(light_source)


def kind_of_light(
    ev100: float | None,
    light_source: str | None,
    sun_elevation_deg: float | None,
    off_sun_deg: float | None = None,
    *,
    flash_fired: bool | None,
) -> tuple[str, str] | None:
    """The kind of light in a word, and the rule behind it; None if several are possible.

    Args:
        ev100: the exposure value.
        light_source: EXIF LightSource in words.
        sun_elevation_deg: degrees; None where it is not known.
        off_sun_deg: the angle between the sun and the line of sight, degrees; None where it is not known.
        flash_fired: as EXIF Flash has it.
    """
    if flash_fired and (ev100 is None or ev100 < EV_FILL_FLASH):
        return "flash", "rule: flash fired and little other light"
    stated = light_source_word(light_source)
    if stated is not None and not (stated == "flash" and flash_fired is False):
        return stated, "EXIF LightSource"
    if ev100 is None:
        return None
    dark = sun_elevation_deg is not None and sun_elevation_deg < BLUE_HOUR_FROM
    if ev100 < EV_NIGHT or (dark and ev100 < EV_LOW):
        return "night", "rule: EV100"
    if ev100 < EV_LOW:
        return "low light", "rule: EV100"
    return _daylight(ev100, sun_elevation_deg, off_sun_deg)


def off_sun_deg(direction_deg: float, sun_azimuth_deg: float, sun_elevation_deg: float) -> float:
    """The angle between the sun and a level line of sight, degrees."""
    aside = math.radians(direction_deg - sun_azimuth_deg)
    return math.degrees(math.acos(math.cos(math.radians(sun_elevation_deg)) * math.cos(aside)))


def brightest_sunlit_ev(sun_elevation_deg: float | None) -> float:
    """EV100 of white in full sun: anything brighter is the sun itself, its halo or its reflection.

    Lambert-Beer over Kasten and Young's air mass (1989); a meter's constant of 12.5 cd s/(m² ISO).
    """
    height = 90.0 if sun_elevation_deg is None else max(0.0, sun_elevation_deg)
    air_mass = 1 / (math.sin(math.radians(height)) + 0.50572 * (height + 6.07995) ** -1.6364)
    illuminance_lx = SUNLIGHT_LX * math.exp(-EXTINCTION * air_mass) + SKYLIGHT_LX * math.sin(math.radians(height))
    return math.log2(illuminance_lx / math.pi * 100 / 12.5)


def may_be_the_moon(ev100: float, focal_35mm: float | None) -> bool:
    """Whether a bright exposure at night is plausible: the moon through a long lens."""
    return focal_35mm is not None and focal_35mm >= MOON_FROM_MM and ev100 <= MOON_UP_TO_EV


def night_light(ev100: float | None, sun_elevation_deg: float | None, *, flash_fired: bool | None) -> str | None:
    """What lit a scene while the sun was certainly down: "moonlight" or "artificial"; else None.

    Landscapes under a full moon meter at EV100 -2 to -3, lit streets at 2 to 7.
    """
    if ev100 is None or sun_elevation_deg is None or sun_elevation_deg > NIGHT_BELOW_DEG or flash_fired:
        return None
    if ev100 <= EV_MOONLIGHT:
        return "moonlight"
    return "artificial" if ev100 >= EV_ARTIFICIAL else None


def _daylight(ev100: float, sun_elevation_deg: float | None, off_sun_deg: float | None) -> tuple[str, str] | None:
    """Light that only the sun can give, and soft light while the sun is certainly up.

    If "hard sun" follows from the exposure alone, the sun's direction is unknown: a silhouette meters like a
    sunlit field.
    """
    if sun_elevation_deg is not None and sun_elevation_deg < BLUE_HOUR_FROM:
        return None
    if sun_elevation_deg is not None and sun_elevation_deg < 0:
        return "soft", "rule: the sun below the horizon"
    if ev100 >= EV_HARD_SUN:
        if off_sun_deg is not None and off_sun_deg <= BACKLIT_WITHIN_DEG:
            return "backlit", "rule: the camera looked towards the sun"
        if ev100 > brightest_sunlit_ev(sun_elevation_deg):
            return "backlit", "rule: EV100 above all that the sun lights"
        return "hard sun", "rule: EV100"
    if sun_elevation_deg is None:
        return None
    if sun_elevation_deg >= HIGH_SUN_DEG and EV_DIFFUSE[0] <= ev100 < EV_DIFFUSE[1]:
        return "soft", "rule: EV100 too low for direct sun at this elevation"
    return None
