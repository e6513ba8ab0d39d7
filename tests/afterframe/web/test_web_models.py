"""The models as the page shows them: no GPU, a GPU of some size, packages that are missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from web_fixtures import Desk, make_desk  # noqa: F401 - a fixture

from afterframe.generators.diffusers import device, weights
from afterframe.generators.diffusers.device import TorchDevice

CARD = TorchDevice("cuda", "NVIDIA RTX 4090", 23.0, 24.0)
SMALL = TorchDevice("cuda", "NVIDIA GTX 1050", 3.5, 4.0)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no GPU, all packages."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(device, "reported", lambda: None)
    monkeypatch.setattr(weights, "packages_missing", list)
    return tmp_path / "hub"


def put_model(cache: Path, repository: str, data: bytes = b"x" * 1000) -> Path:
    """A model with one part, as the Hugging Face cache keeps it."""
    folder = cache / ("models--" + repository.replace("/", "--"))
    snapshot = folder / "snapshots" / "abc"
    (snapshot / "vae").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc", "utf-8")
    (snapshot / "model_index.json").write_text(json.dumps({"_class_name": "X", "vae": ["diffusers", "VAE"]}), "utf-8")
    (snapshot / "vae" / "weights.safetensors").write_bytes(data)
    return snapshot


def test_models_are_told_with_their_licence_size_and_the_command_that_brings_them(desk: Desk, cache: Path) -> None:
    folder = put_model(cache, "Wan-AI/Wan2.2-TI2V-5B-Diffusers")
    told = desk.good("GET", "/api/models")
    assert (told["gpu"], told["packages_missing"], told["cache"]) == (None, [], str(cache))
    models = {model["name"]: model for model in told["models"]}
    here, away = models["wan22-5b"], models["ltx-2b"]
    assert (here["folder"], here["disk_bytes"], here["auto"], here["fits"]) == (str(folder), 1000, False, None)
    assert here["licence"] == {
        "name": "Apache-2.0",
        "url": "https://huggingface.co/Wan-AI/Wan2.2-TI2V-5B-Diffusers",
        "note": "",
    }
    assert (away["folder"], away["disk_bytes"]) == (None, 0)
    assert away["pull"].endswith("afterframe models pull ltx-2b")


@pytest.mark.parametrize(
    ("card", "fits"), [(CARD, "slower"), (SMALL, "no"), (TorchDevice("cuda", "", 80, 80), "whole")]
)
def test_what_fits_the_gpu_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch, card: TorchDevice, fits: str) -> None:
    monkeypatch.setattr(device, "reported", lambda: card)
    told = desk.good("GET", "/api/models")
    assert told["gpu"] == {"name": card.name, "memory_gb": card.total_gb}
    assert {model["name"]: model["fits"] for model in told["models"]}["wan22-5b"] == fits


def test_what_auto_takes_is_marked_where_it_can_be_known(
    desk: Desk, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def auto() -> list[str]:
        return [model["name"] for model in desk.good("GET", "/api/models")["models"] if model["auto"]]

    monkeypatch.setattr(device, "reported", lambda: CARD)
    assert auto() == []
    put_model(cache, "Wan-AI/Wan2.2-TI2V-5B-Diffusers")
    assert auto() == ["wan22-5b"]
    put_model(cache, "Lightricks/LTX-Video-0.9.5")
    assert len(auto()) == 1
    monkeypatch.setattr(device, "reported", lambda: TorchDevice("cuda", "AMD", 0, 0))
    assert auto() == []


def test_without_the_extra_it_says_how_to_install_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "packages_missing", lambda: ["torch", "diffusers"])
    monkeypatch.setattr(device, "reported", lambda: CARD)
    told = desk.good("GET", "/api/models")
    assert told["packages_missing"] == ["torch", "diffusers"]
    assert "pip install" in told["install"]
    assert len(told["models"]) >= 5
    assert not any(model["auto"] for model in told["models"])


def test_a_broken_profile_is_told_in_words(desk: Desk) -> None:
    folder = desk.services.home.models
    folder.mkdir()
    (folder / "mine.toml").write_text("name = ", "utf-8")
    response = desk.ask("GET", "/api/models")
    assert response.status_code >= 400
    assert "mine.toml" in response.get_json()["error"]["message"]
    assert desk.browser().get("/settings").status_code == 200


def test_looking_at_models_loads_none_of_them() -> None:
    code = (
        "import pathlib, sys; from afterframe.generators.diffusers.model_list import list_models;"
        "list_models(pathlib.Path('none'));"
        "sys.exit(bool({'torch', 'diffusers', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
