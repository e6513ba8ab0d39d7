"""No damage brings photometa down: the short form of fuzz_long.py, and properties of packets."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from fuzz_long import append_clip, attack, clip_seeds, merge_sidecar, packet_seeds, photo_seeds, read_photo
from hypothesis import given, settings
from hypothesis import strategies as st
from photometa_seeds import JPEG, exif_block, photo

import photometa
from photometa import Alt, Bag, LangAlt, MetadataError, Seq, Struct, Value
from photometa.containers.heif import MAX_ITEMS, _content, _Item, _item_locations
from photometa.containers.ifd import open_tiff
from photometa.containers.source import Bytes
from photometa.exif.makernote import _canon_iso
from photometa.xmp.packets import packet, parse
from photometa.xmp.xmp_edit import merge

WRITABLE = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff" + "".join(map(chr, range(32)))),
    max_size=20,
)
NAMES = st.sampled_from(["afterframe:a", "dc:b", "xmp:c", "stRef:d", "Iptc4xmpExt:e"])
LANGUAGES = st.sampled_from(["x-default", "de", "en-US", "fr"])
VALUES: st.SearchStrategy[Value] = st.recursive(
    WRITABLE | st.dictionaries(LANGUAGES, WRITABLE, min_size=1).map(LangAlt),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(Bag),
        st.lists(inner, max_size=3).map(Seq),
        st.lists(inner, max_size=3).map(Alt),
        st.dictionaries(NAMES, inner, min_size=1, max_size=3).map(Struct),
    ),
    max_leaves=8,
)
PROPERTIES = st.dictionaries(NAMES, VALUES, max_size=4)
quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)


@quick
@given(PROPERTIES)
def test_a_packet_reads_back_as_it_was_made(properties: dict[str, Value]) -> None:
    assert parse(packet(properties)) == properties


@quick
@given(PROPERTIES, PROPERTIES, st.sampled_from(["utf-8", "utf-16", "utf-16-be", "utf-8-sig"]))
def test_any_merge_keeps_the_rest_and_is_undone_exactly(
    old: dict[str, Value], new: dict[str, Value], encoding: str
) -> None:
    data = packet(old).decode().encode(encoding)
    merged = merge(data, new)
    assert parse(merged) == {**old, **new}
    added = {name: None for name in new if name not in old}
    unchanged = {name: value for name, value in new.items() if name in old}
    if not unchanged:
        assert merge(merged, added) == data
    assert merge(merged, new) is merged


@quick
@given(st.text(max_size=30))
def test_any_text_can_be_written_without_what_xml_forbids(text: str) -> None:
    read = parse(packet({"afterframe:a": text, "afterframe:b": Bag([text])}))["afterframe:a"]
    assert isinstance(read, str)
    assert len(read) <= len(text)
    if text.isprintable():
        assert read == text


@quick
@given(st.binary(max_size=300))
def test_any_bytes_are_a_packet_or_refused(data: bytes) -> None:
    for candidate in (data, b"<x:xmpmeta " + data, packet({"dc:a": "b"})[:-40] + data):
        with contextlib.suppress(MetadataError):
            parse(candidate)


@quick
@given(st.binary(max_size=400), st.sampled_from([b"II*\0", b"MM\0*"]))
def test_any_bytes_as_exif_leave_the_photo_readable(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, head: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jpg"
    path.write_bytes(photo(JPEG, exif=head + data))
    assert photometa.read(path).width == 30


def test_a_directory_of_65535_entries_is_not_walked_to_its_end() -> None:
    tiff = open_tiff(b"MM\0*\0\0\0\x08\xff\xff" + b"\x01\x00\x00\x03\0\0\0\x01\0\x01\0\0" * 65535)
    assert tiff is not None
    entries, following = tiff.directory(8)
    assert len(entries) == 1
    assert following == 0


def test_a_directory_that_points_to_itself_ends(tmp_path: Path) -> None:
    loop = b"MM\0*\0\0\0\x08\0\x02\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\x88\x25\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\x08"
    (tmp_path / "loop.jpg").write_bytes(photo(JPEG, exif=loop))
    (tmp_path / "loop.tif").write_bytes(loop)
    assert photometa.read(tmp_path / "loop.jpg").width == 30
    assert photometa.read(tmp_path / "loop.tif").format == "tiff"


def test_deep_nesting_is_refused() -> None:
    deep = b"<rdf:RDF>" + b"<a:b>" * 100_000 + b"</a:b>" * 100_000 + b"</rdf:RDF>"
    with pytest.raises(MetadataError, match="within each other"):
        parse(deep)


def test_entities_do_not_explode() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><rdf:RDF>&b;</rdf:RDF>'
    with pytest.raises(MetadataError, match="DOCTYPE"):
        parse(bomb)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_files_are_read_or_refused_quickly_and_stay_unchanged(tmp_path: Path, seed: int) -> None:
    targets = [(read_photo, photo_seeds()), (merge_sidecar, packet_seeds()), (append_clip, clip_seeds())]
    assert list(attack(targets, 600, seed, tmp_path)) == []


# What the long form once found


@pytest.mark.parametrize("focal", [(1, 4_000_000_000), (1, 4_294_967_295), (0, 1), (4_294_967_295, 1)])
@pytest.mark.parametrize("equivalent", [1, 75, 65535])
def test_a_focal_length_next_to_nothing_divides_nothing(
    tmp_path: Path, focal: tuple[int, int], equivalent: int
) -> None:
    path = tmp_path / "tiny.jpg"
    path.write_bytes(photo(JPEG, exif=exif_block(FocalLength=focal, FocalLengthIn35mmFilm=equivalent)))
    read_photo(path)


@pytest.mark.parametrize("code", [14, 15, 0x7FFF, 0x8000, 0xFFFF])
@pytest.mark.parametrize("shot", [[0, 0, 0], [0, 65535, 65535], [0, 512, 1023], [0, 0, 32768], []])
def test_a_canon_sensitivity_beyond_all_numbers_is_none(code: int, shot: list[int]) -> None:
    speed = _canon_iso([0] * 16 + [code], shot)
    assert speed is None or 0 < speed < 1 << 62


def test_a_size_of_nothing_has_no_angle_of_view(tmp_path: Path) -> None:
    data = bytearray(photo(JPEG))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = bytes(4)
    (tmp_path / "none.jpg").write_bytes(data)
    read_photo(tmp_path / "none.jpg")
    assert photometa.read(tmp_path / "none.jpg").width is None


@pytest.mark.parametrize(
    "moment", [b"2024:06:21 12:00:9999999999", b"9999999999999:06:21", b"9999:12:31 23:59:59", b"0001:01:01 00:00:00"]
)
@pytest.mark.parametrize("offset", [b"-12:00", b"+14:00"])
def test_a_time_beyond_the_calendar_is_none(tmp_path: Path, moment: bytes, offset: bytes) -> None:
    path = tmp_path / "time.jpg"
    path.write_bytes(photo(JPEG, exif=exif_block(DateTimeOriginal=moment, OffsetTimeOriginal=offset)))
    read_photo(path)
    taken = photometa.read(path).captured_at
    assert taken is None or 1826 <= taken.year <= 9999


def test_item_locations_that_take_no_bytes_are_not_counted_out() -> None:
    items: dict[int, _Item] = {7: _Item(b"Exif")}
    located = b"\0\0\0\0" + b"\0\0" + b"\xff\xff" + b"\0\x07\0\0\xff\xff" * 65535
    _item_locations(located, items)
    assert set(items[7].extents) == {(0, 0)}
    assert len(items[7].extents) <= MAX_ITEMS


def test_many_pieces_of_the_same_bytes_are_read_up_to_a_limit() -> None:
    item = _Item(b"mime", extents=[(0, 0)] * 5)
    assert len(_content(item, Bytes(b"x" * 100), b"", 250)) == 250


def in_a_packet(inside: bytes) -> bytes:
    return (
        b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
        b"<rdf:Description xmlns:u='http://u/'>" + inside + b"</rdf:Description></rdf:RDF></x:xmpmeta>"
    )


def test_a_text_in_very_many_pieces_is_read_whole() -> None:
    assert parse(in_a_packet(b"<u:a>" + b"a<!---->" * 400_000 + b"</u:a>")) == {"u:a": "a" * 400_000}


def test_very_many_namespaces_of_one_prefix_get_prefixes_of_their_own() -> None:
    found = parse(in_a_packet(b"".join(b"<x:a xmlns:x='u%d/x'/>" % number for number in range(20_000))))
    assert len(found) == 20_000


def test_scopes_that_would_fill_the_memory_are_refused() -> None:
    declared = b"".join(b" xmlns:p%d='u%d'" % (number, number) for number in range(5000))
    with pytest.raises(MetadataError, match="too many namespaces"):
        parse(in_a_packet(b"<u:a" + declared + b">" + b"<u:b xmlns:q='x'/>" * 100_000 + b"</u:a>"))
