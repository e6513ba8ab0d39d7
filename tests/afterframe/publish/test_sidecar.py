from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from afterframe.domain import Clip, Photo, Verdict
from afterframe.errors import PhotoError
from afterframe.imaging.frames import Model
from afterframe.publish.sidecar import TRAINED, UNTRAINED, MadeBy, read_clip, sidecar_properties, write_verdict
from factories import make_clip, make_recipe
from photometa.xmp.packets import packet

PARALLAX = MadeBy("parallax", "1", trained=False)
MODEL = MadeBy(
    "diffusers", "1", True, Model("Wan2.2-TI2V-5B", "abc", "a cup of coffee; the camera holds still", {"steps": 50})
)
FACTS = {"caption": "Ünser “Kaffee” <am> Morgen", "keywords": ["Kaffee", "朝"], "creator": "A. Photographer"}


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    photo = Photo(1, str(tmp_path / "DSC_0042.jpg"), "a" * 64, 1000, 1, {})
    recipe = make_recipe(prompt="steam & light\nrising", because={"fps": ("cinema’s rate",)})
    (tmp_path / "DSC_0042_motion.mp4").write_bytes(b"clip")
    return make_clip(photo, recipe=recipe, variant=2, parent_clip="a-parent", rating=3, verdict=Verdict.APPROVED)


def write(clip: Clip, made_by: MadeBy = PARALLAX) -> Path:
    sidecar = Path(clip.sidecar_path)
    sidecar.write_bytes(packet(sidecar_properties(clip, made_by, FACTS, 4)))
    return sidecar


def test_a_sidecar_read_back_gives_the_clip(clip: Clip) -> None:
    read = read_clip(write(clip))
    assert read is not None
    assert replace(read, photo_id=clip.photo_id, sha256=clip.sha256) == clip


def test_it_names_its_photo_by_every_standard(clip: Clip) -> None:
    properties = sidecar_properties(clip, PARALLAX, FACTS, 4)
    assert properties["dc:source"] == "DSC_0042.jpg"
    assert properties["dc:relation"] == ("DSC_0042.jpg",)
    assert properties["xmpMM:DerivedFrom"] == {"stRef:filePath": "DSC_0042.jpg"}
    assert properties["afterframe:photoSHA256"] == clip.photo_sha256
    assert properties["dc:subject"] == ("Kaffee", "朝")


def test_a_parallax_clip_makes_no_claim_of_a_trained_model(clip: Clip) -> None:
    properties = sidecar_properties(clip, PARALLAX, FACTS, 4)
    assert properties["Iptc4xmpExt:DigitalSourceType"] == UNTRAINED
    assert not [name for name in properties if name.startswith("Iptc4xmpExt:AI")]


def test_a_models_clip_says_so(clip: Clip) -> None:
    properties = sidecar_properties(clip, MODEL, FACTS, 4)
    assert properties["Iptc4xmpExt:DigitalSourceType"] == TRAINED
    assert properties["Iptc4xmpExt:AISystemUsed"] == "Wan2.2-TI2V-5B"
    assert properties["Iptc4xmpExt:AIPromptInformation"] == "a cup of coffee; the camera holds still"
    assert "Iptc4xmpExt:AIPromptWriterName" not in properties


def test_the_whole_recipe_and_its_reasons_stand_there(clip: Clip) -> None:
    properties = sidecar_properties(clip, PARALLAX, FACTS, 4)
    assert json.loads(str(properties["afterframe:recipe"])) == clip.recipe.record()
    assert properties["afterframe:because"] == ("fps: cinema’s rate",)


def test_a_verdict_is_written_and_read_back(clip: Clip, tmp_path: Path) -> None:
    sidecar = write(clip)
    write_verdict(clip, Verdict.REJECTED, 1, tmp_path / "backups")
    read = read_clip(sidecar)
    assert read is not None
    assert (read.verdict, read.rating) == (Verdict.REJECTED, 1)
    assert read.recipe == clip.recipe


def test_a_verdict_without_a_sidecar_is_an_error_with_a_remedy(clip: Clip, tmp_path: Path) -> None:
    with pytest.raises(PhotoError) as caught:
        write_verdict(clip, Verdict.APPROVED, 5, tmp_path)
    assert "DSC_0042_motion.mp4.xmp" in caught.value.message
    assert not Path(clip.sidecar_path).exists()


def test_a_strangers_sidecar_is_not_a_clip(tmp_path: Path) -> None:
    sidecar = tmp_path / "holiday.mp4.xmp"
    sidecar.write_bytes(packet({"dc:format": "video/mp4"}))
    assert read_clip(sidecar) is None


@pytest.mark.parametrize("broken", [b"", b"not xml", b"<x:xmpmeta"])
def test_a_damaged_sidecar_is_said_to_be(tmp_path: Path, broken: bytes) -> None:
    sidecar = tmp_path / "a_motion.mp4.xmp"
    sidecar.write_bytes(broken)
    with pytest.raises(PhotoError, match="a_motion"):
        read_clip(sidecar)


