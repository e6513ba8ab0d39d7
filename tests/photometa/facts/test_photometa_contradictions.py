"""Statements that cannot both be true are named."""

from __future__ import annotations

from pathlib import Path

import pytest
from photometa_seeds import JPEG, exif_block, photo

import photometa
from photometa.xmp.packets import packet


def contradictions_of(folder: Path, xmp: bytes = b"", **exif: object) -> tuple[str, ...]:
    path = folder / "a.jpg"
    path.write_bytes(photo(JPEG, exif=exif_block(**exif), xmp=xmp))
    return photometa.read(path).contradictions


def test_a_sound_photo_has_none(tmp_path: Path) -> None:
    assert contradictions_of(tmp_path) == ()


def test_noon_and_a_night_exposure(tmp_path: Path) -> None:
    (text,) = contradictions_of(tmp_path, ExposureTime=(4, 1), FNumber=(2, 1))
    assert "says night" in text


def test_midnight_and_a_daylight_exposure(tmp_path: Path) -> None:
    (text,) = contradictions_of(tmp_path, DateTimeOriginal=b"2024:06:21 00:30:00")
    assert "below the horizon" in text


def test_an_offset_that_is_not_the_places(tmp_path: Path) -> None:
    (text,) = contradictions_of(tmp_path, OffsetTimeOriginal=b"+09:00", DateTimeOriginal=b"2024:06:21 18:00:00")
    assert "+09:00" in text
    assert "+02:00" in text


def test_exif_and_xmp_times_that_differ(tmp_path: Path) -> None:
    (text,) = contradictions_of(tmp_path, xmp=packet({"exif:DateTimeOriginal": "2024-06-20T12:00:00"}))
    assert "2024-06-20" in text


@pytest.mark.slow
def test_a_wrong_camera_clock_is_noticed_in_the_shared_photos(shared_photos: list[Path]) -> None:
    noticed = {p.name for p in shared_photos if photometa.read(p).contradictions}
    here = {p.name for p in shared_photos}
    assert {"canon-ixus-430.jpg"} & here <= noticed
    assert "kodak-pixpro-fz201.jpg" not in noticed  # the moon by night
    assert len(noticed) <= 5
