"""Exif tags of every field type, and exifread as the witness."""

from __future__ import annotations

import logging
import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import exifread
import pytest

from photometa.containers.ifd import Directories, IfdEntry, Tiff, directories
from photometa.containers.sniff import read_blocks
from photometa.containers.source import Bytes, File
from photometa.exif.exif_facts import read_exif
from photometa.exif.exif_tags import _EXIF, _EXPOSURE, _GPS, _IMAGE, Tags

FORMATS = {1: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 11: "f", 12: "d"}
F_NUMBER = 0x829D


def tags_of(tag: int, kind: int, data: bytes, count: int, order: str = "<") -> Tags:
    """One tag in an Exif directory."""
    header = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    tiff = Tiff(Bytes(header + data))
    return Tags(Directories(tiff, {}, {tag: IfdEntry(kind, count, 8)}, {}))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", FORMATS)
def test_a_number_of_any_type_is_read(kind: int, order: str) -> None:
    tags = tags_of(F_NUMBER, kind, struct.pack(order + FORMATS[kind], 8), 1, order)
    assert tags.real("FNumber") == 8
    assert tags.whole("FNumber") == 8


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [6, 8, 9, 11, 12])
def test_several_signed_numbers_are_read(kind: int, order: str) -> None:
    data = struct.pack(f"{order}3{FORMATS[kind]}", -2, 0, 5)
    assert tags_of(0xA432, kind, data, 3, order).reals("LensSpecification") == [-2, 0, 5]


@pytest.mark.parametrize(
    ("kind", "code", "numbers", "expected"),
    [
        (5, "I", [28, 10, 1, 4], [2.8, 0.25]),
        (10, "i", [-2, 3], [-2 / 3]),
        (5, "I", [28, 10, 0, 0], []),
        (5, "I", [1, 0], []),
    ],
)
def test_rationals_are_read_unless_one_has_no_value(
    kind: int, code: str, numbers: list[int], expected: list[float]
) -> None:
    data = struct.pack(f">{len(numbers)}{code}", *numbers)
    assert tags_of(0xA432, kind, data, len(numbers) // 2, ">").reals("LensSpecification") == expected


@pytest.mark.parametrize("kind", [2, 129])
@pytest.mark.parametrize(
    ("data", "text"),
    [("Škoda 日本\0junk".encode(), "Škoda 日本"), ("Müller".encode("latin-1"), "Müller"), (b"\0", None)],
)
def test_texts_are_read_as_ascii_and_as_utf_8(kind: int, data: bytes, text: str | None) -> None:
    tags = tags_of(0xA434, kind, data, len(data))
    assert tags.text("LensModel") == text
    assert tags.real("LensModel") is None


@pytest.mark.parametrize("kind", [3, 5, 8, 12])
@pytest.mark.parametrize("count", [0, 2, 65, 1 << 31])
def test_a_value_that_is_not_whole_or_too_long_counts_as_missing(kind: int, count: int) -> None:
    assert tags_of(F_NUMBER, kind, b"\1\0\0\0\1\0\0\0", count if count != 2 else 5, "<").real("FNumber") is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_counts_as_missing(value: float) -> None:
    assert tags_of(F_NUMBER, 12, struct.pack("<d", value), 1).real("FNumber") is None


def test_a_long_windows_comment_is_read() -> None:
    raw = ("wörd " * 400).encode("utf-16-le")
    tiff = Tiff(Bytes(b"II*\0\x08\0\0\0" + raw))
    found = read_exif(Directories(tiff, {0x9C9C: IfdEntry(1, len(raw), 8)}, {}, {}))
    assert found["caption"] == (("wörd " * 400).strip(), "EXIF XPComment")


def test_an_aperture_of_a_damaged_exposure_is_not_taken_for_it() -> None:
    data = struct.pack(">II", 0, 0) + struct.pack(">II", 4, 1)
    tiff = Tiff(Bytes(b"MM\0*\0\0\0\x08" + data))
    both = {F_NUMBER: IfdEntry(5, 1, 8), 0x9202: IfdEntry(5, 1, 16)}
    assert "f_number" not in read_exif(Directories(tiff, {}, both, {}))
    assert read_exif(Directories(tiff, {}, {0x9202: IfdEntry(5, 1, 16)}, {}))["f_number"][0] == 4


def test_real_tags_read_as_exifread_reads_them(shared_photos: list[Path]) -> None:
    logging.getLogger("exifread").setLevel(logging.CRITICAL)
    compared = 0
    for path in shared_photos:
        with path.open("rb") as file:
            tiff = read_blocks(File(file)).tiff
        if tiff is None:
            continue
        tags = Tags(directories(tiff))
        block = BytesIO(tiff.source.read_at(0, tiff.source.size))
        theirs = exifread.process_file(block, details=False, extract_thumbnail=False)
        by_number = {(name.partition(" ")[0], tag.tag): tag.values for name, tag in theirs.items()}
        for name, places in named():
            said = next((by_number[place] for place in places if place in by_number), None)
            if said is not None:
                assert ours(tags, name, said) == plain(said), (path.name, name)
                compared += 1
    assert compared > 15 * len(shared_photos)


def named() -> list[tuple[str, list[tuple[str, int]]]]:
    """Our names, and where exifread has them."""
    groups = [({"EXIF", "Image"}, _EXPOSURE), ({"Image"}, _IMAGE), ({"EXIF"}, _EXIF), ({"GPS"}, _GPS)]
    return [(name, [(g, number) for g in sorted(group)]) for group, table in groups for name, number in table.items()]


def ours(tags: Tags, name: str, said: Any) -> Any:
    return tags.text(name) or "" if isinstance(said, str | bytes) else tags.reals(name)


def plain(values: Any) -> Any:
    if isinstance(values, str | bytes):
        text = values if isinstance(values, str) else values.decode("cp1252", "replace")
        text = text.strip("\0 \t\r\n\u00a0")
        return text if text.isprintable() else ""
    try:
        return [float(value) for value in values]
    except ZeroDivisionError:
        return []
