"""Positions: as numbers and as text, above and below the sea."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import piexif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from photometa_seeds import JPEG, Field, ascii_field, photo, rational_field, tiff_block

import photometa
from photometa import Facts, Value
from photometa.facts.position import coordinate, numbers_in
from photometa.xmp.packets import packet

NORTH = {1: b"N", 2: ((48, 1), (12, 1), (30, 1)), 3: b"E", 4: ((16, 1), (22, 1), (0, 1))}
Placed = Callable[..., Facts]


@pytest.fixture
def placed(tmp_path: Path) -> Placed:
    """The facts of a photo with these GPS tags and these XMP properties."""

    def read(gps: dict[int, object] | None = None, xmp: dict[str, Value] | None = None) -> Facts:
        exif = piexif.dump({"GPS": gps})[6:] if gps else b""
        path = tmp_path / "photo.jpg"
        path.write_bytes(photo(JPEG, exif, packet(xmp or {"dc:format": "image/jpeg"})))
        return photometa.read(path)

    return read


@pytest.mark.parametrize(("reference", "expected"), [(0, 420), (1, -420), (2, 420), (3, -420), (None, 420)])
def test_an_altitude_is_above_or_below_by_exif_3(placed: Placed, reference: int | None, expected: float) -> None:
    said = {} if reference is None else {5: reference}
    assert placed({**NORTH, **said, 6: (420, 1)}).altitude_m == expected
    position: dict[str, Value] = {"exif:GPSLatitude": "48,12.5N", "exif:GPSLongitude": "16,22E"}
    xmp: dict[str, Value] = {**position, "exif:GPSAltitude": "420/1"}
    if reference is not None:
        xmp["exif:GPSAltitudeRef"] = str(reference)
    assert placed(xmp=xmp).altitude_m == expected


def test_a_sign_beside_a_reference_says_the_same_once(placed: Placed) -> None:
    xmp: dict[str, Value] = {"exif:GPSLatitude": "48,12.5N", "exif:GPSLongitude": "16,22E"}
    assert placed(xmp={**xmp, "exif:GPSAltitude": "-420", "exif:GPSAltitudeRef": "1"}).altitude_m == -420
    assert placed(xmp={**xmp, "exif:GPSAltitude": "-420"}).altitude_m == -420


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("48,12.5N", 90, 48.208333),
        ("48,12,30N", 90, 48.208333),
        ("48° 12' 30\" N", 90, 48.208333),
        ("48 deg 12' 30.00\" N", 90, 48.208333),
        ("N 48 12 30", 90, 48.208333),
        ("48:12:30S", 90, -48.208333),
        ("48/1 12/1 3000/100 S", 90, -48.208333),
        ("48.208333 South", 90, -48.208333),
        ("-48.208333", 90, -48.208333),
        ("+16.366667", 180, 16.366667),
        ("16,22W", 180, -16.366667),
        ("16.366667 west", 180, -16.366667),
        ("-16.366667 W", 180, -16.366667),
        ("48.208333", 90, None),
        ("48,2083N", 90, None),
        ("91N", 90, None),
        ("48,12.5E", 90, None),
        ("48,12.5", 90, None),
        ("N", 90, None),
        ("somewhere", 90, None),
        ("", 90, None),
    ],
)
def test_a_coordinate_is_read_in_every_usual_form(text: str, limit: int, expected: float | None) -> None:
    found = coordinate(text, limit)
    assert found is None if expected is None else found == pytest.approx(expected, abs=1e-6)


NORTH_FIELDS = {1: ascii_field("N"), 3: ascii_field("E"), 4: rational_field((16, 1), (22, 1), (0, 1))}


def with_gps(tmp_path: Path, gps: dict[int, Field]) -> Facts:
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo(JPEG, tiff_block({}, {}, gps), packet({"dc:format": "image/jpeg"})))
    return photometa.read(path)


@pytest.mark.parametrize("text", ["48.208333", "48/1,12/1,30/1", "48 12 30", "48,12.5", "48.208333 N", "48° 12' 30\""])
def test_exifs_position_as_text_is_read(tmp_path: Path, text: str) -> None:
    facts = with_gps(tmp_path, {**NORTH_FIELDS, 2: ascii_field(text)})
    assert facts.latitude == pytest.approx(48.208333, abs=1e-6)
    assert facts.longitude == pytest.approx(16.366667, abs=1e-6)


def test_exifs_position_as_text_without_its_half_of_the_earth_is_none(tmp_path: Path) -> None:
    gps = {**NORTH_FIELDS, 2: ascii_field("48.208333")}
    del gps[1]
    assert with_gps(tmp_path, gps).latitude is None
    assert with_gps(tmp_path, {**gps, 2: ascii_field("-48.208333")}).latitude == pytest.approx(-48.208333)


@pytest.mark.parametrize(
    ("altitude", "reference", "expected"),
    [
        (ascii_field("420 m"), (1, 1, b"\1"), -420),
        (ascii_field("840/2"), ascii_field("3"), -420),
        (ascii_field("-420.0"), (1, 1, b"\0"), -420),
        (ascii_field("420 m Above Sea Level"), (1, 1, b"\2"), 420),
        (ascii_field("420 m Below Sea Level"), ascii_field("Below Sea Level"), -420),
        (rational_field((420, 1)), ascii_field("1"), -420),
    ],
)
def test_an_altitude_as_text_is_read(tmp_path: Path, altitude: Field, reference: Field, expected: float) -> None:
    gps = {**NORTH_FIELDS, 2: ascii_field("48.2 N"), 5: reference, 6: altitude}
    assert with_gps(tmp_path, gps).altitude_m == expected


def test_direction_and_time_of_gps_as_text_are_read(tmp_path: Path) -> None:
    gps = {**NORTH_FIELDS, 2: ascii_field("48.2 N"), 17: ascii_field("90.5"), 7: ascii_field("10:00:02")}
    exif = {0x9003: ascii_field("2024:05:31 12:00:00")}
    path = tmp_path / "photo.jpg"
    path.write_bytes(
        photo(JPEG, tiff_block({}, exif, {**gps, 29: ascii_field("2024-05-31")}), packet({"dc:format": "x"}))
    )
    facts = photometa.read(path)
    assert facts.direction_deg == 90.5
    assert facts.captured_at is not None
    assert facts.captured_at.isoformat() == "2024-05-31T12:00:00+02:00"


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        ("48.208333", "-16.366667", (48.208333, -16.366667)),
        ("48,12.5N", "16,22.0E", (48.208333, 16.366667)),
        ("48,12,30 N", "16,22 E", (48.208333, 16.366667)),
    ],
)
def test_xmps_position_is_read(placed: Placed, latitude: str, longitude: str, expected: tuple[float, float]) -> None:
    facts = placed(xmp={"exif:GPSLatitude": latitude, "exif:GPSLongitude": longitude})
    assert (facts.latitude, facts.longitude) == pytest.approx(expected, abs=1e-6)


def test_xmps_bare_degrees_with_a_reference_apart_are_read(placed: Placed) -> None:
    xmp: dict[str, Value] = {"exif:GPSLatitude": "48.5", "exif:GPSLatitudeRef": "S", "exif:GPSLongitude": "16.5"}
    assert placed(xmp=xmp).latitude == -48.5


@given(st.text(max_size=60), st.sampled_from([90, 180]))
def test_no_text_raises_and_no_coordinate_is_out_of_bounds(text: str, limit: int) -> None:
    found = coordinate(text, limit)
    assert found is None or -limit <= found <= limit
    numbers_in(text)


@given(st.floats(-90, 90))
def test_signed_degrees_read_back(degrees: float) -> None:
    assert coordinate(f"{degrees:+.9f}", 90) == pytest.approx(degrees, abs=1e-8)
