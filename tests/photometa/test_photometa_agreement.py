"""Agreement with exiftool and exiv2, where this machine has them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from imageio_ffmpeg import get_ffmpeg_exe
from photometa_raws import raws
from photometa_seeds import seeds
from photometa_witnesses import (
    IPTC_2025,
    RATED_BY_EXIV2,
    READ_BY_EXIV2,
    exiftool_json,
    exiftool_writes,
    exiftools,
    exiv2_says,
)

import photometa
from photometa import Bag, Facts, LangAlt, Seq, Struct, Value
from photometa.containers.mp4 import append_xmp, read_xmp
from photometa.xmp.packets import packet, parse

RAWS = raws()
CLIP: dict[str, Value] = {
    "xmpMM:DocumentID": "xmp.did:1",
    "xmpMM:InstanceID": "xmp.iid:2",
    "xmpMM:DerivedFrom": Struct({"stRef:filePath": "DSC 0042.jpg", "stRef:documentID": "xmp.did:0"}),
    "xmpMM:Ingredients": Bag([Struct({"stRef:filePath": "DSC 0042.jpg", "stRef:instanceID": "xmp.iid:0"})]),
    "xmpMM:History": Seq([Struct({"stEvt:action": "created", "stEvt:when": "2026-11-22T17:00:00+01:00"})]),
    "dc:source": "DSC 0042.jpg",
    "dc:relation": Bag(["DSC 0042.jpg"]),
    "dc:format": "video/mp4",
    "dc:title": LangAlt({"x-default": "Näher & <näher>"}),
    "photoshop:SidecarForExtension": "MP4",
    "xmpDM:duration": Struct({"xmpDM:value": "4000", "xmpDM:scale": "1/1000"}),
    "xmpDM:videoFrameRate": "24.000000",
    "xmpDM:videoFrameSize": Struct({"stDim:w": "1280", "stDim:h": "720", "stDim:unit": "pixel"}),
    "Iptc4xmpExt:DigitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced",
    "Iptc4xmpExt:AISystemUsed": "Wan2.2-TI2V",
    "Iptc4xmpExt:AISystemVersionUsed": "5B",
    "Iptc4xmpExt:AIPromptInformation": "waves roll in; keep the rocks still",
    "Iptc4xmpExt:AIPromptWriterName": "Ann Author",
    "afterframe:recipe": '{"prompt": "a \\"quoted\\" word", "seed": 7}',
    "afterframe:verdict": "approved",
}


@pytest.fixture
def exiftool() -> list[str]:
    return [shutil.which("exiftool") or pytest.skip("no exiftool on this machine")]


@pytest.fixture(params=exiftools() or [""])
def each_exiftool(request: pytest.FixtureRequest) -> list[str]:
    return exiftools().get(request.param) or pytest.skip("no exiftool on this machine")


@pytest.fixture
def exiv2() -> str:
    return shutil.which("exiv2") or pytest.skip("no exiv2 on this machine")


TAGS = {
    "DateTimeOriginal": lambda f: f.captured_at and f.captured_at.strftime("%Y:%m:%d %H:%M:%S"),
    "ExposureTime": lambda f: f.exposure_s,
    "FNumber": lambda f: f.f_number,
    "ISO": lambda f: f.iso,
    "FocalLength": lambda f: f.focal_mm,
    "GPSLatitude": lambda f: f.latitude,
    "GPSLongitude": lambda f: f.longitude,
    "Orientation": lambda f: f.orientation,
    "ImageWidth": lambda f: f.width,
    "ImageHeight": lambda f: f.height,
}
EXPLAINED = {
    # Kodak's maker note has finer values than Exif; exiftool shows those.
    ("kodak-dx4900-zoom.jpg", "ExposureTime"),
    ("kodak-dx4900-zoom.jpg", "FNumber"),
    ("kodak-dx4900-zoom.jpg", "ISO"),
    # Nikon's ISO tag is a pair of numbers; exiftool shows the pair, the second is the sensitivity.
    ("nikon-d100.jpg", "ISO"),
    ("nikon-e5700.jpg", "ISO"),
}


def agrees(ours: object, theirs: object) -> bool:
    if isinstance(ours, (int, float)) and isinstance(theirs, (int, float)):
        return ours == pytest.approx(theirs, rel=1e-4)
    return ours == theirs


@pytest.mark.slow
def test_shared_photos_read_as_exiftool_reads_them(shared_photos: list[Path], exiftool: list[str]) -> None:
    readings = exiftool_json(exiftool, *(f"-{tag}" for tag in TAGS), *shared_photos)
    differing = set()
    for path, reading in zip(shared_photos, readings, strict=True):
        facts = photometa.read(path)
        for tag, ours in TAGS.items():
            if not agrees(ours(facts), reading.get(tag)):
                differing.add((path.name, tag))
    assert differing == EXPLAINED & {(path.name, tag) for path in shared_photos for tag in TAGS}


def lens_words(text: object) -> list[float]:
    words = str(text).replace("mm", " ").replace("-", " ").replace("f/", " ").split()
    return [float(word) for word in words if word.replace(".", "").isdigit()]


@pytest.mark.slow
def test_shared_photos_have_the_lens_that_exiftool_finds(shared_photos: list[Path], exiftool: list[str]) -> None:
    done = subprocess.run(
        [*exiftool, "-j", "-LensModel", "-Lens", *map(str, shared_photos)], capture_output=True, check=True
    )
    for path, reading in zip(shared_photos, json.loads(done.stdout), strict=True):
        theirs = reading.get("LensModel") or reading.get("Lens")
        ours = photometa.read(path).lens
        if theirs is not None and str(theirs).isprintable() and "\ufffd" not in str(theirs):
            if ours != theirs:  # a range of focal lengths, written in another form
                assert lens_words(ours) == pytest.approx(lens_words(theirs), abs=0.051), path.name
        else:
            assert ours is None, path.name


@pytest.mark.parametrize("name", RAWS)
def test_made_raw_files_are_what_exiftool_takes_them_for(tmp_path: Path, exiftool: list[str], name: str) -> None:
    path = tmp_path / f"photo.{name}"
    path.write_bytes(RAWS[name])
    (reading,) = exiftool_json(exiftool, "-FileType", *(f"-{tag}" for tag in TAGS), path)
    assert reading["FileType"].lower() == name
    facts = photometa.read(path)
    for tag, ours in TAGS.items():
        if name != "dng" or not tag.startswith("Image"):  # our size is the cropped one, which programs show
            assert agrees(ours(facts), reading.get(tag)), tag


@pytest.mark.parametrize("name", [n for n in seeds() if n not in ("cr3", "raf", "jxl")])
def test_every_format_reads_as_exiftool_reads_it(tmp_path: Path, exiftool: list[str], name: str) -> None:
    path = tmp_path / f"photo.{name}"
    path.write_bytes(seeds()[name])
    (reading,) = exiftool_json(exiftool, *(f"-{tag}" for tag in TAGS), path)
    facts: Facts = photometa.read(path)
    for tag, ours in TAGS.items():
        if (name, tag) not in (("heic", "Orientation"), ("avif", "Orientation")):  # irot overrides Exif
            assert agrees(ours(facts), reading.get(tag)), tag


# Our sidecars and clips in other programs' hands


@pytest.fixture
def sidecar(tmp_path: Path) -> Path:
    path = tmp_path / "DSC_0042_motion.mp4.xmp"
    photometa.write_sidecar(path, CLIP)
    return path


def test_exiftool_reads_our_sidecar_without_a_warning(sidecar: Path, each_exiftool: list[str]) -> None:
    (reading,) = exiftool_json(each_exiftool, "-struct", "-G1", "-XMP:all", "-Warning", "-validate", sidecar)
    assert reading["ExifTool:Validate"] == "0 0 0"
    assert reading["XMP-xmpMM:DerivedFrom"] == {"DocumentID": "xmp.did:0", "FilePath": "DSC 0042.jpg"}
    assert reading["XMP-xmpMM:History"][0]["Action"] == "created"
    assert reading["XMP-dc:Title"] == "Näher & <näher>"
    assert reading["XMP-iptcExt:DigitalSourceType"].endswith("algorithmicallyEnhanced")
    assert reading["XMP-afterframe:Verdict"] == "approved"
    assert json.loads(reading["XMP-afterframe:Recipe"])["seed"] == 7


def test_exiftool_reads_who_and_what_made_the_clip(sidecar: Path, each_exiftool: list[str]) -> None:
    (reading,) = exiftool_json(each_exiftool, "-G1", "-XMP-iptcExt:all", sidecar)
    for name in ("AISystemUsed", "AISystemVersionUsed", "AIPromptInformation", "AIPromptWriterName"):
        assert str(reading[f"XMP-iptcExt:{name}"]) == CLIP[f"Iptc4xmpExt:{name}"]


def test_exiftool_writes_the_same_ai_properties(sidecar: Path, each_exiftool: list[str], tmp_path: Path) -> None:
    told = tmp_path / "iptc-2025.config"
    told.write_text(IPTC_2025, "ascii")
    version = subprocess.run([*each_exiftool, "-ver"], capture_output=True, check=True, text=True).stdout
    knows = tuple(int(part) for part in version.strip().split(".")) >= (13, 40)
    exiftool = each_exiftool if knows else [*each_exiftool, "-config", str(told)]
    changed = {
        "AISystemUsed": "LTX",
        "AISystemVersionUsed": "2.3",
        "AIPromptInformation": "é",
        "AIPromptWriterName": "B",
    }
    exiftool_writes(exiftool, sidecar, *(f"-XMP-iptcExt:{name}={value}" for name, value in changed.items()))
    ours = {f"Iptc4xmpExt:{name}": value for name, value in changed.items()}
    assert photometa.read_sidecar(sidecar) == {**CLIP, **ours}


def test_our_sidecar_survives_a_rewrite_by_exiftool(sidecar: Path, each_exiftool: list[str]) -> None:
    exiftool_writes(each_exiftool, sidecar, "-XMP-xmp:Rating=4")
    assert photometa.read_sidecar(sidecar) == {**CLIP, "xmp:Rating": "4"}


def test_our_sidecar_survives_a_rewrite_by_exiv2(sidecar: Path, exiv2: str) -> None:
    done = subprocess.run(
        [exiv2, "-M", "set Xmp.xmp.Rating 4", str(sidecar)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert photometa.read_sidecar(sidecar) == {**CLIP, "xmp:Rating": "4"}


def test_our_sidecar_survives_a_rewrite_by_todays_libexiv2(sidecar: Path) -> None:
    exiv2_says(RATED_BY_EXIV2, sidecar)
    assert photometa.read_sidecar(sidecar) == {**CLIP, "xmp:Rating": "4"}


def test_a_merge_after_their_rewrites_keeps_everything(sidecar: Path, each_exiftool: list[str], exiv2: str) -> None:
    exiftool_writes(each_exiftool, sidecar, "-XMP-xmp:Rating=4")
    subprocess.run([exiv2, "-M", "set Xmp.dc.creator me", str(sidecar)], check=True, capture_output=True)
    exiv2_says(RATED_BY_EXIV2, sidecar)
    before = photometa.read_sidecar(sidecar)
    photometa.write_sidecar(sidecar, {"afterframe:verdict": "rejected"})
    assert photometa.read_sidecar(sidecar) == {**before, "afterframe:verdict": "rejected"}


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    source = ["-f", "lavfi", "-i", "testsrc=size=64x48:duration=0.1", "-pix_fmt", "yuv420p"]
    ffmpeg = [get_ffmpeg_exe(), "-v", "error", *source, "-movflags", "+faststart", str(path)]
    subprocess.run(ffmpeg, check=True, stdin=subprocess.DEVNULL)
    append_xmp(path, packet(CLIP))
    return path


def test_exiftool_reads_the_xmp_in_our_clip(clip: Path, each_exiftool: list[str]) -> None:
    (reading,) = exiftool_json(each_exiftool, "-G1", "-XMP:all", "-Warning", "-Error", "-validate", clip)
    assert reading["ExifTool:Validate"] == "0 0 0"
    assert reading["XMP-afterframe:Verdict"] == "approved"
    assert not [key for key in reading if key.endswith((":Warning", ":Error"))]


def test_the_xmp_in_our_clip_survives_a_rewrite_by_exiftool(clip: Path, each_exiftool: list[str]) -> None:
    exiftool_writes(each_exiftool, clip, "-XMP-xmp:Rating=4")
    found = read_xmp(clip)
    assert found is not None
    assert parse(found) == {**CLIP, "xmp:Rating": "4"}


def test_libexiv2_opens_our_clip_and_leaves_its_packet_alone(clip: Path) -> None:
    """It reads no XMP box of an MP4 and writes no MP4 at all; the packet by itself it reads whole."""
    before = clip.read_bytes()
    assert json.loads(exiv2_says(READ_BY_EXIV2, clip))["Xmp.video.Width"] == "64"
    exiv2_says(RATED_BY_EXIV2, clip)
    assert clip.read_bytes() == before
    taken_out = clip.with_suffix(".xmp")
    taken_out.write_bytes(read_xmp(clip) or b"")
    reading = json.loads(exiv2_says(READ_BY_EXIV2, taken_out))
    assert reading["Xmp.xmpMM.DerivedFrom/stRef:documentID"] == "xmp.did:0"
    assert reading["Xmp.afterframe.verdict"] == "approved"
    assert reading["Xmp.iptcExt.AISystemUsed"] == CLIP["Iptc4xmpExt:AISystemUsed"]
