from __future__ import annotations

from pathlib import Path

import pytest

from afterframe.errors import PublishError
from afterframe.publish.free_name import choose_name


def nobody(path: Path) -> bool:
    return False


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "DSC_0042.jpg"
    path.write_bytes(b"photo")
    return path


def test_the_first_clip_has_the_plain_name(photo: Path) -> None:
    assert choose_name(photo, set(), nobody) == (photo.with_name("DSC_0042_motion.mp4"), 1)


def test_further_variants_are_numbered_and_gaps_are_filled(photo: Path) -> None:
    ours = {str(photo.with_name(name)) for name in ("DSC_0042_motion.mp4", "DSC_0042_motion-v3.mp4")}
    for path in ours:
        Path(path).touch()
    assert choose_name(photo, ours, nobody) == (photo.with_name("DSC_0042_motion-v2.mp4"), 2)


@pytest.mark.parametrize("stranger", ["DSC_0042_motion.mp4", "DSC_0042_motion.mp4.xmp"])
def test_a_strangers_file_makes_us_name_the_suffix_too(photo: Path, stranger: str) -> None:
    photo.with_name(stranger).write_text("not ours")
    assert choose_name(photo, set(), nobody)[0].name == "DSC_0042_jpg_motion.mp4"


def test_when_both_names_are_taken_the_next_number_is_used(photo: Path) -> None:
    photo.with_name("DSC_0042_motion.mp4").touch()
    photo.with_name("DSC_0042_jpg_motion.mp4").touch()
    assert choose_name(photo, set(), nobody)[0].name == "DSC_0042_jpg_motion-v2.mp4"


def test_a_photo_keeps_to_the_beginning_that_it_has(photo: Path) -> None:
    photo.with_name("DSC_0042_motion.mp4").touch()
    ours = {str(photo.with_name("DSC_0042_jpg_motion.mp4"))}
    assert choose_name(photo, ours, nobody)[0].name == "DSC_0042_jpg_motion-v2.mp4"


def test_a_reserved_name_is_not_free(photo: Path) -> None:
    reserved = photo.with_name("DSC_0042_motion.mp4")
    assert choose_name(photo, set(), lambda path: path == reserved)[0].name == "DSC_0042_jpg_motion.mp4"


def test_a_dangling_link_counts_as_taken(photo: Path) -> None:
    photo.with_name("DSC_0042_motion.mp4").symlink_to("nowhere")
    assert choose_name(photo, set(), nobody)[0].name == "DSC_0042_jpg_motion.mp4"


def test_a_name_too_long_for_the_file_system_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(PublishError) as caught:
        choose_name(tmp_path / ("x" * 245 + ".jpg"), set(), nobody)
    assert caught.value.error_code == "name_too_long"
