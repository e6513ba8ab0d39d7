"""`afterframe extend` and takes, with a real worker process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from afterframe.cli.main import main
from afterframe.config import Home
from clip_frames import read_frames
from factories import make_photo_file, make_picture

pytestmark = pytest.mark.slow
SMALL = ("--size", "96x64", "--duration", "0.5", "--fps", "8", "--generator", "parallax")


def run(*words: object, status: int = 0) -> Any:
    result = CliRunner().invoke(main, [*map(str, words), "--json"])
    assert result.exit_code == status, result.output
    return json.loads(result.stdout)["results"]


def test_a_clip_is_made_longer_also_after_everything_was_forgotten(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    photo = make_photo_file(folder / "DSC_0042.jpg")
    (made,) = run("animate", photo, *SMALL)
    clip = made["clips"][0]["path"]
    (longer,) = run("extend", clip, "--seconds", "0.5")
    assert longer["clip"] == clip
    second = longer["clips"][0]["path"]
    assert second == str(folder / "DSC_0042_motion-v2.mp4")
    before, after = read_frames(Path(clip), (96, 64)), read_frames(Path(second), (96, 64))
    assert len(after) == 2 * len(before)
    assert np.abs(np.stack(after[: len(before)]).astype(int) - before).mean() < 3
    for file in Home.find().root.glob("state.db*"):
        file.unlink()
    (third,) = run("extend", second, "--seconds", "0.5")
    assert third["clips"][0]["path"] == str(folder / "DSC_0042_motion-v3.mp4")
    assert len(read_frames(Path(third["clips"][0]["path"]), (96, 64))) == 3 * len(before)


def test_what_is_no_clip_of_ours_is_refused(tmp_path: Path) -> None:
    film = tmp_path / "holiday.mp4"
    film.write_bytes(b"not ours")
    (refused,) = run("extend", film, "--seconds", "1", status=1)
    assert (refused["state"], refused["error"]["code"]) == ("refused", "no_clip")
    photo = make_photo_file(tmp_path / "DSC_0042.jpg")
    (refused,) = run("extend", photo, "--seconds", "1", status=1)
    assert refused["error"]["code"] == "no_clip"
    assert CliRunner().invoke(main, ["extend", str(film), "--seconds", "99"]).exit_code == 2


def test_parallax_makes_one_take_and_says_why(tmp_path: Path) -> None:
    (made,) = run("animate", make_photo_file(tmp_path / "DSC_0042.jpg"), *SMALL, "--takes", "3")
    sidecar = Path(made["clips"][0]["sidecar"]).read_text("utf-8")
    assert "takes: parallax moves the photo's own pixels" in sidecar


def test_a_clip_goes_from_photo_to_photo(tmp_path: Path) -> None:
    wide = np.asarray(make_picture((420, 160)))
    noise = np.random.default_rng(1).integers(0, 256, (160, 240, 3), np.uint8)
    for name, picture in (("a", wide[:, 60:300]), ("b", wide[:, 80:320]), ("c", noise)):
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    options = ("--size", "240x160", "--duration", "1", "--fps", "8", "--generator", "parallax", "--end-photo")
    (made,) = run("animate", tmp_path / "a.png", *options, tmp_path / "b.png")
    frames = read_frames(Path(made["clips"][0]["path"]), (240, 160))
    assert np.abs(frames[0].astype(int) - wide[:, 60:300]).mean() < 4
    assert np.abs(frames[-1].astype(int) - wide[:, 80:320]).mean() < 4
    assert "compositeCapture" in Path(made["clips"][0]["sidecar"]).read_text("utf-8")
    (failed,) = run("animate", tmp_path / "a.png", *options, tmp_path / "c.png", status=1)
    assert failed["error"]["code"] == "photos_apart"
