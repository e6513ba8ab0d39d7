"""Keywords and people, from wherever a program keeps them."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import piexif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import photometa
from photometa import Bag, Facts, LangAlt, Seq, Struct, Value
from photometa.facts.faces import FaceRegion, face_region
from photometa.facts.keywords import joined, leaf, without_doubles
from photometa.xmp.packets import packet

Written = Callable[..., Facts]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """The facts of a photo of 400 x 300 pixels with these properties."""

    def read(properties: dict[str, Value] | None = None, iptc: tuple[str, ...] = (), orientation: int = 1) -> Facts:
        out = io.BytesIO()
        exif = piexif.dump({"0th": {piexif.ImageIFD.Orientation: orientation}})
        Image.new("RGB", (400, 300)).save(out, "JPEG", exif=exif, xmp=packet(properties or {"dc:format": "image/jpeg"}))
        data = out.getvalue()
        path = tmp_path / "photo.jpg"
        path.write_bytes(data[:2] + iptc_keywords(iptc) + data[2:])
        return photometa.read(path)

    return read


def iptc_keywords(words: tuple[str, ...]) -> bytes:
    data = b"".join(struct.pack(">BBBH", 0x1C, 2, 25, len(word.encode())) + word.encode() for word in words)
    payload = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(data)) + data + b"\0" * (len(data) % 2)
    return b"\xff\xed" + struct.pack(">H", len(payload) + 2) + payload if words else b""


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"dc:subject": Bag(["Waterfall", "Iceland"])}, ("Waterfall", "Iceland")),
        ({"dc:subject": Seq(["Waterfall"])}, ("Waterfall",)),
        ({"dc:subject": "Waterfall"}, ("Waterfall",)),
        ({"dc:subject": "Waterfall; Reykjavík, Iceland"}, ("Waterfall", "Reykjavík, Iceland")),
        ({"dc:subject": "Waterfall, Iceland"}, ("Waterfall", "Iceland")),
        ({"dc:subject": LangAlt({"x-default": "Waterfall"})}, ("Waterfall",)),
        ({"dc:subject": Bag([Struct({"rdf:value": "Waterfall", "xmpidq:Scheme": "own"})])}, ("Waterfall",)),
        ({"lr:hierarchicalSubject": Bag(["Trips|2024|Waterfall"])}, ("Waterfall",)),
        ({"lr:hierarchicalSubject": "Trips|2024|Waterfall"}, ("Waterfall",)),
        ({"lr:hierarchicalSubject": Bag(["Waterfall", "Trips | Iceland |"])}, ("Waterfall", "Iceland")),
        ({"digiKam:TagsList": Seq(["Nature/Waterfall", "Sport/Surfing"])}, ("Waterfall", "Surfing")),
        ({"digiKam:TagsList": Seq(["_Digikam_Internal_Tags_/Color Label Red", "Surfing"])}, ("Surfing",)),
        ({"lr:hierarchicalSubject": Bag(["darktable|format|jpg", "Nature|Fog"])}, ("Fog",)),
        ({"MicrosoftPhoto:LastKeywordXMP": Bag(["Places/Iceland/Waterfall"])}, ("Waterfall",)),
        ({"mediapro:CatalogSets": Bag(["Places|Iceland"])}, ("Iceland",)),
        (
            {"dc:subject": Bag(["waterfall"]), "lr:hierarchicalSubject": Bag(["Nature|Waterfall", "Nature|Fog"])},
            ("waterfall", "Fog"),
        ),
    ],
)
def test_keywords_come_from_all_usual_places_each_once(
    written: Written, properties: dict[str, Value], expected: tuple[str, ...]
) -> None:
    facts = written(properties)
    assert facts.keywords == expected
    assert all(name in facts.sources["keywords"] for name in properties)


def test_keywords_in_xmp_and_iptc_are_joined(written: Written) -> None:
    long = "A keyword of more than sixty-four bytes, which IPTC cannot hold as a whole"
    facts = written({"dc:subject": Bag(["Fog", long])}, ("fog", "Iceland", long[:64]))
    assert facts.keywords == ("Fog", long, "Iceland")
    assert facts.sources["keywords"] == "XMP dc:subject, IPTC Keywords"
    assert written(iptc=("Fog", "fog", "Iceland")).keywords == ("Fog", "Iceland")


def test_keywords_of_the_sidecar_are_all_there_are(written: Written, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg.xmp").write_bytes(packet({"digiKam:TagsList": Seq(["Nature/Moss"])}))
    assert written({"dc:subject": Bag(["Fog"])}, ("Iceland",)).keywords == ("Moss",)


def face(name: str | None, *where: str, kind: str = "Face", unit: str = "normalized") -> Struct:
    numbers = {f"stArea:{axis}": number for axis, number in zip("xywh", where, strict=True)}
    area = Struct({**numbers, "stArea:unit": unit})
    named: dict[str, Value] = {"mwg-rs:Name": name} if name else {}
    return Struct({"mwg-rs:Area": area, "mwg-rs:Type": kind, **named})


def regions(*faces: Struct, applied_to: tuple[int, int] | None = (400, 300)) -> dict[str, Value]:
    fields: dict[str, Value] = {"mwg-rs:RegionList": Bag(faces)}
    if applied_to:
        size = {"stDim:w": str(applied_to[0]), "stDim:h": str(applied_to[1]), "stDim:unit": "pixel"}
        fields["mwg-rs:AppliedToDimensions"] = Struct(size)
    return {"mwg-rs:Regions": Struct(fields)}


def test_persons_come_from_iptc_and_from_named_faces_each_once(written: Written) -> None:
    marked = regions(face("Anna", "0.5", "0.5", "0.1", "0.1"), face(None, "0.2", "0.2", "0.1", "0.1"))
    facts = written({"Iptc4xmpExt:PersonInImage": Bag(["Bo", "anna"]), **marked})
    assert facts.persons == ("Bo", "anna")
    assert facts.sources["persons"] == "XMP Iptc4xmpExt:PersonInImage, mwg-rs:Regions"
    assert facts.to_dict()["persons"] == ["Bo", "anna"]
    assert len(facts.face_regions) == 2


def test_pets_focus_points_and_codes_are_no_persons(written: Written) -> None:
    others = [face("Rex", "0.5", "0.5", "0.1", "0.1", kind=kind) for kind in ("Pet", "Focus", "BarCode", "")]
    facts = written(regions(*others))
    assert (facts.persons, facts.face_regions) == ((), ())


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, (0.1, 0.1, 0.2, 0.4)),
        (2, (0.7, 0.1, 0.2, 0.4)),
        (3, (0.7, 0.5, 0.2, 0.4)),
        (4, (0.1, 0.5, 0.2, 0.4)),
        (5, (0.1, 0.1, 0.4, 0.2)),
        (6, (0.5, 0.1, 0.4, 0.2)),
        (7, (0.5, 0.7, 0.4, 0.2)),
        (8, (0.1, 0.7, 0.4, 0.2)),
    ],
)
def test_a_face_is_where_it_is_in_the_upright_picture(
    written: Written, orientation: int, expected: tuple[float, ...]
) -> None:
    (found,) = written(regions(face("Anna", "0.2", "0.3", "0.2", "0.4")), orientation=orientation).face_regions
    assert (found.x, found.y, found.width, found.height) == pytest.approx(expected)


def test_a_face_that_was_marked_in_the_turned_picture_is_not_turned_again(written: Written) -> None:
    marked = regions(face("Anna", "0.2", "0.3", "0.2", "0.4"), applied_to=(300, 400))
    assert written(marked, orientation=6).face_regions == (FaceRegion(0.1, 0.1, 0.2, 0.4, "Anna"),)


def test_faces_of_a_picture_that_was_cropped_since_are_not_believed(written: Written) -> None:
    facts = written(regions(face("Anna", "0.2", "0.3", "0.2", "0.4"), applied_to=(900, 300)))
    assert (facts.persons, facts.face_regions) == (("Anna",), ())


def test_a_face_in_pixels_and_one_at_the_edge_are_read(written: Written) -> None:
    marked = regions(
        face("Anna", "200", "150", "40", "60", unit="pixel"),
        face("Bo", "0", "0.5", "0.4", "0.2"),
        face("Out", "3", "3", "0.1", "0.1"),
        face("Bad", "nan", "x", "0.1", "0.1"),
    )
    anna, bo = written(marked).face_regions
    assert anna == FaceRegion(0.45, 0.4, 0.1, 0.2, "Anna")
    assert bo == FaceRegion(0.0, 0.4, 0.2, 0.2, "Bo")


@given(st.lists(st.text(max_size=8), max_size=8), st.lists(st.text(max_size=8), max_size=8))
def test_no_keyword_is_lost_and_none_comes_twice(first: list[str], second: list[str]) -> None:
    words = joined(without_doubles(first), without_doubles(second))
    folded = [word.casefold() for word in words]
    assert sorted(folded) == sorted({word.casefold() for word in (*first, *second) if word})


@given(st.text(max_size=30), st.sampled_from("|/"))
def test_a_leaf_is_a_part_of_its_path_or_nothing(path: str, separator: str) -> None:
    found = leaf(path, separator)
    assert found is None or (found in path and separator not in found and found.strip())


@given(*(st.tuples(st.floats(), st.floats()),) * 2)
def test_a_face_region_is_inside_the_picture(centre: tuple[float, float], size: tuple[float, float]) -> None:
    found = face_region(centre, size, None)
    if found is not None:
        assert 0 <= found.x <= found.x + found.width <= 1.000001
        assert 0 <= found.y <= found.y + found.height <= 1.000001
