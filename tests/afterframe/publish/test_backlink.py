from __future__ import annotations

from pathlib import Path

import pytest

import photometa
from afterframe.domain import Clip, Photo
from afterframe.publish.backlink import write_back_link
from factories import make_clip
from photometa.xmp.packets import packet


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    return make_clip(Photo(1, str(tmp_path / "DSC_0042.jpg"), "a" * 64, 1, 1, {}))


@pytest.mark.parametrize("name", ["DSC_0042.xmp", "DSC_0042.jpg.xmp"])
def test_an_existing_sidecar_names_the_clip_and_keeps_the_rest(clip: Clip, tmp_path: Path, name: str) -> None:
    sidecar = tmp_path / name
    sidecar.write_bytes(packet({"dc:format": "image/jpeg", "xmpMM:DerivedFrom": "raw.nef"}))
    assert write_back_link(clip, tmp_path / "backups", quiet_s=0) == [sidecar]
    properties = photometa.read_sidecar(sidecar)
    assert properties["afterframe:clip"] == "DSC_0042_motion.mp4"
    assert properties["afterframe:clipID"] == f"xmp.did:{clip.id}"
    assert properties["xmpMM:DerivedFrom"] == "raw.nef"


def test_none_is_ever_made(clip: Clip, tmp_path: Path) -> None:
    assert write_back_link(clip, tmp_path / "backups", quiet_s=0) == []
    assert list(tmp_path.glob("*.xmp")) == []


def test_a_damaged_sidecar_is_left_as_it_is(clip: Clip, tmp_path: Path) -> None:
    sidecar = tmp_path / "DSC_0042.xmp"
    sidecar.write_bytes(b"<x:xmpmeta half")
    assert write_back_link(clip, tmp_path / "backups", quiet_s=0) == []
    assert sidecar.read_bytes() == b"<x:xmpmeta half"
