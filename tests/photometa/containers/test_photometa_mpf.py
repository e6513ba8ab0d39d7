"""JPEG files of several pictures (Multi-Picture Format, CIPA DC-007): previews, depth maps, gain maps."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from photometa_seeds import JPEG, exif_block, photo
from PIL import Image

import photometa
from photometa import Facts
from photometa.xmp.packets import packet

Reader = Callable[[bytes], Facts]


@pytest.fixture
def read_bytes(tmp_path: Path) -> Reader:
    def read(data: bytes) -> Facts:
        path = tmp_path / "photo.jpg"
        path.write_bytes(data)
        return photometa.read(path)

    return read


def mpf(size: int, offset: int) -> bytes:
    """A Multi-Picture Format segment (CIPA DC-007) that names two pictures."""
    entries = struct.pack(">IIIHH", 0x030000, 0, 0, 0, 0) + struct.pack(">IIIHH", 0x020002, size, offset, 0, 0)
    rows = struct.pack(">HHI4s", 0xB000, 7, 4, b"0100") + struct.pack(">HHII", 0xB001, 4, 1, 2)
    rows += struct.pack(">HHII", 0xB002, 7, len(entries), 50)
    body = b"MPF\0MM\0*\0\0\0\x08" + struct.pack(">H", 3) + rows + bytes(4) + entries
    return b"\xff\xe2" + struct.pack(">H", len(body) + 2) + body


def test_the_second_picture_of_a_multi_picture_file_says_nothing_of_the_first(read_bytes: Reader) -> None:
    second = photo(
        "JPEG", exif=exif_block(ISOSpeedRatings=6400, LensModel=b"Second"), xmp=packet({"dc:title": "Second"})
    )
    plain = photo(JPEG, exif=exif_block(LensModel=None), xmp=b"")
    first = plain[:2] + mpf(len(second), len(plain)) + plain[2:]
    facts = read_bytes(first + second)
    assert (facts.format, facts.width, facts.iso, facts.lens, facts.title) == ("jpeg", 30, 100, None, None)
    assert facts.colour_profile == "sRGB"
    assert read_bytes(plain[:2] + mpf(1, 1 << 31) + plain[2:]).iso == 100


def test_a_first_picture_without_facts_borrows_none_from_the_second(read_bytes: Reader) -> None:
    out = io.BytesIO()
    Image.new("RGB", (30, 20)).save(out, "JPEG")
    bare = out.getvalue()
    facts = read_bytes(bare[:2] + mpf(100, len(bare)) + bare[2:] + photo(JPEG))
    assert (facts.camera_make, facts.title, facts.iso) == (None, None, None)
