"""Agreement with exiftool and exiv2, where this machine has them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from photometa_raws import raws
from photometa_seeds import box, seeds

import photometa
from photometa import Bag, Facts, LangAlt, Seq, Struct, Value
from photometa.containers.mp4 import append_xmp, read_xmp
from photometa.xmp import packet, parse

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
def exiftool() -> str:
    return shutil.which("exiftool") or pytest.skip("no exiftool on this machine")


@pytest.fixture
def exiv2() -> str:
    return shutil.which("exiv2") or pytest.skip("no exiv2 on this machine")


@pytest.fixture
def exiftool_of_2025(exiftool: str) -> str:
    """One that knows IPTC 2025.1: 13.40 or later."""
    version = subprocess.run([exiftool, "-ver"], capture_output=True, check=True, text=True).stdout.strip()
    if tuple(int(part) for part in version.split(".")[:2]) < (13, 40):
        pytest.skip(f"exiftool {version} does not know IPTC 2025.1 yet")
    return exiftool


def exiftool_json(exiftool: str, *arguments: str | Path) -> list[dict[str, Any]]:
    done = subprocess.run([exiftool, "-j", "-n", *map(str, arguments)], capture_output=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


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
def test_shared_photos_read_as_exiftool_reads_them(shared_photos: list[Path], exiftool: str) -> None:
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
def test_shared_photos_have_the_lens_that_exiftool_finds(shared_photos: list[Path], exiftool: str) -> None:
    done = subprocess.run(
        [exiftool, "-j", "-LensModel", "-Lens", *map(str, shared_photos)], capture_output=True, check=True
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
def test_made_raw_files_are_what_exiftool_takes_them_for(tmp_path: Path, exiftool: str, name: str) -> None:
    path = tmp_path / f"photo.{name}"
    path.write_bytes(RAWS[name])
    (reading,) = exiftool_json(exiftool, "-FileType", *(f"-{tag}" for tag in TAGS), path)
    assert reading["FileType"].lower() == name
    facts = photometa.read(path)
    for tag, ours in TAGS.items():
        if name != "dng" or not tag.startswith("Image"):  # our size is the cropped one, which programs show
            assert agrees(ours(facts), reading.get(tag)), tag


@pytest.mark.parametrize("name", [n for n in seeds() if n not in ("cr3", "raf", "jxl")])
def test_every_format_reads_as_exiftool_reads_it(tmp_path: Path, exiftool: str, name: str) -> None:
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


def test_exiftool_reads_our_sidecar_without_a_warning(sidecar: Path, exiftool: str) -> None:
    (reading,) = exiftool_json(exiftool, "-struct", "-G1", "-XMP:all", "-Warning", "-validate", sidecar)
    assert reading.get("ExifTool:Validate", "0 0 0") == "0 0 0"
    assert reading["XMP-xmpMM:DerivedFrom"] == {"DocumentID": "xmp.did:0", "FilePath": "DSC 0042.jpg"}
    assert reading["XMP-xmpMM:History"][0]["Action"] == "created"
    assert reading["XMP-dc:Title"] == "Näher & <näher>"
    assert reading["XMP-iptcExt:DigitalSourceType"].endswith("algorithmicallyEnhanced")
    assert reading["XMP-afterframe:Verdict"] == "approved"
    assert json.loads(reading["XMP-afterframe:Recipe"])["seed"] == 7


def test_exiftool_reads_who_and_what_made_the_clip(sidecar: Path, exiftool: str) -> None:
    (reading,) = exiftool_json(exiftool, "-G1", "-XMP-iptcExt:all", sidecar)
    for name in ("AISystemUsed", "AISystemVersionUsed", "AIPromptInformation", "AIPromptWriterName"):
        assert str(reading[f"XMP-iptcExt:{name}"]) == CLIP[f"Iptc4xmpExt:{name}"]


def test_exiftool_of_2025_writes_the_same_ai_properties(sidecar: Path, exiftool_of_2025: str) -> None:
    changed = {
        "AISystemUsed": "LTX",
        "AISystemVersionUsed": "2.3",
        "AIPromptInformation": "é",
        "AIPromptWriterName": "B",
    }
    arguments = [f"-XMP-iptcExt:{name}={value}" for name, value in changed.items()]
    done = subprocess.run(
        [exiftool_of_2025, "-overwrite_original", *arguments, str(sidecar)], capture_output=True, check=True, text=True
    )
    assert done.stderr == ""
    ours = {f"Iptc4xmpExt:{name}": value for name, value in changed.items()}
    assert photometa.read_sidecar(sidecar).items() >= {**CLIP, **ours}.items()


def test_our_sidecar_survives_a_rewrite_by_exiftool(sidecar: Path, exiftool: str) -> None:
    command = [exiftool, "-overwrite_original", "-XMP-xmp:Rating=4", str(sidecar)]
    subprocess.run(command, capture_output=True, check=True)
    assert photometa.read_sidecar(sidecar).items() >= {**CLIP, "xmp:Rating": "4"}.items()


def test_our_sidecar_survives_a_rewrite_by_exiv2(sidecar: Path, exiv2: str) -> None:
    done = subprocess.run(
        [exiv2, "-M", "set Xmp.xmp.Rating 4", str(sidecar)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert photometa.read_sidecar(sidecar).items() >= {**CLIP, "xmp:Rating": "4"}.items()


def test_a_merge_after_their_rewrites_keeps_everything(sidecar: Path, exiftool: str, exiv2: str) -> None:
    subprocess.run(
        [exiftool, "-overwrite_original", "-XMP-xmp:Rating=4", str(sidecar)], check=True, capture_output=True
    )
    subprocess.run([exiv2, "-M", "set Xmp.dc.creator me", str(sidecar)], check=True, capture_output=True)
    before = photometa.read_sidecar(sidecar)
    photometa.write_sidecar(sidecar, {"afterframe:verdict": "rejected"})
    assert photometa.read_sidecar(sidecar) == {**before, "afterframe:verdict": "rejected"}


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    header = box(b"mvhd", bytes(12) + (1000).to_bytes(4, "big") + (4000).to_bytes(4, "big") + bytes(80))
    path.write_bytes(box(b"ftyp", b"isom\0\0\0\0isom") + box(b"moov", header) + box(b"mdat", b"frames"))
    append_xmp(path, packet(CLIP))
    return path


def test_exiftool_reads_the_xmp_in_our_clip(clip: Path, exiftool: str) -> None:
    (reading,) = exiftool_json(exiftool, "-G1", "-XMP:all", "-Warning", "-Error", clip)
    assert reading["XMP-afterframe:Verdict"] == "approved"
    assert not [key for key in reading if key.endswith((":Warning", ":Error"))]


def test_the_xmp_in_our_clip_survives_a_rewrite_by_exiftool(clip: Path, exiftool: str) -> None:
    subprocess.run([exiftool, "-overwrite_original", "-XMP-xmp:Rating=4", str(clip)], check=True, capture_output=True)
    found = read_xmp(clip)
    assert found is not None
    assert parse(found).items() >= {**CLIP, "xmp:Rating": "4"}.items()
