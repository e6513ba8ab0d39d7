"""Raw files: the facts that their outlines give."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from photometa_raws import LONG, MAKERS, SHORT, first, picture, raws, rw2, tiff

import photometa
from photometa import Facts

RAWS = raws()
Reader = Callable[[bytes], Facts]


@pytest.fixture
def read_bytes(tmp_path: Path) -> Reader:
    def read(data: bytes) -> Facts:
        path = tmp_path / "photo.raw"
        path.write_bytes(data)
        return photometa.read(path)

    return read


@pytest.mark.parametrize("name", MAKERS)
def test_every_raw_format_states_its_exif(read_bytes: Reader, name: str) -> None:
    facts = read_bytes(RAWS[name])
    assert facts.format == name
    assert (facts.camera_model, facts.lens) == ("Model 1", "Test 50mm f/1.8")
    assert (facts.exposure_s, facts.f_number, facts.iso, facts.focal_mm) == (1 / 250, 8, 100, 50)
    assert facts.captured_at == datetime(2024, 6, 21, 12, tzinfo=timezone(timedelta(hours=2)))
    assert facts.latitude == pytest.approx(48 + 12 / 60 + 30 / 3600)


@pytest.mark.parametrize("name", MAKERS)
def test_the_size_is_that_of_the_largest_picture(read_bytes: Reader, name: str) -> None:
    facts = read_bytes(RAWS[name])
    assert (facts.width, facts.height, facts.orientation) == (6000, 4000, 6)


def test_panasonic_s_own_directory_stands_in_for_a_missing_jpeg_exif(read_bytes: Reader) -> None:
    assert read_bytes(rw2(exif_in_jpeg=False)).iso == 100


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("magic", [b"RO", b"RS", b"OR"])
def test_every_olympus_magic_number_is_known(read_bytes: Reader, order: str, magic: bytes) -> None:
    data = tiff(order, magic, [first(b"OLYMPUS", (10, 10))])
    if data[:4] in (b"IIRO", b"IIRS", b"MMOR"):
        assert read_bytes(data).format == "orf"
    else:
        with pytest.raises(photometa.MetadataError):
            read_bytes(data)


def test_an_edited_tiff_of_a_raw_camera_is_a_tiff(read_bytes: Reader) -> None:
    facts = read_bytes(tiff(">", b"\0*", [first(b"NIKON CORPORATION", (6000, 4000))]))
    assert (facts.format, facts.width) == ("tiff", 6000)


@pytest.mark.parametrize("name", ["cr2", "arw"])
def test_directories_in_a_circle_end(read_bytes: Reader, name: str) -> None:
    data = bytearray(RAWS[name])
    at = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[at : at + 2], "little")
    data[at + 2 + 12 * count : at + 6 + 12 * count] = at.to_bytes(4, "little")
    assert read_bytes(bytes(data)).iso == 100


@pytest.mark.parametrize("name", MAKERS)
def test_a_raw_file_that_is_cut_off_states_what_is_left(read_bytes: Reader, name: str) -> None:
    for cut in range(len(RAWS[name]) - 1, 30, -37):
        assert read_bytes(RAWS[name][:cut]).format in (name, "tiff")


def test_the_larger_of_two_pictures_within_counts(read_bytes: Reader) -> None:
    subs = [picture(8256, 5504), picture(1620, 1080, 1)]
    facts = read_bytes(tiff("<", b"*\0", [first(b"NIKON", (160, 120), xFE=(LONG, 1), x14A=(LONG, subs))]))
    assert (facts.format, facts.width, facts.height) == ("nef", 8256, 5504)


def test_a_size_in_short_numbers_is_read(read_bytes: Reader) -> None:
    facts = read_bytes(tiff("<", b"*\0", [first(b"SONY", (1, 1), x100=(SHORT, 300), x101=(SHORT, 200))]))
    assert (facts.width, facts.height) == (300, 200)
