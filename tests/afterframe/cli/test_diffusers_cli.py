"""`afterframe animate --generator diffusers --model DIR` and `afterframe models`, as real processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_hub import COMMIT, Hub, serve

import photometa
from clip_frames import read_frames
from factories import make_photo_file

diffusers_tiny = pytest.importorskip("diffusers_tiny")

pytestmark = pytest.mark.slow
EXPECTED = {
    # profile: (title, frames for 0.7 s, frames a second)
    "wan22-5b": ("Wan2.2-TI2V-5B", 17, 24),
    "wan22-a14b": ("Wan2.2-I2V-A14B", 17, 16),
    "ltx-2b": ("LTX-Video-0.9.5", 17, 25),
    "ltx2": ("LTX-2", 17, 24),
    "cogvideox": ("CogVideoX1.5-5B-I2V", 9, 16),
}

Command = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("models")
    return lambda family: diffusers_tiny.make(family, root / f"{family} ünï")


@pytest.fixture
def afterframe(home_of_its_own: Path) -> Command:
    """Runs a command with --json: its exit status and its document."""

    def run(*arguments: object, **environment: str) -> tuple[int, dict[str, Any]]:
        # One thread each: the models are so small that threads only wait for each other.
        surroundings = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", **environment}
        done = subprocess.run(
            [sys.executable, "-m", "afterframe", *map(str, arguments), "--json"],
            capture_output=True,
            env=surroundings,
            timeout=100,
            check=False,
        )
        assert done.stdout, done.stderr.decode()
        return done.returncode, json.loads(done.stdout)

    return run


# Each loads torch anew, which takes most of the time; test_diffusers.py runs every family in one process.
@pytest.mark.parametrize("family", EXPECTED if os.environ.get("AFTERFRAME_FULL") else ("wan22-5b", "ltx2"))
def test_a_photo_becomes_a_models_clip_with_a_true_record(
    afterframe: Command, models: Callable[[str], Path], tmp_path: Path, family: str
) -> None:
    photo = make_photo_file(tmp_path / "фото 0042.jpg")
    before = photo.read_bytes()
    recipe = ("--size", "96x64", "--duration", "0.7", "--seed", "7", "--prompt", "steam rises")
    status, answer = afterframe("animate", photo, "--generator", "diffusers", "--model", models(family), *recipe)
    (result,) = answer["results"]
    assert (status, result["state"], result["error"]) == (0, "done", None)
    (clip,) = result["clips"]
    title, count, fps = EXPECTED[family]
    assert len(read_frames(Path(clip["path"]), (96, 64))) == count
    written = photometa.read_sidecar(Path(clip["sidecar"]))
    assert written["Iptc4xmpExt:AISystemUsed"] == title
    assert str(written["Iptc4xmpExt:DigitalSourceType"]).endswith("trainedAlgorithmicMedia")
    assert "steam rises" in str(written["Iptc4xmpExt:AIPromptInformation"])
    settings = json.loads(str(written["afterframe:modelSettings"]))
    assert settings["num_inference_steps"] == diffusers_tiny.STEPS
    assert (written["afterframe:seed"], written["xmpDM:videoFrameRate"]) == ("7", str(fps))
    assert (b"mp4a" in Path(clip["path"]).read_bytes()) == (family == "ltx2")
    assert photo.read_bytes() == before


@pytest.mark.parametrize("what", ["missing", "cut short", "no loop"])
def test_what_cannot_be_done_is_told_in_words(
    afterframe: Command, models: Callable[[str], Path], tmp_path: Path, what: str
) -> None:
    photo = make_photo_file(tmp_path / "DSC_0042.jpg")
    folder = tmp_path / "not there" if what == "missing" else models("wan22-5b")
    if what == "cut short":
        (file,) = (folder / "vae").glob("*.safetensors")
        file.write_bytes(file.read_bytes()[:-100])
    extra = ("--loop",) if what == "no loop" else ()
    status, answer = afterframe(
        "animate", photo, "--generator", "diffusers", "--model", folder, "--size", "96x64", *extra
    )
    assert status == 1
    (result,) = answer["results"]
    assert result["clips"] == []
    error = result["error"]
    assert error["code"] == {"missing": "no_model", "cut short": "model_damaged", "no loop": "no_last_frame"}[what]
    assert error["hint"]
    if what != "no loop":
        assert str(folder) in error["message"]
    assert {path.name for path in tmp_path.iterdir() if path.suffix} == {"DSC_0042.jpg"}


# -- models ------------------------------------------------------------------------------------


def put_in_cache(cache: Path, tiny: Path, repository: str) -> Path:
    """A made model in the layout of the Hugging Face cache."""
    folder = cache / ("models--" + repository.replace("/", "--"))
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("c" * 40, "utf-8")
    snapshot = folder / "snapshots" / ("c" * 40)
    shutil.copytree(tiny, snapshot)
    return snapshot


def test_models_are_listed_found_and_removed(
    afterframe: Command, models: Callable[[str], Path], tmp_path: Path
) -> None:
    cache = tmp_path / "the cache"
    snapshot = put_in_cache(cache, models("wan22-5b"), "Wan-AI/Wan2.2-TI2V-5B-Diffusers")
    place = {"HF_HUB_CACHE": str(cache)}
    _, listed = afterframe("models", "list", **place)
    here = {model["name"]: model["folder"] for model in listed["models"]}
    assert here["wan22-5b"] == str(snapshot)
    assert here["ltx2"] is None
    assert all(model["licence"]["url"] for model in listed["models"])
    assert afterframe("models", "where", "wan22-5b", **place) == (0, {"path": str(snapshot)})
    assert afterframe("models", "where", "ltx2", **place) == (1, {"path": None})
    assert afterframe("models", "where", **place) == (0, {"path": str(cache)})
    status, removed = afterframe("models", "remove", "wan22-5b", "--yes", **place)
    assert status == 0
    assert removed["freed"] > 1000
    assert not snapshot.exists()
    status, again = afterframe("models", "remove", "wan22-5b", "--yes", **place)
    assert (status, again["error"]["code"]) == (1, "no_model")


def test_without_a_connection_nothing_is_pulled_and_it_says_so(afterframe: Command, tmp_path: Path) -> None:
    status, answer = afterframe("models", "pull", "wan22-5b", "--yes", HF_HUB_CACHE=str(tmp_path / "cache"))
    assert (status, answer["error"]["code"]) == (1, "no_connection")


@pytest.fixture
def hub(models: Callable[[str], Path], tmp_path: Path) -> Iterator[Hub]:
    """A hub that holds the tiny Wan 5B, with files beside it that nobody needs."""
    folder = tmp_path / "repository"
    shutil.copytree(models("wan22-5b"), folder)
    (folder / "everything-in-one.safetensors").write_bytes(bytes(1000))
    (folder / "transformer" / "diffusion_pytorch_model.fp16.safetensors").write_bytes(bytes(1000))
    (folder / "text_encoder" / "pytorch_model.bin").write_bytes(bytes(1000))
    (folder / "transformer" / "model.py").write_text("import os")
    with serve(Hub("Wan-AI/Wan2.2-TI2V-5B-Diffusers", folder)) as served:
        yield served


def test_a_model_is_pulled_whole_and_only_what_is_needed(afterframe: Command, hub: Hub, tmp_path: Path) -> None:
    place = {"HF_HUB_CACHE": str(tmp_path / "cache"), "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
    status, answer = afterframe("models", "pull", "wan22-5b", "--yes", **place)
    assert status == 0, answer
    assert answer["folder"].endswith(COMMIT)
    assert 0 < answer["missing_bytes"] <= answer["download_bytes"]
    assert answer["disk_bytes"] > 1000
    unwanted = {"everything-in-one.safetensors", "text_encoder/pytorch_model.bin", "transformer/model.py"}
    assert not unwanted & hub.fetched()
    assert "transformer/diffusion_pytorch_model.fp16.safetensors" not in hub.fetched()
    assert "vae/diffusion_pytorch_model.safetensors" in hub.fetched()
    status, again = afterframe("models", "pull", "wan22-5b", "--yes", **place)
    assert (status, again["missing_bytes"]) == (0, 0)


def test_a_download_that_broke_off_goes_on(afterframe: Command, hub: Hub, tmp_path: Path) -> None:
    place = {"HF_HUB_CACHE": str(tmp_path / "cache"), "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
    header = json.dumps({"filler": {"dtype": "U8", "shape": [24 << 20], "data_offsets": [0, 24 << 20]}}).encode()
    large = hub.folder / "vae" / "large.safetensors"
    large.write_bytes(len(header).to_bytes(8, "little") + header + bytes(24 << 20))
    hub.breaks_after = 15 << 20  # what comes is kept in pieces of 10 MB
    for _ in range(3):
        status, answer = afterframe("models", "pull", "wan22-5b", "--yes", **place)
        if status == 0:
            break
        assert answer["error"]["code"] == "no_connection"
    assert status == 0
    assert any(asked.startswith("bytes=") for _, path, asked in hub.asked if path.endswith("large.safetensors"))


def test_a_licence_that_was_not_accepted_is_told_with_its_address(
    afterframe: Command, hub: Hub, tmp_path: Path
) -> None:
    hub.gated = True
    place = {"HF_HUB_CACHE": str(tmp_path / "cache"), "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
    status, answer = afterframe("models", "pull", "wan22-5b", "--yes", **place)
    assert (status, answer["error"]["code"]) == (1, "licence_not_accepted")
    assert "https://" in answer["error"]["hint"]


def test_nothing_is_fetched_without_a_yes(hub: Hub, tmp_path: Path) -> None:
    place = {"HF_HUB_CACHE": str(tmp_path / "cache"), "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-m", "afterframe", "models", "pull", "wan22-5b"]
    done = subprocess.run(
        command,
        env={**os.environ, **place},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert "Apache-2.0" in done.stdout
    assert "to be downloaded" in done.stdout
    assert hub.fetched() <= {"model_index.json"}
