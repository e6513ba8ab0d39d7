"""TIFF: the page that is the picture, and layouts that are read right or refused as what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

import photometa
from afterframe.errors import PhotoError
from afterframe.imaging.decode import decode
from factories import make_picture
from photometa.containers.sniff import read_blocks
from photometa.containers.source import Bytes
from tiff_files import (
    BLACK_IS_ZERO,
    CMYK,
    ICC_LAB,
    LAB,
    OLD_SUBFILE,
    ORIENTATION,
    SUB_IFDS,
    SUBFILE,
    WHITE_IS_ZERO,
    Page,
    tiff,
)

PICTURE = np.asarray(make_picture((192, 128)))
GREY = PICTURE[..., 0]
THUMBNAIL = np.asarray(make_picture((80, 72), seed=3))
DEEP = PICTURE.astype(np.uint16) * 257


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "a.tif"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    "pages",
    [
        [Page(THUMBNAIL, tags={SUBFILE: 1}), Page(PICTURE)],
        [Page(THUMBNAIL, tags={SUBFILE: 1}), Page(PICTURE, tags={SUBFILE: 0})],
        [Page(THUMBNAIL, tags={OLD_SUBFILE: 2}), Page(PICTURE, tags={OLD_SUBFILE: 1})],
        [Page(THUMBNAIL, tags={SUBFILE: 3}), Page(PICTURE, tags={SUBFILE: 2})],
        [Page(THUMBNAIL[..., 0], BLACK_IS_ZERO, {SUBFILE: 4}), Page(PICTURE)],
        [Page(THUMBNAIL, tags={SUBFILE: 1}), Page(THUMBNAIL, tags={SUBFILE: 1}), Page(PICTURE), Page(THUMBNAIL)],
        [Page(PICTURE), Page(THUMBNAIL, tags={SUBFILE: 1})],
        [Page(PICTURE), Page(THUMBNAIL)],
        [Page(THUMBNAIL, tags={SUBFILE: 1}), Page(PICTURE, tags={SUBFILE: 1})],
    ],
)
def test_the_page_that_is_no_thumbnail_is_read(tmp_path: Path, order: str, pages: list[Page]) -> None:
    path = written(tmp_path, tiff(*pages, order=order))
    pixels, size = decode(path)
    assert size == (192, 128)
    assert (pixels == PICTURE).all()
    facts = photometa.read(path)
    assert (facts.width, facts.height) == (192, 128)


def test_the_picture_is_turned_by_its_own_orientation(tmp_path: Path) -> None:
    thumbnail = Page(THUMBNAIL, tags={SUBFILE: 1, ORIENTATION: 3})
    path = written(tmp_path, tiff(thumbnail, Page(PICTURE, tags={ORIENTATION: 6})))
    pixels, size = decode(path)
    assert size == (128, 192)
    assert (pixels == np.rot90(PICTURE, -1)).all()
    assert photometa.read(path).orientation == 6
    assert photometa.read(written(tmp_path, tiff(thumbnail, Page(PICTURE)))).orientation is None


def test_pages_in_a_circle_are_read_once(tmp_path: Path) -> None:
    data = bytearray(tiff(Page(THUMBNAIL, tags={SUBFILE: 1}), Page(THUMBNAIL, tags={SUBFILE: 1})))
    data[-4:] = data[4:8]
    assert photometa.read(written(tmp_path, bytes(data))).width == 80


def test_a_negative_of_sixteen_bits_is_read_right(tmp_path: Path) -> None:
    pixels, _ = decode(written(tmp_path, tiff(Page(65535 - DEEP[..., 0], WHITE_IS_ZERO))))
    assert np.abs(pixels[..., 1].astype(int) - GREY).max() <= 1


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("page", "shown"),
    [
        (Page(DEEP), PICTURE),
        (Page(PICTURE, planes=True), PICTURE),
        (Page(np.dstack([DEEP, DEEP[..., 0]])), PICTURE),
        (Page(GREY, BLACK_IS_ZERO), GREY),
        (Page(255 - GREY, WHITE_IS_ZERO), GREY),
        (Page(DEEP[..., 0], BLACK_IS_ZERO), GREY),
        (Page(np.dstack([255 - PICTURE, np.zeros_like(GREY)]), CMYK), PICTURE),
    ],
)
def test_usual_layouts_are_read_right(tmp_path: Path, order: str, page: Page, shown: np.ndarray) -> None:
    pixels, _ = decode(written(tmp_path, tiff(page, order=order)))
    expected = shown if shown.ndim == 3 else np.repeat(shown[..., None], 3, axis=2)
    assert np.abs(pixels.astype(int) - expected).max() <= 1


def test_lab_of_eight_bits_is_read_right(tmp_path: Path) -> None:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    values = np.asarray(ImageCms.profileToProfile(Image.fromarray(PICTURE), srgb, lab, outputMode="LAB"))
    pixels, _ = decode(written(tmp_path, tiff(Page(values, LAB))))
    assert np.abs(pixels.astype(int) - PICTURE).mean() < 2


@pytest.mark.parametrize(
    ("page", "named"),
    [
        (Page((PICTURE / 255).astype(np.float32)), "32-bit floating point RGB"),
        (Page((PICTURE / 255).astype(np.float16)), "16-bit floating point RGB"),
        (Page((GREY / 255).astype(np.float32), BLACK_IS_ZERO), "32-bit floating point grey"),
        (Page((GREY / 255).astype(np.float64), BLACK_IS_ZERO), "64-bit floating point grey"),
        (Page(GREY.astype(np.uint32), BLACK_IS_ZERO), "32-bit grey"),
        (Page(PICTURE.astype(np.uint32)), "32-bit RGB"),
        (Page(GREY.astype(np.int16), BLACK_IS_ZERO), "16-bit signed grey"),
        (Page((GREY // 2).astype(np.int8), BLACK_IS_ZERO), "8-bit signed grey"),
        (Page(DEEP, LAB), "16-bit Lab"),
        (Page(PICTURE, ICC_LAB), "ICC Lab"),
        (Page(PICTURE, 32844), "of kind 32844"),
        (Page(DEEP, planes=True), "separate planes"),
        (Page(np.dstack([DEEP[..., 0]] * 2), BLACK_IS_ZERO), "more channels"),
        (Page(THUMBNAIL, tags={SUBFILE: 1, SUB_IFDS: 8}), "sub-directory"),
        (Page(PICTURE, tags={259: 34712}), "method 34712"),
    ],
)
def test_other_layouts_are_refused_as_unsupported_never_as_damaged(tmp_path: Path, page: Page, named: str) -> None:
    with pytest.raises(PhotoError, match=named) as caught:
        decode(written(tmp_path, tiff(page)))
    assert caught.value.error_code == "unsupported"
    assert "a.tif" in caught.value.message
    assert caught.value.hint


def test_a_tiff_that_is_cut_short_is_damaged(tmp_path: Path) -> None:
    data = tiff(Page(PICTURE), order=">")
    for keep in (8, 9, 100, len(data) // 2):
        with pytest.raises(PhotoError) as caught:
            decode(written(tmp_path, data[:keep]))
        assert caught.value.error_code == "truncated"


def test_a_layout_that_only_the_reader_does_not_know_is_unsupported_too(tmp_path: Path) -> None:
    with pytest.raises(PhotoError) as caught:
        decode(written(tmp_path, tiff(Page(DEEP[..., 0], WHITE_IS_ZERO), order=">")))
    assert caught.value.error_code == "unsupported"


@given(st.binary(max_size=200), st.sampled_from([b"II*\0", b"MM\0*"]), st.integers(0, 64))
def test_no_directory_stalls_or_raises(data: bytes, start: bytes, at: int) -> None:
    order = "little" if start[:1] == b"I" else "big"
    read_blocks(Bytes(start + at.to_bytes(4, order) + data))  # type: ignore[arg-type]
