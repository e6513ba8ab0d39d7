"""A photo's colours and its upright side survive into the clip."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
import piexif
import pytest
from faults_photos import ADOBE_GAMMA, ADOBE_RGB, DISPLAY_P3, gamma_curve, rgb_profile, srgb_curve
from faults_processes import Afterframe, frames_of
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from factories import make_photo_file

pytestmark = pytest.mark.slow

SIZE = (192, 128)
PATCH = 32
MOST = 2.0
"""Largest CIEDE2000 difference of a patch: 8 bits, limited range and x264 cost about 1."""
VISIBLE = 3.0
"""A picture whose profile is ignored is further off than this."""
Floats = npt.NDArray[np.float64]

D65_TO_SRGB = np.linalg.inv(
    np.array([[0.4123908, 0.3575843, 0.1804808], [0.2126390, 0.7151687, 0.0721923], [0.0193308, 0.1191948, 0.9505322]])
)
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def patches() -> Floats:
    """24 colours, muted enough to exist in sRGB whichever space they are read in: (4, 6, 3), 0-1."""
    dice = np.random.default_rng(5)
    grey = dice.uniform(0.25, 0.75, (4, 6, 1))
    return np.round((grey + dice.uniform(-0.16, 0.16, (4, 6, 3))) * 255) / 255


def chart(colours: Floats) -> Image.Image:
    return Image.fromarray(np.round(colours * 255).astype(np.uint8).repeat(PATCH, 0).repeat(PATCH, 1))


def centres(frame: npt.NDArray[np.uint8]) -> Floats:
    """The mean colour of the middle of each patch, 0-1."""
    cells = frame.reshape(4, PATCH, 6, PATCH, 3)[:, 8:-8, :, 8:-8]
    return np.asarray(cells.mean((1, 3)) / 255)


def expected(colours: Floats, primaries: tuple[tuple[float, float, float], ...], *, gamma: float | None) -> Floats:
    """What the chart's colours are in sRGB, by the definitions of the colour spaces alone."""
    if gamma is None:
        linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    else:
        linear = colours**gamma
    d50, d65 = np.array([0.9642, 1.0, 0.8249]), np.array([0.95046, 1.0, 1.08906])
    adapt = np.linalg.inv(BRADFORD) @ np.diag((BRADFORD @ d65) / (BRADFORD @ d50)) @ BRADFORD
    rgb = np.clip(linear @ (D65_TO_SRGB @ adapt @ np.array(primaries).T).T, 0, 1)
    return np.asarray(np.where(rgb <= 0.0031308, rgb * 12.92, 1.055 * rgb ** (1 / 2.4) - 0.055))


def difference(one: Floats, other: Floats) -> Floats:
    return np.asarray(deltaE_ciede2000(rgb2lab(one), rgb2lab(other)))


def still(afterframe: Afterframe, **recipe: Any) -> None:
    """Clips in which nothing moves, so that every frame is the photo."""
    afterframe.settings(recipe={"size": list(SIZE), "camera_movement": "static", "motion_intensity": 0.0, **recipe})


def test_photos_of_wide_colour_spaces_keep_their_colours(afterframe: Afterframe, folder: Path) -> None:
    still(afterframe)
    colours = patches()
    photo = chart(colours)
    save: dict[str, Any] = {"quality": 100, "subsampling": 0}
    r03 = piexif.dump(
        {"Exif": {piexif.ExifIFD.ColorSpace: 0xFFFF}, "Interop": {piexif.InteropIFD.InteroperabilityIndex: "R03"}}
    )
    p3, adobe = rgb_profile(DISPLAY_P3, srgb_curve()), rgb_profile(ADOBE_RGB, gamma_curve(ADOBE_GAMMA))
    photo.save(folder / "srgb.jpg", **save)
    photo.save(folder / "p3.jpg", icc_profile=p3, **save)
    photo.save(folder / "p3.png", icc_profile=p3)
    photo.save(folder / "adobe.jpg", icc_profile=adobe, **save)
    photo.save(folder / "adobe.tif", icc_profile=adobe)
    photo.save(folder / "adobe-by-exif.jpg", exif=r03, **save)

    in_p3 = expected(colours, DISPLAY_P3, gamma=None)
    in_adobe = expected(colours, ADOBE_RGB, gamma=ADOBE_GAMMA)
    assert difference(in_p3, colours).max() > VISIBLE
    assert difference(in_adobe, colours).max() > VISIBLE
    wanted = {
        "srgb.jpg": colours,
        "p3.jpg": in_p3,
        "p3.png": in_p3,
        "adobe.jpg": in_adobe,
        "adobe.tif": in_adobe,
        "adobe-by-exif.jpg": in_adobe,
    }
    for result in afterframe.animate(*wanted, cwd=folder):
        assert result["state"] == "done", result
        first = frames_of(result["clips"][0]["path"], SIZE)[0]
        off = difference(centres(first), wanted[result["photo"]])
        assert off.max() < MOST, (result["photo"], off.max(), off.mean())


def test_every_orientation_comes_out_upright(afterframe: Afterframe, folder: Path) -> None:
    upright = make_photo_file(folder / "upright.png", SIZE).read_bytes()
    (folder / "upright.png").unlink()
    still(afterframe)
    turns = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    """Orientation -> how the camera stored the upright picture (TIFF 6.0, tag 274, inverted)."""
    (folder / "reference.png").write_bytes(upright)
    with Image.open(folder / "reference.png") as picture:
        reference = np.asarray(picture).astype(float)
        for orientation, turn in turns.items():
            stored = picture if turn is None else picture.transpose(turn)
            exif = Image.Exif()
            exif[0x0112] = orientation
            for suffix in ("jpg", "png", "webp", "tif") if orientation == 6 else ("jpg",):
                stored.save(folder / f"{orientation}.{suffix}", quality=95, exif=exif)
    results = afterframe.animate(folder)
    assert len(results) == 8 + 3 + 1
    for result in results:
        assert result["state"] == "done", result
        first = frames_of(result["clips"][0]["path"], SIZE)[0].astype(float)
        assert np.abs(first - reference).mean() < 3, result["photo"]


def test_the_stream_says_bt709_three_times_over(afterframe: Afterframe, folder: Path) -> None:
    (result,) = afterframe.animate(make_photo_file(folder / "A.jpg"))
    clip = result["clips"][0]["path"]
    shown = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", clip], capture_output=True, text=True, check=False
    ).stderr
    (stream,) = re.findall(r"Video: h264 .*", shown)
    assert "yuv420p(tv, bt709, " in stream, stream
    written = subprocess.run(
        ["exiftool", "-s3", "-ColorPrimaries", "-TransferCharacteristics", "-MatrixCoefficients", clip],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert written == ["BT.709", "BT.709", "BT.709"]
