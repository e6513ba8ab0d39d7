"""Lenses as lensfun names them: the one that fits, or none."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from photometa_seeds import JPEG, exif_block, photo

import photometa
from photometa.facts import lensfun
from photometa.facts.lensfun import LensDatabase, lens_name, read_database

SLR = """<lensdatabase version="1">
<mount><name>Canon EF-S</name><compat>Canon EF</compat></mount>
<camera><maker>Canon</maker><model>Canon EOS 20D</model><mount>Canon EF-S</mount></camera>
<camera><maker>Nikon Corporation</maker><model>Nikon D40</model><mount>Nikon F</mount></camera>
<lens><maker>Canon</maker><model>Canon EF 70-200mm f/2.8L IS USM</model>
 <model lang="en">EF 70-200mm f/2.8</model><mount>Canon EF</mount></lens>
<lens><maker>Canon</maker><model>Canon EF-S 18-55mm f/3.5-5.6 IS</model><mount>Canon EF-S</mount></lens>
<lens><maker>Sigma</maker><model>Sigma 30mm F1.4 EX DC HSM</model><mount>Canon EF</mount></lens>
<lens><maker>Sigma</maker><model>SIGMA 30mm f/1.4 EX DC HSM</model><mount>Nikon F</mount></lens>
<lens><maker>Any</maker><model>50mm f/1.8</model><mount>Canon EF</mount></lens>
</lensdatabase>"""


@pytest.fixture
def database(tmp_path: Path) -> LensDatabase:
    (tmp_path / "slr.xml").write_text(SLR)
    (tmp_path / "broken.xml").write_text("<lensdatabase>")
    return read_database(tmp_path)


@pytest.mark.parametrize(
    "lens", ["EF70-200mm f/2.8L IS USM", "Canon EF 70-200mm f/2.8L IS USM", "EF 70-200MM F/2.8L IS USM"]
)
def test_a_lens_is_found_by_its_own_name(database: LensDatabase, lens: str) -> None:
    assert database.name_of("Canon", "Canon EOS 20D", lens, 100) == "Canon EF 70-200mm f/2.8L IS USM"


def test_a_hyphen_more_or_less_is_the_same_name(database: LensDatabase) -> None:
    assert database.name_of("Canon", "Canon EOS 20D", "EF-S18-55mm f/3.5-5.6 IS", 55) is not None
    assert database.name_of("Canon", "Canon EOS 20D", "EF-S18-55mm f/3.5-5.6", 55) is None


def test_a_lens_must_fit_the_camera(database: LensDatabase) -> None:
    assert database.name_of("NIKON CORPORATION", "NIKON D40", "EF70-200mm f/2.8L IS USM", 100) is None
    assert database.name_of("Canon", "Canon EOS 20D", "Sigma 30mm F1.4 EX DC HSM", 30) == "Sigma 30mm F1.4 EX DC HSM"
    assert (
        database.name_of("NIKON CORPORATION", "NIKON D40", "Sigma 30mm F1.4 EX DC HSM", 30)
        == "SIGMA 30mm f/1.4 EX DC HSM"
    )


def test_a_lens_must_reach_the_focal_length(database: LensDatabase) -> None:
    assert database.name_of("Canon", None, "EF70-200mm f/2.8L IS USM", 300) is None
    assert database.name_of("Canon", None, "EF70-200mm f/2.8L IS USM", None) is not None


def test_an_unknown_camera_must_leave_only_one_lens(database: LensDatabase) -> None:
    assert database.name_of("Canon", "Canon EOS 99", "EF70-200mm f/2.8L IS USM", 100) is not None
    assert database.name_of("Canon", "Canon EOS 99", "Sigma 30mm F1.4 EX DC HSM", 30) is None


@pytest.mark.parametrize("lens", ["50mm f/1.8", "18-55mm", "70-200mm f/2.8", "", "-- mm", "f/1.8"])
def test_what_many_lenses_are_called_names_none(database: LensDatabase, lens: str) -> None:
    assert database.name_of("Canon", "Canon EOS 20D", lens, 50) is None


def test_without_the_database_no_lens_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lensfun, "_installed", LensDatabase)
    lens_name.cache_clear()
    assert lens_name("Canon", "Canon EOS 20D", "EF70-200mm f/2.8L IS USM", 100) is None
    lens_name.cache_clear()


def test_the_name_is_a_fact_with_its_source(
    tmp_path: Path, database: LensDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lensfun, "_installed", lambda: database)
    lens_name.cache_clear()
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo(JPEG, exif=exif_block(LensModel=b"EF70-200mm f/2.8L IS USM", FocalLength=(100, 1)), xmp=b""))
    facts = photometa.read(path)
    assert (facts.lens, facts.lens_name) == ("EF70-200mm f/2.8L IS USM", "Canon EF 70-200mm f/2.8L IS USM")
    assert facts.sources["lens_name"].startswith("rule: lensfun")
    lens_name.cache_clear()


def test_the_installed_database_knows_the_field_s_lenses() -> None:
    if importlib.util.find_spec("lensfunpy") is None:
        pytest.skip("lensfunpy is not installed")
    lens_name.cache_clear()
    assert len(lensfun._installed().lenses) > 1000
    assert lens_name("Canon", "Canon EOS 1000D", "EF-S18-55mm f/3.5-5.6 IS", 18) == "Canon EF-S 18-55mm f/3.5-5.6 IS"
