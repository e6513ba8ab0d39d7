"""Videos and gain maps in a photo's file, and tags that claim one which is not there."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from photometa_seeds import JPEG, box, heif, photo
from PIL import Image

import photometa
from photometa import Facts, Seq, Struct, Value
from photometa.containers.embedded import Claims, has_gain_map, has_video
from photometa.containers.source import Bytes
from photometa.xmp.packets import packet

VIDEO = box(b"ftyp", b"mp42\0\0\0\0isom") + box(b"mdat", bytes(300))
Reader = Callable[..., Facts]


@pytest.fixture
def read_bytes(tmp_path: Path) -> Reader:
    def read(data: bytes, name: str = "photo.jpg") -> Facts:
        path = tmp_path / name
        path.write_bytes(data)
        return photometa.read(path)

    return read


def small_jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("L", (8, 8)).save(out, JPEG)
    return out.getvalue()


GAIN_MAP = small_jpeg()


def directory(*items: tuple[str, int]) -> dict[str, Value]:
    """Google's directory of items: semantics and lengths."""
    entries = [
        Struct({"Container:Item": Struct({"Item:Mime": "x", "Item:Semantic": what, "Item:Length": str(length)})})
        for what, length in items
    ]
    return {"Container:Directory": Seq(entries)}


MOTION: dict[str, Value] = {"GCamera:MotionPhoto": "1", "GCamera:MotionPhotoVersion": "1"}
PRIMARY = ("Primary", 0)


def jpeg(properties: dict[str, Value], *appended: bytes, before: bytes = b"") -> bytes:
    data = photo(JPEG, xmp=packet(properties))
    return data[:2] + before + data[2:] + b"".join(appended)


def test_a_motion_photo_is_recognised_by_its_video(read_bytes: Reader) -> None:
    facts = read_bytes(jpeg({**MOTION, **directory(PRIMARY, ("MotionPhoto", len(VIDEO)))}, VIDEO))
    assert facts.motion_photo is True
    assert facts.sources["motion_photo"] == "a video in the file, XMP"


def test_its_predecessor_and_one_beside_a_gain_map_are_recognised(read_bytes: Reader) -> None:
    micro: dict[str, Value] = {"GCamera:MicroVideo": "1", "GCamera:MicroVideoOffset": str(len(VIDEO))}
    assert read_bytes(jpeg(micro, VIDEO)).motion_photo is True
    items = directory(PRIMARY, ("GainMap", len(GAIN_MAP)), ("MotionPhoto", len(VIDEO)))
    both = read_bytes(jpeg({**MOTION, "hdrgm:Version": "1.0", **items}, GAIN_MAP, VIDEO))
    assert (both.motion_photo, both.gain_map) == (True, True)


@pytest.mark.parametrize("appended", [(), (bytes(400),), (VIDEO, b"more")])
def test_stale_tags_without_a_video_are_not_believed(read_bytes: Reader, appended: tuple[bytes, ...]) -> None:
    items = directory(PRIMARY, ("MotionPhoto", len(VIDEO)))
    facts = read_bytes(jpeg({**MOTION, **items}, *appended))
    assert facts.motion_photo is False
    assert "no video" in facts.sources["motion_photo"]
    assert read_bytes(jpeg(MOTION)).motion_photo is False
    assert read_bytes(jpeg({"GCamera:MicroVideo": "1", "GCamera:MicroVideoOffset": "5000000"})).motion_photo is False


def test_a_photo_without_such_tags_says_nothing(read_bytes: Reader) -> None:
    facts = read_bytes(jpeg({"GCamera:MotionPhoto": "0"}))
    assert (facts.motion_photo, facts.gain_map) == (None, None)