def test_a_recipe_that_is_damaged_is_an_error(clip: Clip) -> None:
    properties = {**sidecar_properties(clip, PARALLAX, FACTS, 4), "afterframe:recipe": "{"}
    Path(clip.sidecar_path).write_bytes(packet(properties))
    with pytest.raises(PhotoError, match="damaged"):
        read_clip(Path(clip.sidecar_path))


def test_a_deleted_clips_sidecar_tells_that_it_is_gone(clip: Clip) -> None:
    sidecar = write(clip)
    Path(clip.path).unlink()
    read = read_clip(sidecar)
    assert read is not None
    assert not read.present


GARBLED = {
    "afterframe:recipe": [
        *(
            "[1]",
            "5",
            "null",
            '"words"',
            "[" * 100_000,
            '"' + "x" * (1 << 20) + '"',
            '{"a":' * 5_000 + "1" + "}" * 5_000,
            "{}",
            "NaN",
        ),
        *('{"size": [1000000000, 2]}', '{"size": [2]}', '{"size": [1e400, 2]}', '{"size": "big"}', '{"fps": 0}'),
        *('{"duration_s": NaN}', '{"duration_s": 1e999}', '{"duration_s": -1}', '{"motion_intensity": 2}'),
        *('{"fps": 8.5}', '{"loop": "yes"}', '{"prompt": 7}', '{"because": [1]}', '{"because": {"fps": [1]}}'),
        *('{"photo_type": "spooky"}', '{"variants": 10000000000000000000000}', '{"camera_movement": {}}'),
    ],
    "xmpMM:DocumentID": ["", "xmp.did:", "../queue?x=1#", "..", "a/b", "a b", "x" * 101, "an-id\n"],
    "afterframe:parent": ["../queue?x=1#", "x" * 101],
    "afterframe:variant": ["0", "-1", "one", "nan", "9" * 20, "9" * 5000],
    "afterframe:seed": ["", "-1", "1e3", "9" * 30],
    "afterframe:photo": ["", "..", "/etc/passwd", "C:/photos/DSC_0042.jpg"],
    "afterframe:photoSHA256": ["", "abc", "Z" * 64],
}


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in GARBLED.items() for text in texts], ids=lambda text: text[:20]
)
def test_a_sidecar_that_says_what_no_clip_can_be_is_refused_by_name(clip: Clip, name: str, text: str) -> None:
    if name == "afterframe:recipe" and text.startswith('{"') and len(text) < 200:
        text = json.dumps(clip.recipe.to_dict())[:-1] + ", " + text[1:]  # the last of two equal keys counts
    Path(clip.sidecar_path).write_bytes(packet({**sidecar_properties(clip, PARALLAX, FACTS, 4), name: text}))
    with pytest.raises(PhotoError, match=r"^DSC_0042_motion\.mp4\.xmp is damaged") as caught:
        read_clip(Path(clip.sidecar_path))
    assert caught.value.hint
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        *[
            ("xmp:Rating", text, "rating", stars)
            for text, stars in (("3.0", 3), ("-1", 0), ("5", 5), ("", 0), (" 4 ", 4))
        ],
        *[("xmp:Rating", text, "rating", 0) for text in ("nan", "inf", "1e999", "three")],
        *[("afterframe:verdict", text, "verdict", Verdict.APPROVED) for text in ("Approved", " approved\n")],
        *[("afterframe:verdict", text, "verdict", Verdict.NONE) for text in ("", "splendid", "none")],
        *[("afterframe:photoPSNR", text, "measures", {}) for text in ("nan", "inf", "-inf", "loud")],
    ],
)
def test_what_other_programs_write_into_a_sidecar_does_not_make_it_damaged(
    clip: Clip, name: str, text: str, field: str, value: object
) -> None:
    Path(clip.sidecar_path).write_bytes(packet({**sidecar_properties(clip, PARALLAX, FACTS, 4), name: text}))
    read = read_clip(Path(clip.sidecar_path))
    assert getattr(read, field) == value


@pytest.mark.parametrize(
    "text",
    ["0001-01-01T00:00:00", "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59-14:00", "yesterday", "", "1969-01-01"],
)
def test_a_date_that_no_clip_can_have_is_that_of_the_sidecar_itself(clip: Clip, text: str) -> None:
    sidecar = Path(clip.sidecar_path)
    sidecar.write_bytes(packet({**sidecar_properties(clip, PARALLAX, FACTS, 4), "xmp:CreateDate": text}))
    os.utime(sidecar, (1_600_000_000, 1_600_000_000))
    read = read_clip(sidecar)
    assert read is not None
    assert read.created_at == 1_600_000_000
