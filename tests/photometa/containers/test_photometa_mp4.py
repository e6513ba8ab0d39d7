"""The XMP box of an MP4."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from photometa import MetadataError
from photometa.containers.mp4 import XMP_UUID, append_xmp, read_xmp


def box(kind: bytes, payload: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


FTYP = box(b"ftyp", b"isom\0\0\0\0isom")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(FTYP + box(b"moov", b"m" * 20) + box(b"mdat", b"d" * 100))
    return path


def test_an_appended_packet_is_read_back(clip: Path) -> None:
    append_xmp(clip, b"<packet/>")
    assert read_xmp(clip) == b"<packet/>"


def test_appending_changes_no_byte_before_it(clip: Path) -> None:
    before = clip.read_bytes()
    append_xmp(clip, b"<packet/>")
    assert clip.read_bytes() == before + box(b"uuid", XMP_UUID + b"<packet/>")


def test_an_open_file_can_be_appended_to(clip: Path) -> None:
    with clip.open("r+b") as file:
        append_xmp(file, b"<packet/>")
        assert not file.closed
    assert read_xmp(clip) == b"<packet/>"


def test_a_clip_without_xmp_has_none(clip: Path) -> None:
    assert read_xmp(clip) is None


def test_a_64_bit_size_is_understood(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(FTYP + struct.pack(">I4sQ", 1, b"mdat", 26) + b"d" * 10)
    append_xmp(path, b"<packet/>")
    assert read_xmp(path) == b"<packet/>"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no boxes at all",
        box(b"moov"),
        FTYP + struct.pack(">I4s", 0, b"mdat") + b"to the end",
        FTYP + struct.pack(">I4s", 500, b"mdat") + b"cut off",
        FTYP + struct.pack(">I4s", 4, b"mdat"),
        FTYP + struct.pack(">I4sQ", 1, b"mdat", 3),
        FTYP + struct.pack(">I4sQ", 1, b"mdat", 1 << 63),
        FTYP + box(b"uuid", XMP_UUID + b"<old/>"),
        FTYP + box(b"mdat", b"d") + b"stray",
    ],
)
def test_what_cannot_be_appended_to_is_refused_and_left_alone(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    with pytest.raises(MetadataError) as caught:
        append_xmp(path, b"<packet/>")
    assert str(path) in caught.value.message
    assert caught.value.hint
    assert path.read_bytes() == data


def test_an_open_ended_last_box_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(FTYP + struct.pack(">I4s", 0, b"uuid") + XMP_UUID + b"<packet/>")
    assert read_xmp(path) == b"<packet/>"


def test_a_missing_clip_is_named(tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match=r"gone\.mp4"):
        read_xmp(tmp_path / "gone.mp4")