def test_samsungs_trailer_is_recognised(read_bytes: Reader) -> None:
    name = b"MotionPhoto_Data"
    block = struct.pack("<HHI", 0, 0x0A30, len(name)) + name + VIDEO
    index = b"SEFH" + struct.pack("<II", 106, 1) + struct.pack("<HHII", 0, 0x0A30, len(block), len(block))
    trailer = block + index + struct.pack("<I", len(index)) + b"SEFT"
    plain: dict[str, Value] = {"dc:format": "image/jpeg"}
    assert read_bytes(jpeg(plain, trailer)).motion_photo is True
    assert read_bytes(jpeg(plain, trailer.replace(b"ftyp", b"none"))).motion_photo is None


def test_a_heic_with_a_video_in_its_box_is_recognised(read_bytes: Reader) -> None:
    assert read_bytes(heif() + box(b"mpvd", VIDEO), "photo.heic").motion_photo is True
    assert read_bytes(heif(), "photo.heic").motion_photo is None


def multi_picture(offset: int) -> bytes:
    """A multi-picture index that names a second picture."""
    entries = struct.pack(">IIIHH", 0x030000, 0, 0, 0, 0) + struct.pack(">IIIHH", 0, len(GAIN_MAP), offset, 0, 0)
    rows = struct.pack(">HHI4s", 0xB000, 7, 4, b"0100") + struct.pack(">HHII", 0xB001, 4, 1, 2)
    rows += struct.pack(">HHII", 0xB002, 7, len(entries), 50)
    body = b"MPF\0MM\0*\0\0\0\x08" + struct.pack(">H", 3) + rows + bytes(4) + entries
    return b"\xff\xe2" + struct.pack(">H", len(body) + 2) + body


ISO_21496 = b"\xff\xe2" + struct.pack(">H", 34) + b"urn:iso:std:iso:ts:21496:-1\0" + bytes(4)


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(("properties", "mark"), [({"hdrgm:Version": "1.0"}, b""), ({"dc:format": "x"}, ISO_21496)])
def test_an_hdr_photo_is_recognised_by_its_gain_map(
    read_bytes: Reader, properties: dict[str, Value], mark: bytes, there: bool
) -> None:
    plain = jpeg(properties, before=mark + multi_picture(0))
    # Offsets count from the index's header, which stands after two bytes, the mark, the marker, its length and "MPF".
    data = jpeg(properties, before=mark + multi_picture(len(plain) - (2 + len(mark) + 8)))
    facts = read_bytes(data + (GAIN_MAP if there else b""))
    assert facts.gain_map is (True if there else None)


def test_a_second_picture_alone_is_no_gain_map(read_bytes: Reader) -> None:
    plain = jpeg({"dc:format": "x"}, before=multi_picture(0))
    assert read_bytes(jpeg({"dc:format": "x"}, GAIN_MAP, before=multi_picture(len(plain) - 10))).gain_map is None


APPLES = box(b"iprp", box(b"ipco", box(b"auxC", bytes(4) + b"urn:com:apple:photo:2020:aux:hdrgainmap\0")))
TONE_MAPPED = box(b"iinf", bytes(4) + b"\0\1" + box(b"infe", b"\2\0\0\0\0\2\0\0tmap\0"))


@pytest.mark.parametrize("inside", [APPLES, TONE_MAPPED])
def test_a_gain_map_in_heic_and_avif_is_recognised(read_bytes: Reader, inside: bytes) -> None:
    for brand in (b"heic", b"avif"):
        data = box(b"ftyp", brand + bytes(4) + b"mif1" + brand) + box(b"meta", bytes(4) + inside)
        assert read_bytes(data, "photo.heic").gain_map is True
    assert read_bytes(heif(), "photo.heic").gain_map is None


@given(st.binary(max_size=300), st.sampled_from(["jpeg", "heic", "avif", "png"]), st.integers(-10, 400))
def test_no_bytes_raise(data: bytes, name: str, back: int) -> None:
    claims = Claims((back,), (back,))
    has_video(Bytes(data + b"SEFT"), name, claims)
    has_gain_map(Bytes(data), name, claims, (back,))
