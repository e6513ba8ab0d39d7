from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from afterframe.domain import Clip, Verdict
from afterframe.errors import PhotoError
from afterframe.imaging.frames import Model
from afterframe.publish.sidecar import TRAINED, UNTRAINED, MadeBy, read_clip, sidecar_properties, write_verdict
from afterframe.state.catalog import Catalog
from factories import make_clip, make_photo, make_recipe
from photometa.xmp.packets import packet

PARALLAX = MadeBy("parallax", "1", trained=False)
MODEL = MadeBy(
    "diffusers", "1", True, Model("Wan2.2-TI2V-5B", "abc", "a cup of coffee; the camera holds still", {"steps": 50})
)
FACTS = {"caption": "Ünser “Kaffee” <am> Morgen", "keywords": ["Kaffee", "朝"], "creator": "A. Photographer"}


@pytest.fixture
def clip(catalog: Catalog, tmp_path: Path) -> Clip:
    photo = make_photo(catalog, tmp_path / "DSC_0042.jpg")
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
    assert json.loads(str(properties["afterframe:recipe"])) == clip.recipe.to_dict()
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
