"""Colours that a file names without an ICC profile."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

import photometa
from afterframe.imaging.colour_coding import SRGB_PRIMARIES, coding_of, to_srgb_light
from afterframe.imaging.decode import decode
from colour_patches import (
    CODINGS,
    COLOURS,
    FROM_SRGB,
    avif,
    chunk,
    hlg,
    middles,
    png,
    pq,
    srgb_curve,
    stored,
    write_coding,
)
from photometa.containers.blocks import Blocks, Cicp

PLAIN = stored("srgb", srgb_curve)


def colours(path: Path) -> np.ndarray:
    return middles(decode(path)[0])


def error(path: Path) -> int:
    return int(np.abs(colours(path) - COLOURS).max())


def written(tmp_path: Path, data: bytes, name: str = "a.png") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", CODINGS)
def test_every_coding_shows_the_same_colours(tmp_path: Path, name: str) -> None:
    assert error(write_coding(name, tmp_path)) <= 4


@pytest.mark.parametrize(
    ("chunks", "same"),
    [
        ([], True),
        ([chunk(b"cICP", bytes([1, 13, 0, 1]))], True),
        ([chunk(b"cICP", bytes([1, 1, 0, 1]))], True),
        ([chunk(b"sRGB", b"\0"), chunk(b"gAMA", struct.pack(">I", 100_000))], True),
        ([chunk(b"gAMA", struct.pack(">I", 45_455))], True),
        ([chunk(b"gAMA", struct.pack(">I", 0))], True),
        ([chunk(b"cHRM", bytes(32))], True),
        ([chunk(b"cICP", bytes([1, 13, 0, 1])), chunk(b"gAMA", struct.pack(">I", 100_000))], True),
        ([chunk(b"cICP", bytes([12, 13, 0, 1])), chunk(b"sRGB", b"\0")], False),
        ([chunk(b"gAMA", struct.pack(">I", 100_000))], False),
    ],
)
def test_png_is_read_in_the_order_of_its_third_edition(tmp_path: Path, chunks: list[bytes], same: bool) -> None:
    shown = decode(written(tmp_path, png(PLAIN, *chunks)))[0]
    assert bool((shown == PLAIN).all()) == same


def test_cicp_counts_before_a_profile_and_a_profile_before_gama(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(PLAIN.astype(np.uint8)).save(path, icc_profile=srgb)
    profiled = path.read_bytes()
    gama, cicp = chunk(b"gAMA", struct.pack(">I", 100_000)), chunk(b"cICP", bytes([12, 13, 0, 1]))
    assert error(written(tmp_path, profiled[:33] + gama + profiled[33:])) <= 1
    p3 = png(stored("p3", srgb_curve))
    with_both = Image.open(written(tmp_path, p3))
    with_both.load()
    with_both.save(path, icc_profile=srgb)
    data = path.read_bytes()
    assert error(written(tmp_path, data[:33] + cicp + data[33:])) <= 4
    assert photometa.read(path).colour_profile == "Display P3"


def test_a_narrow_range_in_png_is_widened(tmp_path: Path) -> None:
    narrow = np.round(PLAIN / 255 * 219 + 16).astype(np.uint16)
    assert error(written(tmp_path, png(narrow, chunk(b"cICP", bytes([1, 13, 0, 0]))))) <= 2


@pytest.mark.parametrize(("curve", "transfer"), [(pq, 16), (hlg, 18)])
def test_white_stays_white_and_brighter_parts_are_rolled_off(tmp_path: Path, curve: object, transfer: int) -> None:
    data = png(stored("2020", curve, 16, boost=4.0), chunk(b"cICP", bytes([9, transfer, 0, 1])), bits=16)
    shown = colours(written(tmp_path, data))
    white, grey, bright = shown[5], shown[6], shown[7]
    assert white.min() >= 249
    assert np.ptp(white) <= 1
    assert np.abs(grey - 128).max() <= 2
    assert bright[0] == 255
    assert bright[0] > bright[1] > bright[2]  # its hue: not clipped to yellow or white


def test_transparent_parts_become_white_after_the_colours_are_converted(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    picture = Image.fromarray(stored("2020", pq).astype(np.uint8)).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size).point(lambda level: 0 if level < 128 else 255))
    picture.save(path)
    data = path.read_bytes()
    shown = colours(written(tmp_path, data[:33] + chunk(b"cICP", bytes([9, 16, 0, 1])) + data[33:]))
    assert (shown[:4] == 255).all()
    assert np.abs(shown[4:] - COLOURS[4:]).max() <= 12  # PQ in eight bits is coarse


@pytest.mark.parametrize(
    ("primaries", "transfer", "name"),
    [(12, 13, "Display P3"), (9, 16, "Rec. 2100 PQ"), (9, 18, "Rec. 2100 HLG"), (9, 14, "Rec. 2020"), (1, 13, "sRGB")],
)
def test_the_facts_name_the_colour_space(tmp_path: Path, primaries: int, transfer: int, name: str) -> None:
    assert photometa.read(written(tmp_path, avif(PLAIN, primaries, transfer), "a.avif")).colour_profile == name
    cicp = chunk(b"cICP", bytes([primaries, transfer, 0, 1]))
    assert photometa.read(written(tmp_path, png(PLAIN, cicp))).colour_profile == name


@pytest.mark.parametrize("primaries", [4, 5, 6, 7, 8, 9, 11, 12, 22])
def test_white_is_white_in_every_known_space(primaries: int) -> None:
    coding = coding_of(Blocks("avif", cicp=Cicp(primaries, 13, 0, True)))
    assert coding is not None
    assert np.allclose(to_srgb_light(coding.primaries).sum(axis=1), 1, atol=1e-5)


def test_the_matrices_are_those_of_the_standards() -> None:
    for name, primaries in (("p3", 12), ("2020", 9)):
        coding = coding_of(Blocks("avif", cicp=Cicp(primaries, 13, 0, True)))
        assert coding is not None
        assert np.allclose(np.linalg.inv(to_srgb_light(coding.primaries)), FROM_SRGB[name], atol=2e-4)
    assert np.allclose(to_srgb_light(SRGB_PRIMARIES), np.eye(3), atol=1e-6)


@given(st.integers(0, 255), st.integers(0, 255), st.booleans())
def test_no_code_points_raise(primaries: int, transfer: int, full: bool) -> None:
    coding_of(Blocks("png", cicp=Cicp(primaries, transfer, 0, full)))


@given(st.none() | st.floats(0, 1e5), st.none() | st.tuples(*[st.floats(0, 5e4)] * 8))
def test_no_gama_and_chrm_raise_and_what_is_kept_has_a_white(
    gamma: float | None, chromaticities: tuple[float, ...] | None
) -> None:
    coding = coding_of(Blocks("png", gamma=gamma or None, chromaticities=chromaticities))
    if coding is not None:
        assert np.allclose(to_srgb_light(coding.primaries).sum(axis=1), 1, atol=1e-2)
