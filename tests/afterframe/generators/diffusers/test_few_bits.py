"""Weights in few bits: GGUF files in place of a transformer's, and repositories that were quantised before."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from afterframe.errors import GenerateError, NotFound
from afterframe.generators.diffusers import few_bits, hub
from afterframe.generators.diffusers.generator import Diffusers
from afterframe.generators.diffusers.profiles import ModelChoice, choose, packaged_profiles
from afterframe.imaging.frames import PreparedPhoto
from afterframe.scene import Scene
from factories import make_picture, make_recipe, make_settings

PROFILES = {profile.name: profile for profile in packaged_profiles()}


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    made = [tmp_path / "high Q4.gguf", tmp_path / "low Q4.GGUF"]
    for path in made:
        path.write_bytes(b"GGUF")
    return [str(path) for path in made]


# -- what may be named -----------------------------------------------------------------------------


def test_gguf_files_are_named_with_a_plus_like_loras(files: list[str], tmp_path: Path) -> None:
    spec = f"wan22-a14b+{files[0]}+{files[1]}+4-step"
    choice = choose(spec, tmp_path)
    assert [str(path) for path in choice.gguf] == files
    assert [lora.name for lora, _ in choice.loras] == ["4-step"]
    assert choice.spec == spec
    assert choice.unused == {"transformer", "transformer_2"}


@pytest.mark.parametrize(("model", "count"), [("wan22-a14b", 1), ("wan22-5b", 2)])
def test_each_transformer_needs_its_file(files: list[str], tmp_path: Path, model: str, count: int) -> None:
    with pytest.raises(NotFound, match=rf"not {count}\.") as caught:
        choose("+".join([model, *files[:count]]), tmp_path)
    assert "high noise" in caught.value.hint


def test_a_file_that_is_not_there_or_comes_from_outside_is_refused(files: list[str], tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="gone"):
        choose("wan22-5b+/gone.gguf", tmp_path)
    with pytest.raises(NotFound, match="high"):
        choose(f"wan22-5b+{files[0]}", tmp_path, folders=False)


def test_a_pull_leaves_out_the_weights_that_a_file_replaces(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = ("transformer", "transformer_2", "text_encoder", "vae")
    index = tmp_path / "model_index.json"
    index.write_text(json.dumps({part: ["diffusers", "Kind"] for part in parts}))

    class Api:
        def hf_hub_download(self, *_: object, **__: object) -> str:
            return str(index)

    def wanted(choice: ModelChoice) -> set[str]:
        ((_, _, wants),) = hub._wanted(Api(), choice)
        names = [f"{part}/{file}" for part in parts for file in ("config.json", "model.safetensors")]
        return {name for name in names if wants(name)}

    everything = wanted(choose("wan22-a14b", tmp_path))
    assert everything - wanted(choose("+".join(["wan22-a14b", *files]), tmp_path)) == {
        "transformer/model.safetensors",
        "transformer_2/model.safetensors",
    }
    with pytest.raises(NotFound, match="on this machine"):
        monkeypatch.setattr(hub, "choose", lambda *_, **__: ModelChoice(PROFILES["wan22-5b"], tmp_path))
        hub.plan_download(f"{tmp_path}+{files[0]}", tmp_path)


# -- repositories that were quantised --------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "method"),
    [
        ('{"quantization_config": {"quant_method": "torchao"}}', "torchao"),
        ('{"quantization_config": {}}', ""),
        ("{}", ""),
        ("[]", ""),
        ("no JSON", ""),
        (None, ""),
    ],
)
def test_a_part_says_how_it_was_quantised(tmp_path: Path, config: str | None, method: str) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    assert few_bits.quantised_by(tmp_path) == method


def test_a_quantised_part_names_the_package_that_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text('{"quantization_config": {"quant_method": "bitsandbytes"}}')
    monkeypatch.setattr(few_bits.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(GenerateError, match="bitsandbytes") as caught:
        few_bits.require_quantiser(tmp_path)
    assert "bitsandbytes" in caught.value.hint
    monkeypatch.setattr(few_bits.importlib.util, "find_spec", lambda name: name)
    assert few_bits.require_quantiser(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    assert not few_bits.require_quantiser(tmp_path)


# -- on the real pipelines -------------------------------------------------------------------------

Clip = npt.NDArray[np.uint8]


@pytest.fixture
def clip_of() -> Callable[..., Clip]:
    """Makes a clip with a model, by its spec; its record of the model goes into ``said``."""
    pytest.importorskip("torch")

    def make(spec: str, said: dict[str, Any] | None = None, plan: int = 0) -> Clip:
        generator = Diffusers(make_settings(), spec, plan)
        recipe = generator.adapt(make_recipe(duration_s=0.7, size=(64, 64)))
        photo = PreparedPhoto(np.asarray(make_picture(recipe.size)), (0, 0), Scene())
        frames = generator.generate(photo, recipe, lambda *told: None, lambda: False)
        clip = np.stack(list(frames.frames))
        assert frames.model is not None
        (said if said is not None else {}).update(frames.model.settings)
        generator.close()
        return clip

    return make


def write_gguf(folder: Path, part: str, target: Path) -> int:
    """A part's weights as GGUF: matrices in 8 bits (Q8_0, blocks of 32), all else as it is; how many matrices."""
    gguf = pytest.importorskip("gguf")
    from safetensors.torch import load_file

    (weights,) = (folder / part).glob("*.safetensors")
    writer = gguf.GGUFWriter(str(target), "wan")
    kind, count = gguf.GGMLQuantizationType.Q8_0, 0
    for name, tensor in load_file(weights).items():
        values = tensor.float().numpy()
        if values.ndim == 2 and values.shape[1] % 32 == 0:
            count += 1
            writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return count


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers and numpy 2
@pytest.mark.parametrize(
    ("family", "parts"), [("wan22-5b", ["transformer"]), ("wan22-a14b", ["transformer", "transformer_2"])]
)
def test_a_gguf_file_makes_nearly_the_same_clip_without_the_models_own_weights(
    clip_of: Callable[..., Clip], tmp_path: Path, family: str, parts: list[str]
) -> None:
    diffusers_tiny = pytest.importorskip("diffusers_tiny")
    folder = diffusers_tiny.make(family, tmp_path / "model")
    names = [str(tmp_path / f"{part}.gguf") for part in parts]
    assert all(write_gguf(folder, part, Path(name)) > 0 for part, name in zip(parts, names, strict=True))
    whole = clip_of(str(folder)).astype(int)
    for part in parts:
        for file in (folder / part).glob("*.safetensors"):
            file.unlink()
    said: dict[str, Any] = {}
    small = clip_of("+".join([str(folder), *names]), said)
    assert said["gguf"] == [Path(name).name for name in names]
    assert 0 < np.abs(small - whole).mean() < 4
    frugal = clip_of("+".join([str(folder), *names]), plan=3)  # 8-bit layers, groups of layers: it has few bits already
    assert np.abs(frugal.astype(int) - small).mean() < 4
    with pytest.raises(GenerateError, match="incomplete"):
        clip_of(str(folder))


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut", "empty", "other"])
def test_a_gguf_file_that_does_not_fit_is_named(clip_of: Callable[..., Clip], tmp_path: Path, damage: str) -> None:
    diffusers_tiny = pytest.importorskip("diffusers_tiny")
    folder = diffusers_tiny.make("wan22-5b", tmp_path / "model")
    file = tmp_path / "bad one.gguf"
    if damage == "other":
        other = diffusers_tiny.make("wan22-a14b", tmp_path / "other")
        write_gguf(other, "transformer", file)
    else:
        write_gguf(folder, "transformer", file)
        file.write_bytes(file.read_bytes()[: 5000 if damage == "cut" else 0])
    with pytest.raises(GenerateError, match=r"bad one\.gguf") as caught:
        clip_of(f"{folder}+{file}")
    assert caught.value.error_code == "model_damaged"
