from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterframe.naming import (
    POSTER_MARK,
    bases_for,
    clip_path,
    fits,
    is_our_poster,
    job_of_temporary,
    longest_names,
    poster_of,
    sidecar_of,
    temporary_for,
)

JOB = "0123456789abcdef0123456789abcdef"


def test_the_names_are_those_of_the_contract() -> None:
    photo = Path("/photos/DSC_0042.jpg")
    plain, long = bases_for(photo)
    clip = clip_path(photo, plain, 1)
    assert clip == Path("/photos/DSC_0042_motion.mp4")
    assert clip_path(photo, plain, 2).name == "DSC_0042_motion-v2.mp4"
    assert clip_path(photo, long, 1).name == "DSC_0042_jpg_motion.mp4"
    assert sidecar_of(clip).name == "DSC_0042_motion.mp4.xmp"
    assert poster_of(clip).name == "DSC_0042_motion.jpg"


@given(st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=40))
def test_no_name_of_ours_is_one_that_a_raw_converter_owns(stem: str) -> None:
    photo = Path("/photos") / f"{stem}.jpg"
    for base in bases_for(photo):
        for variant in (1, 2, 10):
            sidecar = sidecar_of(clip_path(photo, base, variant)).name
            assert sidecar not in (f"{photo.stem}.xmp", f"{photo.name}.xmp")
            assert sidecar.endswith(".mp4.xmp")


def test_a_temporary_file_is_hidden_and_names_its_job(tmp_path: Path) -> None:
    temporary = temporary_for(tmp_path, JOB)
    assert temporary.name.startswith(".")
    assert job_of_temporary(temporary) == JOB
    assert job_of_temporary(temporary.with_suffix(".xmp-part")) == JOB


@pytest.mark.parametrize(
    "name", [".afterframe-x.mp4", ".afterframe-.mp4", "a.mp4", f"afterframe-{JOB}.mp4", f".afterframe-{JOB}.db"]
)
def test_other_files_are_not_taken_for_ours(name: str) -> None:
    assert job_of_temporary(Path(name)) is None


def test_a_poster_is_known_by_its_mark(tmp_path: Path) -> None:
    poster = tmp_path / "a_motion.jpg"
    assert not is_our_poster(poster)
    poster.write_bytes(b"\xff\xd8\xff")
    assert not is_our_poster(poster)
    poster.write_bytes(b"\xff\xd8\xff" + POSTER_MARK)
    assert is_our_poster(poster)
    assert not is_our_poster(poster.rename(tmp_path / "other.jpg"))


@pytest.mark.parametrize(
    ("stem", "fit"),
    [
        ("DSC_0042", True),
        ("x" * 232, True),
        ("x" * 233, False),
        ("ü" * 116, True),
        ("ü" * 117, False),
        ("x" * 251, False),
    ],
)
def test_a_photos_name_leaves_room_for_every_name_beside_it(tmp_path: Path, stem: str, fit: bool) -> None:
    if not hasattr(os, "pathconf") or os.pathconf(tmp_path, "PC_NAME_MAX") != 255:
        pytest.skip("names have another limit here")
    photo = tmp_path / f"{stem}.jpg"
    assert fits(longest_names(photo)) is fit
    if fit:
        longest_names(photo).touch()
