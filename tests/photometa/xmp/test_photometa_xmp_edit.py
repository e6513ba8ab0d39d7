"""Lossless merging into packets of every shape."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from lxml import etree

from photometa import Alt, Bag, LangAlt, Properties, Seq, Struct, Value
from photometa.xmp.packets import packet, parse
from photometa.xmp.xmltree import XmlError
from photometa.xmp.xmp_edit import merge

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def wrapped(inside: str, before: str = "", after: str = "") -> str:
    return (
        f'{before}<x:xmpmeta xmlns:x="adobe:ns:meta/">\n <rdf:RDF xmlns:rdf="{RDF}">\n{inside}\n'
        f" </rdf:RDF>\n</x:xmpmeta>{after}"
    )


PLAIN = wrapped('  <rdf:Description rdf:about="" xmlns:u="u:" u:a="1"><u:b>ü</u:b><!--c--></rdf:Description>')
WILD: dict[str, bytes] = {
    "plain": PLAIN.encode(),
    "BOM": b"\xef\xbb\xbf" + PLAIN.encode(),
    "UTF-16 with BOM": PLAIN.encode("utf-16"),
    "UTF-16 big-endian without BOM": PLAIN.encode("utf-16-be"),
    "UTF-16 little-endian without BOM": PLAIN.encode("utf-16-le"),
    "Latin-1": ("<?xml version='1.0' encoding='ISO-8859-1'?>\n" + PLAIN).encode("latin-1"),
    "junk before": b"\x00\x01junk \xff" + PLAIN.encode(),
    "junk after": PLAIN.encode() + b"\x00\x00 <junk &",
    "padding": PLAIN.encode() + b"\n" + b" " * 2000 + b"\n<?xpacket end='w'?>",
    "malformed xpacket after": PLAIN.encode() + b"<?xpacket end",
    "CRLF": PLAIN.replace("\n", "\r\n").encode(),
    "CR": PLAIN.replace("\n", "\r").encode(),
    "one line": PLAIN.replace("\n", "").encode(),
    "no x:xmpmeta": f'<rdf:RDF xmlns:rdf="{RDF}"><rdf:Description xmlns:u="u:" u:a="1"/></rdf:RDF>'.encode(),
    "another RDF prefix": PLAIN.replace("rdf:", "r:").replace("xmlns:rdf", "xmlns:r").encode(),
    "RDF as default namespace": (f'<RDF xmlns="{RDF}">\n <Description xmlns:r="{RDF}" r:about=""/>\n</RDF>').encode(),
    "no Description": wrapped("").encode(),
    "RDF without anything": f'<x:x xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"/></x:x>'.encode(),
    "RDF without anything, spaced": (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n<rdf:RDF xmlns:rdf="{RDF}" />\n</x:xmpmeta>'
    ).encode(),
    "non-empty about": PLAIN.replace('about=""', 'about="uuid:1&amp;&quot;2"').encode(),
    "unqualified about": PLAIN.replace("rdf:about", "about").encode(),
    "about missing": PLAIN.replace(' rdf:about=""', "").encode(),
    "undeclared prefix": PLAIN.replace(' xmlns:u="u:"', "").encode(),
    "attributes with > and quotes": PLAIN.replace(
        'u:a="1"', "u:a='>\"/>'  u:c = \"'<'\"".replace("<", "&lt;")
    ).encode(),
    "many Descriptions": wrapped(
        "".join(f'<rdf:Description rdf:about="" xmlns:n{i}="n{i}:" n{i}:a="1"/>\n' for i in range(10))
    ).encode(),
    "white space before the end": wrapped('<rdf:Description rdf:about="" u:a="1" xmlns:u="u:"/>\n\n   ').encode(),
    "comment at the end": wrapped('<rdf:Description rdf:about="" u:a="1" xmlns:u="u:"/><!-- end --> ').encode(),
    "CDATA": PLAIN.replace("ü", "<![CDATA[</rdf:RDF>]]>").encode(),
}
VALUES: dict[str, Value] = {
    "text": "clip & <b> \"q\" 'a' ü 🎞",
    "lines": "a\nb\r\nc\td",
    "bag": Bag(["a", "b"]),
    "seq": Seq(["a", Struct({"stEvt:action": "created", "afterframe:x": Bag(["deep"])})]),
    "alt": Alt(["a", "b"]),
    "languages": LangAlt({"x-default": "a", "de-AT": "ä"}),
    "structure": Struct({"stRef:filePath": "a.jpg", "stRef:documentID": "xmp.did:1"}),
    "empty text": "",
}


@pytest.fixture(params=WILD.values(), ids=WILD.keys())
def wild(request: pytest.FixtureRequest) -> bytes:
    data: bytes = request.param
    return data


def test_an_inserted_property_reads_back_and_the_rest_stays(wild: bytes) -> None:
    before = parse(wild)
    merged = merge(wild, {"afterframe:clip": "a ü.mp4"})
    assert parse(merged) == {**before, "afterframe:clip": "a ü.mp4"}


def test_all_bytes_around_the_insertion_are_the_original_ones(wild: bytes) -> None:
    merged = merge(wild, {"afterframe:clip": "a.mp4"})
    at = next(i for i, (a, b) in enumerate(zip(wild, merged, strict=False)) if a != b)
    rest = merged[at + len(merged) - len(wild) :]
    if b"RDF/>" in wild or b"/>\n</x" in wild or b'#"/>' in wild:  # an empty RDF has to be opened
        assert wild[:at] == merged[:at]
    else:
        assert merged[:at] + rest == wild


def test_removing_gives_the_original_bytes(wild: bytes) -> None:
    merged = merge(wild, {"afterframe:clip": "a.mp4", "dc:title": LangAlt({"x-default": "t"})})
    assert merge(merged, {"afterframe:clip": None, "dc:title": None}) == wild


def test_merging_twice_is_merging_once(wild: bytes) -> None:
    merged = merge(wild, {"afterframe:clip": "a.mp4"})
    assert merge(merged, {"afterframe:clip": "a.mp4"}) is merged


def test_removing_what_is_not_there_changes_nothing(wild: bytes) -> None:
    assert merge(wild, {"afterframe:clip": None}) is wild


def test_a_present_property_is_replaced_in_place(wild: bytes) -> None:
    first = merge(wild, {"afterframe:clip": "a.mp4"})
    second = merge(first, {"afterframe:clip": "bb.mp4"})
    assert len(second) - len(first) == (2 if b"\0<\0" in first else 1)
    assert parse(second)["afterframe:clip"] == "bb.mp4"


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
def test_every_kind_of_value_can_be_set_changed_and_removed(wild: bytes, value: Value) -> None:
    set_first = merge(wild, {"afterframe:clip": "x", "afterframe:v": value})
    assert parse(set_first)["afterframe:v"] == value
    changed = merge(set_first, {"afterframe:v": Bag(["other"])})
    assert parse(merge(changed, {"afterframe:v": value}))["afterframe:v"] == value
    assert merge(set_first, {"afterframe:v": None, "afterframe:clip": None}) == wild


def test_an_attribute_is_replaced_within_its_quotes() -> None:
    old = (
        PLAIN.replace('u:a="1"', "u:a='1'")
        .replace("xmlns:u", "xmlns:afterframe=\"urn:afterframe:xmp:1.0/\" afterframe:clip = 'old' xmlns:u")
        .encode()
    )
    assert merge(old, {"afterframe:clip": "n'\"<\n"}) == old.replace(b"'old'", b'"n\'&quot;&lt;&#xA;"')
    assert merge(old, {"afterframe:clip": None}) == old.replace(b" afterframe:clip = 'old'", b"")
    assert parse(merge(old, {"afterframe:clip": Bag(["a"])}))["afterframe:clip"] == Bag(["a"])


def test_a_property_under_another_prefix_is_the_same_property() -> None:
    old = (
        PLAIN.replace("xmlns:u", 'xmlns:af="urn:afterframe:xmp:1.0/" xmlns:u')
        .replace("<u:b>", "<af:clip>old</af:clip><u:b>")
        .encode()
    )
    assert merge(old, {"afterframe:clip": "new"}) == old.replace(b">old<", b">new<")


def test_an_empty_element_is_replaced() -> None:
    old = PLAIN.replace("<u:b>", '<af:clip xmlns:af="urn:afterframe:xmp:1.0/"/><u:b>').encode()
    merged = merge(old, {"afterframe:clip": "new"})
    assert parse(merged)["afterframe:clip"] == "new"
    assert parse(merged)["u:b"] == "ü"


def test_a_repeated_property_of_ours_is_refused() -> None:
    one = '<rdf:Description xmlns:af="urn:afterframe:xmp:1.0/" af:clip="1"/>'
    with pytest.raises(XmlError, match="more than once"):
        merge(wrapped(one + one).encode(), {"afterframe:clip": "new"})


def test_a_foreign_namespace_can_be_written_with_its_uri() -> None:
    changes = Properties({"acme:a": "1"}, {"acme": "http://acme.example/"})
    merged = merge(PLAIN.encode(), changes, changes.namespaces)
    assert b'xmlns:acme="http://acme.example/"' in merged
    assert parse(merged)["acme:a"] == "1"
    assert parse(merged).namespaces["acme"] == "http://acme.example/"


def test_merging_into_our_own_packet_and_back() -> None:
    own = packet({"afterframe:clip": "a", "dc:subject": Bag(["x"])})
    merged = merge(own, {"dc:subject": Bag(["y", "z"]), "xmp:Rating": "3"})
    assert parse(merged) == {"afterframe:clip": "a", "dc:subject": Bag(["y", "z"]), "xmp:Rating": "3"}


# The shared sidecars, by readers that are not ours


def clark_model(data: bytes) -> list[str]:
    """Every property with its canonical subtree, by lxml: an independent reading."""
    root = etree.fromstring(data)
    found = []
    for block in root.iter(f"{{{RDF}}}Description"):
        if block.getparent().tag != f"{{{RDF}}}RDF":
            continue
        found += [f"{k}={v}" for k, v in block.attrib.items() if k != f"{{{RDF}}}about"]
        for child in block.iterchildren(tag=etree.Element):
            copy = etree.fromstring(etree.tostring(child, with_tail=False))
            found.append(etree.tostring(copy, method="c14n", exclusive=True).decode())
    return sorted(found)


def test_shared_sidecars_lose_nothing_by_an_independent_reading(shared_sidecars: list[Path]) -> None:
    for path in shared_sidecars:
        data = path.read_bytes()
        merged = merge(data, {"afterframe:clip": "a.mp4"})
        ours = "<afterframe:clip"
        after = clark_model(merged)
        assert [p for p in after if not p.startswith(ours)] == clark_model(data), path.name
        assert len([p for p in after if p.startswith(ours)]) == 1, path.name
        assert merge(merged, {"afterframe:clip": None}) == data, path.name


@pytest.mark.slow
def test_shared_sidecars_lose_nothing_by_exiftool(shared_sidecars: list[Path], tmp_path: Path) -> None:
    exiftool = shutil.which("exiftool")
    if exiftool is None:
        pytest.skip("no exiftool on this machine")
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
    for path in shared_sidecars:
        data = path.read_bytes()
        (tmp_path / "before" / path.name).write_bytes(data)
        (tmp_path / "after" / path.name).write_bytes(merge(data, {"afterframe:clip": "a.mp4"}))
    readings = []
    for name in ("before", "after"):
        command = [exiftool, "-j", "-G1", "-struct", "-XMP:all", "-n", str(tmp_path / name)]
        done = subprocess.run(command, capture_output=True, check=True)
        readings.append({Path(r.pop("SourceFile")).name: r for r in json.loads(done.stdout)})
    before, after = readings
    assert before.keys() == after.keys()
    assert len(before) == len(shared_sidecars)
    for name, reading in after.items():
        assert str(reading.pop("XMP-afterframe:Clip")) == "a.mp4", name
        assert reading == before[name], name
