"""Light by rule: sun, time of day, kind of light, exposure value."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import piexif
import pytest
from photometa_seeds import JPEG, exif_block, photo

import photometa
from photometa.facts.light import (
    Sun,
    brightest_sunlit_ev,
    exposure_value,
    kind_of_light,
    may_be_the_moon,
    night_light,
    off_sun_deg,
    sun_at,
    time_of_day_by_clock,
    time_of_day_by_sun,
)

SUN = [  # place, latitude, longitude, moment, elevation, azimuth: by PyEphem 4, not astral's formulas
    ("Quito", -0.18, -78.47, "2024-06-20T21:00:00+00:00", 30.73, 297.68),
    ("Quito", -0.18, -78.47, "2000-02-29T12:00:00+00:00", 8.46, 97.80),
    ("Vienna", 48.21, 16.37, "2023-12-22T03:27:00+00:00", -31.34, 91.01),
    ("Vienna", 48.21, 16.37, "1999-12-31T23:59:00+00:00", -62.05, 31.33),
    ("Sydney", -33.87, 151.21, "2024-03-31T01:30:00+00:00", 51.23, 11.71),
    ("Sydney", -33.87, 151.21, "2024-06-20T21:00:00+00:00", -0.85, 62.02),
    ("Tromso", 69.65, 18.96, "2021-10-31T00:59:00+00:00", -29.68, 43.18),
    ("Tromso", 69.65, 18.96, "2021-10-31T00:59:00+00:00", -29.68, 43.18),
    ("Longyearbyen", 78.22, 15.65, "2000-02-29T12:00:00+00:00", 3.95, 192.45),
    ("Longyearbyen", 78.22, 15.65, "2026-09-23T06:05:00+00:00", 3.87, 108.44),
    ("South Pole base", -89.0, 0.0, "2019-11-03T09:15:00+00:00", 15.87, 37.30),
    ("South Pole base", -89.0, 0.0, "2012-06-05T22:10:00+00:00", -23.55, 207.36),
    ("McMurdo", -77.85, 166.67, "2026-09-23T06:05:00+00:00", 2.49, 279.95),
    ("McMurdo", -77.85, 166.67, "2024-03-31T01:30:00+00:00", 7.85, 351.81),
    ("Suva", -18.14, 178.44, "1999-12-31T23:59:00+00:00", 84.51, 154.42),
    ("Suva", -18.14, 178.44, "2019-11-03T09:15:00+00:00", -39.47, 231.47),
    ("Apia", -13.83, -171.77, "2030-04-15T17:40:00+00:00", 1.10, 79.55),
    ("Apia", -13.83, -171.77, "2030-04-15T17:40:00+00:00", 1.10, 79.55),
    ("Anchorage", 61.22, -149.9, "2012-06-05T22:10:00+00:00", 51.40, 184.35),
    ("Anchorage", 61.22, -149.9, "2023-12-22T03:27:00+00:00", -16.82, 251.77),
    ("Tokyo", 35.68, 139.69, "2024-06-20T21:00:00+00:00", 16.74, 72.78),
    ("Tokyo", 35.68, 139.69, "2000-02-29T12:00:00+00:00", -41.54, 294.49),
    ("Reykjavik", 64.15, -21.94, "2023-12-22T03:27:00+00:00", -44.71, 40.57),
    ("Reykjavik", 64.15, -21.94, "1999-12-31T23:59:00+00:00", -46.23, 328.76),
    ("Ushuaia", -54.8, -68.3, "2024-03-31T01:30:00+00:00", -27.02, 234.73),
    ("Ushuaia", -54.8, -68.3, "2024-06-20T21:00:00+00:00", -6.44, 302.31),
    ("New York", 40.71, -74.01, "2021-10-31T00:59:00+00:00", -35.38, 282.50),
    ("New York", 40.71, -74.01, "2021-10-31T00:59:00+00:00", -35.38, 282.50),
    ("Nairobi", -1.29, 36.82, "2000-02-29T12:00:00+00:00", 55.82, 258.08),
    ("Nairobi", -1.29, 36.82, "2026-09-23T06:05:00+00:00", 39.96, 89.05),
    ("Kathmandu", 27.72, 85.32, "2019-11-03T09:15:00+00:00", 26.74, 233.69),
    ("Kathmandu", 27.72, 85.32, "2012-06-05T22:10:00+00:00", -14.58, 54.10),
    ("Chatham", -43.95, -176.56, "2026-09-23T06:05:00+00:00", -4.66, 265.36),
    ("Chatham", -43.95, -176.56, "2024-03-31T01:30:00+00:00", 36.84, 328.36),
    ("Honolulu", 21.31, -157.86, "1999-12-31T23:59:00+00:00", 41.09, 206.10),
    ("Honolulu", 21.31, -157.86, "2019-11-03T09:15:00+00:00", -74.44, 291.34),
    ("Alert", 82.5, -62.35, "2030-04-15T17:40:00+00:00", 16.92, 203.36),
    ("Alert", 82.5, -62.35, "2030-04-15T17:40:00+00:00", 16.92, 203.36),
    ("Cape Town", -33.92, 18.42, "2012-06-05T22:10:00+00:00", -76.38, 216.53),
    ("Cape Town", -33.92, 18.42, "2023-12-22T03:27:00+00:00", -1.77, 120.02),
    ("Paris", 48.85, 2.35, "2024-06-20T21:00:00+00:00", -8.13, 320.71),
    ("Paris", 48.85, 2.35, "2000-02-29T12:00:00+00:00", 33.43, 179.09),
    ("Singapore", 1.35, 103.82, "2023-12-22T03:27:00+00:00", 55.97, 138.21),
    ("Singapore", 1.35, 103.82, "1999-12-31T23:59:00+00:00", 11.30, 113.85),
    ("Attu", 52.9, 172.9, "2024-03-31T01:30:00+00:00", 39.98, 198.84),
    ("Attu", 52.9, 172.9, "2024-06-20T21:00:00+00:00", 40.85, 105.72),
    ("Greenwich", 51.48, 0.0, "2021-10-31T00:59:00+00:00", -49.68, 28.96),
    ("Greenwich", 51.48, 0.0, "2021-10-31T00:59:00+00:00", -49.68, 28.96),
    ("Lima", -12.05, -77.04, "2000-02-29T12:00:00+00:00", 11.25, 95.64),
    ("Lima", -12.05, -77.04, "2026-09-23T06:05:00+00:00", -69.93, 126.11),
]


@pytest.mark.parametrize(("place", "latitude", "longitude", "moment", "elevation", "azimuth"), SUN)
def test_the_sun_stands_where_another_ephemeris_has_it(
    place: str, latitude: float, longitude: float, moment: str, elevation: float, azimuth: float
) -> None:
    sun = sun_at(latitude, longitude, datetime.fromisoformat(moment))
    assert sun is not None, place
    assert sun.elevation == pytest.approx(elevation, abs=0.04)
    aside = (sun.azimuth - azimuth + 180) % 360 - 180
    assert aside * math.cos(math.radians(elevation)) == pytest.approx(0, abs=0.04)


def test_the_sun_stands_where_its_standard_algorithm_says() -> None:
    """Reda and Andreas, Solar Position Algorithm (NREL/TP-560-34302), table A5.1."""
    sun = sun_at(39.742476, -105.1786, datetime(2003, 10, 17, 19, 30, 30, tzinfo=UTC))
    assert sun is not None
    assert 90 - sun.elevation == pytest.approx(50.11162, abs=0.02)
    assert sun.azimuth == pytest.approx(194.34024, abs=0.02)
    assert 0 < sun.hour_angle < 20


@pytest.mark.parametrize("latitude", [90, -90, 78, -78])
def test_the_poles_have_a_sun_or_none_but_no_error(latitude: float) -> None:
    for day in range(0, 365, 30):
        sun = sun_at(latitude, 0, datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day))
        assert sun is not None
        assert abs(sun.elevation) <= 90 - abs(latitude) + 24


def test_hour_angle_is_zero_at_solar_noon_on_both_sides_of_the_date_line() -> None:
    for longitude in (179.9, -179.9):
        sun = sun_at(0, longitude, datetime(2024, 4, 15, 0, 0, tzinfo=UTC))
        assert sun is not None
        assert abs(sun.hour_angle) < 1


@pytest.mark.parametrize(
    ("elevation", "hour_angle", "word"),
    [
        (-30, 180, "night"),
        (-5, 100, "blue hour"),
        (-3.9, -90, "golden hour"),
        (5.9, 90, "golden hour"),
        (20, -60, "morning"),
        (60, 0, "midday"),
        (15, 40, "afternoon"),
        (15, 85, "evening"),
    ],
)
def test_time_of_day_goes_by_the_sun(elevation: float, hour_angle: float, word: str) -> None:
    assert time_of_day_by_sun(Sun(elevation, 0, hour_angle)) == word


@pytest.mark.parametrize(
    ("hour", "word"),
    [
        (0, "night"),
        (4, "night"),
        (5, "morning"),
        (12, "midday"),
        (15, "afternoon"),
        (19, "evening"),
        (23, "night"),
    ],
)
def test_the_clock_says_nothing_about_the_colour_of_the_sky(hour: int, word: str) -> None:
    assert time_of_day_by_clock(datetime(2024, 1, 1, hour)) == word  # noqa: DTZ001


def test_sunny_sixteen_is_ev_15() -> None:
    assert exposure_value(16, 1 / 128, 100) == pytest.approx(15)
    assert exposure_value(16, 1 / 128, 400) == pytest.approx(13)


@pytest.mark.parametrize(
    ("ev100", "flash", "source", "elevation", "light"),
    [
        (15, False, None, None, "hard sun"),
        (15, False, None, 40, "hard sun"),
        (12.5, False, None, None, None),
        (10, False, None, 40, "soft"),
        (10, False, None, None, None),
        (8, False, None, -3, "soft"),
        (5, False, None, None, "low light"),
        (5, False, None, -20, "night"),
        (1, False, None, None, "night"),
        (5, True, None, None, "flash"),
        (15, True, None, None, "hard sun"),
        (None, True, None, None, "flash"),
        (None, None, None, None, None),
        (9, False, "tungsten", None, "tungsten"),
        (9, False, "cool white fluorescent", None, "fluorescent"),
        (11, False, "shade", None, "shade"),
        (12, False, "cloudy", None, "overcast"),
        (12, False, "flash", None, None),
        (12, False, "daylight", None, None),
        (13, False, None, -20, None),
    ],
)
def test_the_kind_of_light_is_named_only_where_one_is_possible(
    ev100: float | None, flash: bool | None, source: str | None, elevation: float | None, light: str | None
) -> None:
    found = kind_of_light(ev100, source, elevation, flash_fired=flash)
    assert (found[0] if found else None) == light
    assert found is None or found[1]


@pytest.mark.parametrize(
    ("ev100", "elevation", "light"),
    [
        (-3, -20, "moonlight"),
        (4, -20, "artificial"),
        (0, -20, None),
        (4, -8, None),
        (4, None, None),
        (None, -20, None),
    ],
)
def test_night_is_lit_by_the_moon_or_by_people(ev100: float | None, elevation: float | None, light: str | None) -> None:
    assert night_light(ev100, elevation, flash_fired=False) == light


def test_white_in_full_sun_meters_three_steps_above_sunny_sixteen() -> None:
    assert brightest_sunlit_ev(90) == pytest.approx(18, abs=0.5)  # grey of 18 % is 2.5 darker
    assert brightest_sunlit_ev(None) == brightest_sunlit_ev(90)
    heights = [brightest_sunlit_ev(elevation) for elevation in (0, 1, 3, 10, 30, 90)]
    assert heights == sorted(heights)
    assert brightest_sunlit_ev(3) < 14.5 < brightest_sunlit_ev(10)


@pytest.mark.parametrize(
    ("direction", "azimuth", "elevation", "angle"),
    [(90, 90, 0, 0), (350, 10, 0, 20), (0, 180, 0, 180), (90, 90, 30, 30), (0, 90, 40, 90)],
)
def test_the_angle_between_sun_and_line_of_sight(
    direction: float, azimuth: float, elevation: float, angle: float
) -> None:
    assert off_sun_deg(direction, azimuth, elevation) == pytest.approx(angle, abs=1e-4)


@pytest.mark.parametrize(
    ("ev100", "elevation", "off_sun", "light"),
    [
        (15, 20, 25, "backlit"),  # the sun is in the picture, or nearly
        (15, 20, 100, "hard sun"),
        (15, 20, None, "hard sun"),
        (15, 2, None, "backlit"),  # nothing that a setting sun lights is so bright
        (20, None, None, "backlit"),  # nor what a high one lights
        (16, None, None, "hard sun"),  # snow, or against the sun: the picture tells
        (12, 20, 25, None),  # clouds before the sun are possible
        (15, -1, 10, "soft"),
    ],
)
def test_what_stands_before_the_sun_is_backlit(
    ev100: float, elevation: float | None, off_sun: float | None, light: str | None
) -> None:
    found = kind_of_light(ev100, None, elevation, off_sun, flash_fired=False)
    assert (found[0] if found else None) == light


def test_a_camera_that_looked_towards_the_sun_took_a_backlit_photo(tmp_path: Path) -> None:
    path = tmp_path / "sunset.jpg"
    for direction, light in ((300, "backlit"), (120, "hard sun")):
        exif = piexif.load(b"Exif\0\0" + exif_block(DateTimeOriginal=b"2024:06:21 19:30:00", ExposureTime=(1, 1000)))
        exif["GPS"][piexif.GPSIFD.GPSImgDirection] = (direction, 1)
        path.write_bytes(photo(JPEG, exif=piexif.dump(exif)[6:]))
        facts = photometa.read(path)
        assert facts.light == light
    assert facts.sun_elevation_deg == pytest.approx(10, abs=3)


@pytest.mark.parametrize(("ev100", "focal_35mm", "moon"), [(14, 500, True), (14, 50, False), (17, 500, False)])
def test_the_moon_is_bright_and_needs_a_long_lens(ev100: float, focal_35mm: float, moon: bool) -> None:
    assert may_be_the_moon(ev100, focal_35mm) == moon
    assert not may_be_the_moon(ev100, None)


@pytest.mark.parametrize("position", [True, False])
def test_the_moon_by_night_is_neither_sunlit_nor_a_contradiction(tmp_path: Path, position: bool) -> None:
    taken = {"DateTimeOriginal": b"2024:06:21 23:45:00", "ExposureTime": (1, 250), "FocalLengthIn35mmFilm": 500}
    exif = piexif.load(b"Exif\0\0" + exif_block(**taken))
    if not position:
        exif["GPS"] = {}
    path = tmp_path / "moon.jpg"
    path.write_bytes(photo(JPEG, exif=piexif.dump(exif)[6:]))
    facts = photometa.read(path)
    assert facts.ev100 == pytest.approx(14, abs=0.1)
    assert facts.contradictions == ()
    assert facts.light is None
