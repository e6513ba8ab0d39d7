"""From files to facts, in every format."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import piexif
import pytest
from photometa_seeds import JPEG, ascii_field, exif_block, heif, jxl, photo, seeds, tiff_block, xmp_packet
from PIL import Image, ImageCms

import photometa
from photometa import Bag, Facts, LangAlt, MetadataError
from photometa.xmp.packets import packet

SEEDS = seeds()
Reader = Callable[[bytes], Facts]


@pytest.fixture
def read_bytes(tmp_path: Path) -> Reader:
    def read(data: bytes, name: str = "photo.jpg") -> Facts:
        path = tmp_path / name
        path.write_bytes(data)
        return photometa.read(path)

    return read


@pytest.mark.parametrize("name", SEEDS)
def test_every_format_states_the_same_camera_facts(read_bytes: Reader, name: str) -> None:
    facts = read_bytes(SEEDS[name])
    assert facts.format == name
    assert (facts.camera_make, facts.camera_model, facts.lens) == ("Maker", "Model 1", "Test 50mm f/1.8")
    assert (facts.exposure_s, facts.f_number, facts.iso, facts.focal_mm) == (1 / 250, 8, 100, 50)
    assert facts.captured_at == datetime(2024, 6, 21, 12, tzinfo=timezone(timedelta(hours=2)))
    assert facts.latitude == pytest.approx(48 + 12 / 60 + 30 / 3600)
    assert facts.longitude == pytest.approx(16 + 22 / 60)
    assert (facts.altitude_m, facts.direction_deg, facts.subject_distance_m) == (171, 90, 4)
    assert facts.flash_fired is False
    assert (facts.metering, facts.white_balance) == ("pattern", "auto")
    assert facts.creator == "Artist"
    assert facts.sources["exposure_s"] == "EXIF ExposureTime"


@pytest.mark.parametrize("name", [n for n in SEEDS if n != "cr3"])
def test_every_format_states_its_xmp(read_bytes: Reader, name: str) -> None:
    facts = read_bytes(SEEDS[name])
    assert (facts.title, facts.caption, facts.keywords) == ("Title", "Caption", ("one", "two"))
    assert (facts.rating, facts.city) == (4, "Wien")
    assert facts.sources["rating"] == "XMP xmp:Rating"


@pytest.mark.parametrize("kind", [2, 129])
def test_texts_of_exif_3_are_read(read_bytes: Reader, kind: int) -> None:
    texts = {0xA436: "Brücke", 0xA437: "Zoë", 0xA43A: "Développeur 2"}
    exif = tiff_block({}, {tag: ascii_field(text, kind) for tag, text in texts.items()}, {})
    facts = read_bytes(photo(JPEG, exif, packet({"dc:format": "image/jpeg"})))
    assert (facts.title, facts.creator, facts.software) == ("Brücke", "Zoë", "Développeur 2")
    assert facts.sources["title"] == "EXIF ImageTitle"


def test_make_and_model_in_the_exif_directory_are_read_after_those_in_their_own(read_bytes: Reader) -> None:
    strayed = {0x010F: ascii_field("Maker"), 0x0110: ascii_field("Model 2"), 0x013B: ascii_field("Artist")}
    bare = packet({"dc:format": "image/jpeg"})
    facts = read_bytes(photo(JPEG, tiff_block({}, strayed, {}), bare))
    assert (facts.camera_make, facts.camera_model, facts.creator) == ("Maker", "Model 2", "Artist")
    both = tiff_block({0x0110: ascii_field("Model 1")}, strayed, {})
    assert read_bytes(photo(JPEG, both, bare)).camera_model == "Model 1"


def test_an_orientation_in_the_exif_directory_turns_no_picture(read_bytes: Reader) -> None:
    exif = tiff_block({}, {0x0112: (3, 1, b"\0\6")}, {})
    assert read_bytes(photo(JPEG, exif, packet({"dc:format": "image/jpeg"}))).orientation is None


@pytest.mark.parametrize(
    ("written", "rating"), [("0", None), ("0.0", None), ("-1", -1), ("-1.0", -1), ("5", 5), ("3.0", 3), ("6", None)]
)
def test_no_stars_are_no_rating_and_minus_one_is_rejected(read_bytes: Reader, written: str, rating: int | None) -> None:
    facts = read_bytes(photo(JPEG, xmp=packet({"xmp:Rating": written})))
    assert facts.rating == rating
    assert ("rating" in facts.sources) == (rating is not None)


@pytest.mark.parametrize(("written", "rating"), [(0, None), (1, 1), (5, 5), (6, None)])
def test_exifs_rating_counts_where_xmp_has_none(read_bytes: Reader, written: int, rating: int | None) -> None:
    exif = piexif.dump({"0th": {piexif.ImageIFD.Rating: written}})[6:]
    assert read_bytes(photo(JPEG, exif, packet({"dc:format": "image/jpeg"}))).rating == rating


def test_stars_that_were_taken_away_in_the_sidecar_are_gone(tmp_path: Path) -> None:
    assert with_sidecar(tmp_path, "IMG.jpg.xmp", xmp_Rating="0").rating is None


@pytest.mark.parametrize(
    ("name", "size", "orientation"),
    [
        ("jpeg", (30, 20), 6),
        ("png", (30, 20), 6),
        ("webp", (30, 20), 6),
        ("tiff", (30, 20), 6),
        ("heic", (30, 20), 8),
        ("jxl", (32, 24), 6),
        ("raf", (6000, 4000), 6),
        ("avif", (30, 20), None),
    ],
)
def test_size_and_orientation(read_bytes: Reader, name: str, size: tuple[int, int], orientation: int | None) -> None:
    if name not in SEEDS:
        pytest.skip(f"this Pillow writes no {name}")
    facts = read_bytes(SEEDS[name])
    assert (facts.width, facts.height) == size
    if orientation is not None:
        assert facts.orientation == orientation


@pytest.mark.parametrize(
    ("turn", "mirror", "orientation"),
    [(None, None, 1), (1, None, 8), (2, None, 3), (3, None, 6), (None, 0, 4), (None, 1, 2)],
)
def test_heif_turns_by_its_own_properties_not_by_exif(
    read_bytes: Reader, turn: int | None, mirror: int | None, orientation: int
) -> None:
    assert read_bytes(heif(turn=turn, mirror=mirror)).orientation == orientation


def test_what_follows_from_the_facts(read_bytes: Reader) -> None:
    facts = read_bytes(SEEDS["jpeg"])
    assert facts.ev100 == pytest.approx(13.97, abs=0.01)
    assert facts.field_of_view_deg == pytest.approx(27, abs=0.1)
    assert facts.hyperfocal_m == pytest.approx(15.7, abs=0.1)
    assert facts.depth_of_field == "medium"
    assert facts.sun_elevation_deg == pytest.approx(62.8, abs=0.1)
    assert (facts.time_of_day, facts.time_of_day_source) == ("midday", "sun")
    assert facts.utc_offset_source == "EXIF OffsetTimeOriginal"
    assert facts.contradictions == ()


def test_facts_as_json_are_plain_values(read_bytes: Reader) -> None:
    data = read_bytes(SEEDS["jpeg"]).to_dict()
    assert data["captured_at"] == "2024-06-21T12:00:00+02:00"
    assert data["keywords"] == ["one", "two"]


def test_a_vendor_segment_before_exif_does_not_hide_it(read_bytes: Reader) -> None:
    data = SEEDS["jpeg"]
    vendor = b"\xff\xe5\xff\xf0" + b"HUAWEI" * 10913 + b"\0\0"
    segment = b"\xff\xe5" + (60_002).to_bytes(2, "big") + b"v" * 60_000
    assert len(vendor) > 60_000
    assert read_bytes(data[:2] + segment + segment + data[2:]).camera_make == "Maker"


def test_exif_spread_over_two_segments_is_put_together(read_bytes: Reader) -> None:
    block = exif_block(UserComment=b"x" * 500)
    half = len(block) // 2
    parts = [block[:half], block[half:]]
    segments = b"".join(b"\xff\xe1" + (len(p) + 8).to_bytes(2, "big") + b"Exif\0\0" + p for p in parts)
    plain = photo(JPEG, exif=b"", xmp=b"")
    assert read_bytes(plain[:2] + segments + plain[2:]).camera_model == "Model 1"


def test_extended_xmp_is_read_with_the_main_packet(read_bytes: Reader) -> None:
    guid = b"0123456789ABCDEF0123456789ABCDEF"
    main = packet({"xmp:Rating": "2", "xmpNote:HasExtendedXMP": guid.decode()})
    extended = packet({"dc:title": LangAlt({"x-default": "Long"}), "xmp:Rating": "5"})
    segments = b""
    for at in range(0, len(extended), 150):
        body = guid + len(extended).to_bytes(4, "big") + at.to_bytes(4, "big") + extended[at : at + 150]
        payload = b"http://ns.adobe.com/xmp/extension/\0" + body
        segments = b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload + segments
    data = photo(JPEG, xmp=main)
    facts = read_bytes(data[:2] + segments + data[2:])
    assert (facts.title, facts.rating) == ("Long", 2)


def test_the_icc_profile_names_the_colours(read_bytes: Reader) -> None:
    out = io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGB", (4, 4)).save(out, JPEG, icc_profile=profile)
    facts = read_bytes(out.getvalue())
    assert facts.colour_profile == "sRGB built-in"
    assert facts.sources["colour_profile"] == "ICC profile description"


def iptc(*datasets: tuple[int, bytes]) -> bytes:
    records = b"\x1c\x01\x5a\x00\x03\x1b%G"
    for number, value in datasets:
        records += bytes([0x1C, 2, number]) + len(value).to_bytes(2, "big") + value
    resource = b"8BIM\x04\x04\0\0" + len(records).to_bytes(4, "big") + records + b"\0" * (len(records) % 2)
    payload = b"Photoshop 3.0\0" + resource
    return b"\xff\xed" + (len(payload) + 2).to_bytes(2, "big") + payload


def test_iptc_counts_where_xmp_is_silent(read_bytes: Reader) -> None:
    segment = iptc((5, b"IPTC title"), (25, b"a"), (25, "ü".encode()), (92, b"Prater"), (120, b"Text"))
    data = photo(JPEG, xmp=packet({"dc:title": LangAlt({"x-default": "XMP title"})}))
    facts = read_bytes(data[:2] + segment + data[2:])
    assert (facts.title, facts.caption, facts.keywords) == ("XMP title", "Text", ("a", "ü"))
    assert facts.sublocation == "Prater"
    assert facts.sources["keywords"] == "IPTC Keywords"


# Own sidecars


def with_sidecar(folder: Path, name: str, **properties: object) -> Facts:
    (folder / "IMG.jpg").write_bytes(SEEDS["jpeg"])
    named = {key.replace("_", ":", 1): value for key, value in properties.items()}
    (folder / name).write_bytes(packet(named))  # type: ignore[arg-type]
    return photometa.read(folder / "IMG.jpg")


@pytest.mark.parametrize("name", ["IMG.jpg.xmp", "IMG.xmp"])
def test_the_photographers_later_word_counts(tmp_path: Path, name: str) -> None:
    facts = with_sidecar(tmp_path, name, xmp_Rating="1", dc_subject=Bag(["new"]), exif_FNumber="4/1")
    assert (facts.rating, facts.keywords, facts.title) == (1, ("new",), "Title")
    assert facts.f_number == 8
    assert facts.sources["rating"] == f"{name} xmp:Rating"


def test_only_the_first_sidecar_is_read(tmp_path: Path) -> None:
    (tmp_path / "IMG.xmp").write_bytes(packet({"xmp:Rating": "5"}))
    assert with_sidecar(tmp_path, "IMG.jpg.xmp", xmp_Rating="1").rating == 1


def test_a_sidecar_of_the_raw_beside_it_is_not_the_photos(tmp_path: Path) -> None:
    facts = with_sidecar(tmp_path, "IMG.xmp", xmp_Rating="1", photoshop_SidecarForExtension="CR2")
    assert facts.rating == 4


def test_a_position_is_taken_whole_from_one_statement(tmp_path: Path) -> None:
    facts = with_sidecar(tmp_path, "IMG.xmp", exif_GPSLatitude="10,30.0S", exif_GPSLongitude="20,15,0W")
    assert (facts.latitude, facts.longitude, facts.altitude_m) == (-10.5, -20.25, None)


def test_a_half_written_sidecar_does_not_hide_the_photo(tmp_path: Path) -> None:
    (tmp_path / "IMG.jpg").write_bytes(SEEDS["jpeg"])
    (tmp_path / "IMG.xmp").write_bytes(packet({"xmp:Rating": "1"})[:200])
    assert photometa.read(tmp_path / "IMG.jpg").rating == 4


# Bad files


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"text named .jpg", "unknown_format"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "unknown_format"),
        (b"\0\0\0\x18ftypheic\0\0\0\0heicmif1\0\0\0\x03meta", "unknown_format"),
        (b"GIF89a", "unknown_format"),
    ],
)
def test_what_is_no_photo_is_refused_by_name_and_with_a_remedy(tmp_path: Path, data: bytes, code: str) -> None:
    path = tmp_path / "bad 'name' ü.jpg"
    path.write_bytes(data)
    with pytest.raises(MetadataError) as caught:
        photometa.read(path)
    assert path.name in caught.value.message
    assert caught.value.hint
    assert caught.value.code == code


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "gone.jpg", "missing"), (tmp_path, "not_a_file")):
        with pytest.raises(MetadataError) as caught:
            photometa.read(path)
        assert caught.value.code == code


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(MetadataError) as caught:
        photometa.read(tmp_path / "pipe.jpg")
    assert caught.value.code == "not_a_file"


@pytest.mark.parametrize("name", SEEDS)
def test_a_truncated_photo_gives_what_can_be_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "cut"
    for cut in range(1, len(SEEDS[name]), max(1, len(SEEDS[name]) // 40)):
        path.write_bytes(SEEDS[name][:cut])
        assert str(path) in refusal(path)


def refusal(path: Path) -> str:
    """The words of a refusal; the path where there is none."""
    try:
        photometa.read(path)
    except MetadataError as error:
        return error.message
    return str(path)


def test_texts_beyond_ascii_are_utf_8_or_else_windows_1252(read_bytes: Reader) -> None:
    assert read_bytes(photo(JPEG, exif=exif_block(LensModel="Jürgens Linse".encode()))).lens == "Jürgens Linse"
    assert read_bytes(photo(JPEG, exif=exif_block(LensModel="Jürgens Linse".encode("cp1252")))).lens == "Jürgens Linse"


def test_damaged_exif_in_a_good_file_leaves_the_rest(read_bytes: Reader) -> None:
    block = bytearray(exif_block())
    block[8:10] = b"\xff\xff"
    facts = read_bytes(photo(JPEG, exif=bytes(block)))
    assert (facts.width, facts.title) == (30, "Title")


def test_senseless_values_are_left_out(read_bytes: Reader) -> None:
    block = exif_block(ExposureTime=(1, 0), FNumber=(0, 1), ISOSpeedRatings=0, DateTimeOriginal=b"0000:00:00 00:00:00")
    facts = read_bytes(photo(JPEG, exif=block))
    assert (facts.exposure_s, facts.f_number, facts.iso, facts.captured_at) == (None,) * 4
    assert facts.ev100 is None


def test_no_error_survives_a_process_border_without_its_words() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(MetadataError("what", "remedy", "code")))
    assert (error.message, error.hint, error.code) == ("what", "remedy", "code")


def test_importing_photometa_loads_no_parser() -> None:
    code = (
        "import sys, photometa; "
        "heavy = {'exifread', 'PIL', 'lxml', 'astral', 'tzfpy', 'filelock', 'numpy', 'logging'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_photometa_works_without_posix_modules(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(SEEDS["jpeg"])
    code = (
        "import sys, os\n"
        "for name in ('fcntl', 'resource', 'pwd', 'grp'): sys.modules[name] = None\n"
        "for name in ('fork', 'listxattr', 'getuid'): delattr(os, name) if hasattr(os, name) else None\n"
        "import photometa\n"
        "assert photometa.read(sys.argv[1]).iso == 100\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.jpg")], check=True)


def test_the_seeds_are_what_their_library_reads() -> None:
    assert piexif.load(SEEDS["jpeg"])["0th"][piexif.ImageIFD.Make] == b"Maker"
    assert jxl().startswith(b"\0\0\0\x0cJXL ")
    assert xmp_packet().startswith(b"<?xpacket")
