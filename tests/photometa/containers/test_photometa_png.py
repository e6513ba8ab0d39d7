"""Metadata in PNG: chunks, and raw profiles in the forms that programs write."""

from __future__ import annotations

import binascii
import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from photometa_seeds import PNG, exif_block, photo, xmp_packet

import photometa
from photometa import Facts
from photometa.containers.png import read_png
from photometa.containers.source import Bytes

IPTC = b"".join(struct.pack(">BBBH", 0x1C, 2, 25, len(word)) + word for word in (b"Waterfall", b"Iceland"))
PHOTOSHOP = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC + b"\0" * (len(IPTC) % 2)
EXIF = exif_block(DateTimeOriginal=b"2024:06:21 12:00:00", OffsetTimeOriginal=b"+00:00")
XMP = xmp_packet()
Reader = Callable[[bytes], Facts]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", binascii.crc32(kind + data))


def png(*chunks: bytes) -> bytes:
    """A small picture without metadata, with these chunks before its pixels."""
    plain = photo(PNG, b"", b"")
    header = plain[: 8 + 25]
    pixels = plain[plain.index(b"IDAT") - 4 :]
    return header + b"".join(chunks) + pixels


def raw_profile(name: str, data: bytes, label: str | None = None, kind: bytes = b"zTXt", **form: str) -> bytes:
    """A raw profile in a text chunk; ``form`` has another line end or a false length."""
    end = form.get("end", "\n")
    digits = data.hex()
    lines = [digits[i : i + 72] for i in range(0, len(digits), 72)]
    head = [] if label == "" else [name if label is None else label]
    text = end.join(["", *head, form.get("length", f"{len(data):8}"), *lines, ""]).encode()
    keyword = f"Raw profile type {name}".encode() + b"\0"
    if kind == b"zTXt":
        return chunk(kind, keyword + b"\0" + zlib.compress(text))
    return chunk(kind, keyword + (b"\0\0\0\0" if kind == b"iTXt" else b"") + text)


@pytest.fixture
def read_bytes(tmp_path: Path) -> Reader:
    def read(data: bytes) -> Facts:
        path = tmp_path / "photo.png"
        path.write_bytes(data)
        return photometa.read(path)

    return read


@pytest.mark.parametrize("kind", [b"zTXt", b"tEXt", b"iTXt"])
@pytest.mark.parametrize("label", [None, "", "iptc", "IPTC profile", "generic profile 2 of 2", "8BIM 1234", "12"])
@pytest.mark.parametrize("data", [IPTC, PHOTOSHOP, b"Photoshop 3.0\0" + PHOTOSHOP], ids=["bare", "8BIM", "APP13"])
def test_a_raw_profile_has_any_label(read_bytes: Reader, kind: bytes, label: str | None, data: bytes) -> None:
    assert read_bytes(png(raw_profile("iptc", data, label, kind))).keywords == ("Waterfall", "Iceland")


@pytest.mark.parametrize("form", [{"end": "\r\n"}, {"length": "9"}, {"length": "  99999999"}])
def test_a_raw_profile_in_another_form_is_read(read_bytes: Reader, form: dict[str, str]) -> None:
    assert read_bytes(png(raw_profile("iptc", IPTC, "a label", **form))).keywords == ("Waterfall", "Iceland")


@pytest.mark.parametrize("name", ["exif", "APP1", "app1", "EXIF", "generic"])
@pytest.mark.parametrize("data", [EXIF, b"Exif\0\0" + EXIF], ids=["bare", "with header"])
def test_exif_in_a_raw_profile_is_read_with_and_without_its_header(read_bytes: Reader, name: str, data: bytes) -> None:
    facts = read_bytes(png(raw_profile(name, data)))
    assert (facts.camera_model, facts.captured_at) == ("Model 1", datetime(2024, 6, 21, 12, tzinfo=UTC))


@pytest.mark.parametrize("name", ["xmp", "APP1"])
def test_xmp_in_a_raw_profile_is_read(read_bytes: Reader, name: str) -> None:
    data = XMP if name == "xmp" else b"http://ns.adobe.com/xap/1.0/\0" + XMP
    assert read_bytes(png(raw_profile(name, data, "generic profile"))).keywords == ("one", "two")


@pytest.mark.parametrize("kind", [b"zTXt", b"tEXt", b"iTXt"])
def test_xmp_is_read_from_every_kind_of_text_chunk(read_bytes: Reader, kind: bytes) -> None:
    body = {b"zTXt": b"\0" + zlib.compress(XMP), b"tEXt": XMP, b"iTXt": b"\0\0\0\0" + XMP}[kind]
    assert read_bytes(png(chunk(kind, b"XML:com.adobe.xmp\0" + body))).title == "Title"


def test_a_damaged_raw_profile_leaves_the_other_facts(read_bytes: Reader) -> None:
    broken = chunk(b"tEXt", b"Raw profile type iptc\0\niptc\n   12\nnot hexadecimal\n")
    facts = read_bytes(png(broken, chunk(b"eXIf", EXIF)))
    assert (facts.keywords, facts.camera_model) == ((), "Model 1")


@given(st.sampled_from([b"zTXt", b"tEXt", b"iTXt"]), st.binary(max_size=200))
def test_no_text_chunk_raises(kind: bytes, data: bytes) -> None:
    read_png(Bytes(png(chunk(kind, b"Raw profile type exif\0" + data), chunk(kind, data))))
