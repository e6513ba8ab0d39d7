"""When and where in an MP4."""

from __future__ import annotations

import io
import os
import struct
import tempfile
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from photometa_seeds import box

from photometa import MetadataError
from photometa.containers.bmff import boxes
from photometa.containers.mp4_taken import Taken, write_taken
from photometa.containers.source import Bytes

ZONE = timezone(timedelta(hours=2))
TAKEN = Taken(datetime(2024, 5, 31, 17, 20, tzinfo=ZONE), (48.208333, -16.366667), -171.5)
SECONDS = 3_800_013_600
"""2024-05-31 15:20 UTC, counted from 1904."""
FTYP = box(b"ftyp", b"isom\0\0\0\0isom")
MDAT = box(b"mdat", bytes(range(256)))


def movie(first: Iterable[bytes] = (), last: Iterable[bytes] = (), *, wide: bool = False, fast: bool = True) -> bytes:
    """A movie of one track whose chunk offsets point at the first and at the hundredth byte of its data."""
    times = b"\1\0\0\0" + bytes(16) if wide else bytes(12)

    def moov(data: int) -> bytes:
        code = "Q" if wide else "I"
        chunks = box(b"co64" if wide else b"stco", bytes(4) + struct.pack(f">I2{code}", 2, data, data + 100))
        media = box(b"mdia", box(b"mdhd", times) + box(b"minf", box(b"stbl", chunks)))
        track = box(b"trak", box(b"tkhd", times) + media)
        return box(b"moov", b"".join(first) + box(b"mvhd", times) + track + b"".join(last))

    if not fast:
        return FTYP + MDAT + moov(len(FTYP) + 8)
    return FTYP + moov(len(FTYP) + len(moov(0)) + 8) + MDAT


def tagged(data: bytes, taken: Taken = TAKEN) -> bytes:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        write_taken(file, taken)
        return content(file)


def content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


def pointed_at(data: bytes) -> list[int]:
    """The bytes that the chunk offsets point at."""
    wide = b"co64" in data
    at = data.index(b"co64" if wide else b"stco") + 8
    count = struct.unpack_from(">I", data, at)[0]
    return [data[offset] for offset in struct.unpack_from(f">{count}{'Q' if wide else 'I'}", data, at + 4)]


UDTA = box(b"udta", box(b"name", b"x"))


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize(("first", "last"), [((), ()), ((), [UDTA]), ([UDTA], ()), ((), [UDTA, box(b"free")])])
def test_time_and_place_are_written_and_the_pictures_stay_where_they_are_pointed_at(
    first: tuple[bytes, ...], last: tuple[bytes, ...], wide: bool, fast: bool
) -> None:
    before = movie(first, last, wide=wide, fast=fast)
    after = tagged(before)
    assert pointed_at(after) == pointed_at(before) == [0, 100]
    assert MDAT in after
    assert [found.type for found in boxes(Bytes(after))] == [found.type for found in boxes(Bytes(before))]
    assert after.count(struct.pack(">QQ" if wide else ">II", SECONDS, SECONDS)) == 3
    assert b"+48.208333-016.366667-171.500/" in after
    assert b"2024-05-31T17:20:00+0200" in after
    assert all(child in after for child in (*first, *last) if child != UDTA)
    assert tagged(after) == after


def test_a_position_that_stands_there_already_stays() -> None:
    there = box(b"udta", box(b"\xa9xyz", b"\0\x04\x15\xc7+1+2"))
    assert tagged(movie(last=[there])).count(b"\xa9xyz") == 1


def test_a_time_without_an_offset_has_no_key_of_apples() -> None:
    naive = TAKEN.at.replace(tzinfo=None) if TAKEN.at else None
    after = tagged(movie(), Taken(naive))
    assert struct.pack(">I", SECONDS + 7200) in after
    assert b"creationdate" not in after


def test_nothing_known_changes_nothing() -> None:
    assert tagged(movie(), Taken()) == movie()


def test_a_time_before_1904_is_left_out() -> None:
    assert struct.pack(">II", 0, 0) in tagged(movie(), Taken(datetime(1890, 1, 1, tzinfo=ZONE)))


@pytest.mark.parametrize(
    "data",
    [
        FTYP + MDAT,
        FTYP + box(b"moov", box(b"mvhd", bytes(12))) + box(b"moof"),
        FTYP + box(b"moov", struct.pack(">I4s", 500, b"trak")),
        FTYP + box(b"moov", box(b"trak", box(b"mdia", box(b"mdhd", b"\0\0")))),
        b"no movie",
    ],
)
def test_what_is_no_usual_movie_stays_as_it_is(data: bytes) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        with pytest.raises(MetadataError):
            write_taken(file, TAKEN)
        assert content(file) == data


class FullDisk(io.FileIO):
    """Has no room for one byte more, and writes some of it before it says so."""

    def write(self, data: Any) -> int:
        if self.tell() >= os.fstat(self.fileno()).st_size:
            super().write(b"half")
            raise OSError(28, "No space left on device")
        return super().write(data)


def test_a_full_disk_leaves_the_clip_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(movie())
    with FullDisk(tmp_path / "clip.mp4", "r+b") as file, pytest.raises(OSError, match="No space"):
        write_taken(file, TAKEN)  # type: ignore[arg-type]
    assert (tmp_path / "clip.mp4").read_bytes() == movie()


@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_no_damaged_movie_loses_its_data(at: int, damage: bytes) -> None:
    data = bytearray(movie(last=[UDTA]))
    data[len(FTYP) + at % 300 : len(FTYP) + at % 300 + len(damage)] = damage
    try:
        after = tagged(bytes(data))
    except MetadataError:
        return
    assert after.endswith(bytes(data[-100:]))
