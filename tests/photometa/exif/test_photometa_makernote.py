"""Makers' lens tags, from notes made here as the makers lay them out."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from photometa_seeds import JPEG, photo

import photometa
from photometa import Facts
from photometa.exif.makernote import lens_of_range

Row = tuple[int, int, int, bytes]


def ratios(*values: float) -> bytes:
    return b"".join(struct.pack("<II", round(v * 10), 10) for v in values)


def directory(at: int, rows: list[Row]) -> bytes:
    """A little-endian directory that stands at an offset, its values after it."""
    table, values = struct.pack("<H", len(rows)), b""
    values_at = at + 2 + 12 * len(rows) + 4
    for tag, kind, count, data in sorted(rows):
        value = data.ljust(4, b"\0")
        if len(data) > 4:
            value = struct.pack("<I", values_at + len(values))
            values += data
        table += struct.pack("<HHI", tag, kind, count) + value
    return table + b"\0\0\0\0" + values


def photo_with_note(make: bytes, note_of: dict[str, object]) -> bytes:
    """A JPEG whose Exif has a maker note; the note is made for where it will stand."""
    make = make + b"\0"
    exif_at = 8 + 2 + 24 + 4 + len(make)
    note_at = exif_at + 2 + 12 + 4
    note = note_of["make"](note_at)  # type: ignore[operator]
    image = directory(8, [(0x010F, 2, len(make), make), (0x8769, 4, 1, struct.pack("<I", exif_at))])
    assert len(image) == exif_at - 8
    exif = struct.pack("<HHHII", 1, 0x927C, 7, len(note), note_at) + b"\0\0\0\0"
    return photo(JPEG, exif=b"II*\0\x08\0\0\0" + image + exif + note, xmp=b"")


def shorts(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}H", *values)


CANON_SETTINGS = shorts(*[0] * 16, 17, *[0] * 6, 55, 18, 1)


def canon(at: int) -> bytes:
    return directory(at, [(0x0001, 3, 26, CANON_SETTINGS)])


def canon_named(at: int) -> bytes:
    return directory(at, [(0x0001, 3, 26, CANON_SETTINGS), (0x0095, 2, 16, b"EF-S18-55mm IS\0\0")])


def nikon(_at: int) -> bytes:
    inner = directory(8, [(0x0084, 5, 4, ratios(18, 55, 3.5, 5.6)), (0x0002, 3, 2, shorts(0, 800))])
    return b"Nikon\0\x02\x10\0\0II*\0\x08\0\0\0" + inner


def sony(at: int) -> bytes:
    return b"SONY DSC \0\0\0" + directory(at + 12, [(0xB02A, 7, 8, bytes.fromhex("0000180055355600"))])


def olympus(_at: int) -> bytes:
    outer = directory(12, [(0x2010, 4, 1, struct.pack("<I", 12 + 2 + 12 + 4))])
    return b"OLYMPUS\0II\x03\0" + outer + directory(30, [(0x0203, 2, 20, b"OLYMPUS M.12-40mm \0\0")])


def panasonic(at: int) -> bytes:
    return b"Panasonic\0\0\0" + directory(at + 12, [(0x0051, 2, 20, b"LUMIX G 20/F1.7 II\0\0")])


def fujifilm(_at: int) -> bytes:
    rows = [(0x1404 + i, 5, 1, ratios(v)) for i, v in enumerate((18, 55, 2.8, 4))]
    return b"FUJIFILM\x0c\0\0\0" + directory(12, rows)


@pytest.mark.parametrize(
    ("make", "maker", "lens", "source"),
    [
        (b"Canon", canon, "18-55mm", "Canon CameraSettings"),
        (b"Canon", canon_named, "EF-S18-55mm IS", "Canon LensModel"),
        (b"NIKON CORPORATION", nikon, "18-55mm f/3.5-5.6", "Nikon Lens"),
        (b"SONY", sony, "18-55mm f/3.5-5.6", "Sony LensSpec"),
        (b"OLYMPUS IMAGING CORP.", olympus, "OLYMPUS M.12-40mm", "Olympus LensModel"),
        (b"Panasonic", panasonic, "LUMIX G 20/F1.7 II", "Panasonic LensType"),
        (b"FUJIFILM", fujifilm, "18-55mm f/2.8-4", "Fujifilm MinFocalLength ... MaxApertureAtMaxFocal"),
        (b"Nobody", canon, None, None),
    ],
)
def test_each_makers_lens_is_found(
    tmp_path: Path, make: bytes, maker: object, lens: str | None, source: str | None
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(photo_with_note(make, {"make": maker}))
    facts: Facts = photometa.read(path)
    assert facts.lens == lens
    assert facts.sources.get("lens") == source


@pytest.mark.parametrize(("make", "maker", "iso"), [(b"Canon", canon, 100), (b"NIKON", nikon, 800)])
def test_a_sensitivity_that_only_the_maker_wrote_is_found(tmp_path: Path, make: bytes, maker: object, iso: int) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(photo_with_note(make, {"make": maker}))
    assert photometa.read(path).iso == iso


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ([50, 50, 1.8, 1.8], "50mm f/1.8"),
        ([7.40625, 22.21875], "7.4-22.2mm"),
        ([24, 70, 2.8, 2.8], "24-70mm f/2.8"),
        ([70, 24], None),
        ([0, 0, 0, 0], None),
        ([], None),
    ],
)
def test_a_lens_is_named_by_its_range(values: list[float], name: str | None) -> None:
    assert lens_of_range(values) == name
