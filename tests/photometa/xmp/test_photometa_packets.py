"""Packets as properties."""

from __future__ import annotations

import pytest

from photometa import Alt, Bag, LangAlt, MetadataError, Properties, Seq, Struct
from photometa.xmp.packets import packet, parse

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def parsed(inside: str) -> Properties:
    return parse(
        f'<rdf:RDF xmlns:rdf="{RDF}" xmlns:u="u:"><rdf:Description>{inside}</rdf:Description></rdf:RDF>'.encode()
    )


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("<u:a>text</u:a>", "text"),
        ("<u:a/>", ""),
        ('<u:a rdf:resource="http://x/"/>', "http://x/"),
        ("<u:a><rdf:Bag><rdf:li>1</rdf:li><rdf:li>2</rdf:li></rdf:Bag></u:a>", Bag(["1", "2"])),
        ("<u:a><rdf:Seq/></u:a>", Seq()),
        ("<u:a><rdf:Alt><rdf:li>1</rdf:li></rdf:Alt></u:a>", Alt(["1"])),
        ('<u:a><rdf:Alt><rdf:li xml:lang="X-Default">1</rdf:li></rdf:Alt></u:a>', LangAlt({"x-default": "1"})),
        ('<u:a rdf:parseType="Resource"><u:b>1</u:b></u:a>', Struct({"u:b": "1"})),
        ('<u:a u:b="1"/>', Struct({"u:b": "1"})),
        ('<u:a><rdf:Description u:b="1"><u:c>2</u:c></rdf:Description></u:a>', Struct({"u:b": "1", "u:c": "2"})),
        ('<u:a rdf:parseType="Resource"><rdf:value>1</rdf:value></u:a>', "1"),
        (
            '<u:a rdf:parseType="Resource"><rdf:value>1</rdf:value><u:q>2</u:q></u:a>',
            Struct({"rdf:value": "1", "u:q": "2"}),
        ),
        ('<u:a u:q="2">1</u:a>', Struct({"rdf:value": "1", "u:q": "2"})),
        ('<u:a xml:lang="de">1</u:a>', "1"),
    ],
)
def test_every_notation_of_a_value_is_read(written: str, value: object) -> None:
    assert parsed(written)["u:a"] == value


def test_known_namespaces_get_their_standard_prefix() -> None:
    assert parsed('<t:title xmlns:t="http://purl.org/dc/elements/1.1/">1</t:title>') == {"dc:title": "1"}


def test_a_foreign_namespace_cannot_take_a_standard_prefix() -> None:
    found = parsed(
        '<dc:a xmlns:dc="http://other.example/">1</dc:a><t:a xmlns:t="http://purl.org/dc/elements/1.1/">2</t:a>'
    )
    assert found["dc:a"] == "2"
    (other,) = [name for name in found if name != "dc:a"]
    assert found.namespaces[other.partition(":")[0]] == "http://other.example/"


def test_control_characters_do_not_break_reading() -> None:
    data = packet({"afterframe:a": "x y"}).replace(b"x y", b"x\x01y&#2;")
    assert parse(data)["afterframe:a"] == "x y "


def test_only_the_wanted_properties_are_read() -> None:
    data = packet({"dc:a": "1", "xmp:b": "2"})
    assert parse(data, {"xmp:b"}) == {"xmp:b": "2"}


def test_what_is_no_packet_is_refused() -> None:
    for data in (b"", b"text", b"<rdf:RDF>", b"<x:xmpmeta/>"):
        with pytest.raises(MetadataError) as caught:
            parse(data)
        assert caught.value.code == "malformed"


@pytest.mark.parametrize("name", ["a", "nobody:a", "dc:", "dc:a b", "dc:1"])
def test_a_name_that_xmp_does_not_allow_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        packet({name: "1"})


def test_a_value_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="not an XMP value"):
        packet({"dc:a": 5})  # type: ignore[dict-item]


def test_values_are_frozen_and_compare_by_kind() -> None:
    assert Bag(["a"]) != Seq(["a"])
    assert Bag(["a"]) == ("a",)
    assert len({Bag(["a"]), Seq(["a"]), LangAlt({"de": "a"}), Struct({"dc:a": "a"})}) == 4
    with pytest.raises(TypeError):
        Bag("text")
