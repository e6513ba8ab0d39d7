"""The real pipelines of diffusers on tiny random weights, on the processor."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from afterframe.domain import Direction, Recipe
from afterframe.errors import Cancelled, GenerateError, OutOfMemory
from afterframe.generators.diffusers import acceleration, engine
from afterframe.generators.diffusers.families import FAMILIES, PipelineInput
from afterframe.generators.diffusers.generator import Diffusers
from afterframe.generators.diffusers.profiles import packaged_profiles, parse
from afterframe.generators.diffusers.timings import PhaseProgress
from afterframe.generators.registry import load
from afterframe.imaging.frames import Frames, PreparedPhoto
from afterframe.scene import Scene
from factories import make_picture, make_recipe, make_settings

diffusers_tiny = pytest.importorskip("diffusers_tiny")
torch = pytest.importorskip("torch")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # diffusers and numpy 2
]
Clip = npt.NDArray[np.uint8]
TITLES = {profile.name: profile.title for profile in packaged_profiles()}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the models are so small that threads only wait for each other
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("models")

    def model(family: str) -> Path:
        folder = root / f"{family} ünï"
        return folder if folder.is_dir() else diffusers_tiny.make(family, folder)

    return model


def recipe_for(**changes: Any) -> Recipe:
    return make_recipe(**{"duration_s": 0.7, "size": (64, 64), **changes})


def start(generator: Diffusers, recipe: Recipe, **hooks: Any) -> Frames:
    width, height = recipe.size
    photo = PreparedPhoto(np.asarray(make_picture((width, height))), (0, 0), Scene())
    return generator.generate(
        photo, recipe, hooks.get("progress", lambda *told: None), hooks.get("cancelled", lambda: False)
    )


def clip_of(generator: Diffusers, recipe: Recipe, **hooks: Any) -> Clip:
    return np.stack(list(start(generator, recipe, **hooks).frames))


@pytest.fixture
def made(models: Callable[[str], Path]) -> Iterator[Callable[..., Diffusers]]:
    """Makes generators for tiny models, and closes them."""
    alive: list[Diffusers] = []

    def make(family: str, plan: int = 0, lora: str = "") -> Diffusers:
        alive.append(Diffusers(make_settings(), f"{models(family)}{lora}", plan))
        return alive[-1]

    yield make
    for generator in alive:
        generator.close()


@pytest.mark.parametrize("family", diffusers_tiny.MAKERS)
def test_seeds_decide_and_a_cancelled_clip_spoils_nothing(made: Callable[..., Diffusers], family: str) -> None:
    generator = made(family)
    recipe = generator.adapt(recipe_for(size=(70, 58)))
    clip = clip_of(generator, recipe)
    width, height = recipe.size
    assert clip.shape == (recipe.frame_count, height, width, 3)
    assert width % generator.capabilities.grid == height % generator.capabilities.grid == 0

    steps: list[float] = []
    with pytest.raises(Cancelled):
        clip_of(generator, recipe, progress=lambda share, *_: steps.append(share), cancelled=lambda: len(steps) >= 2)
    assert len(steps) <= 3  # text, one step, and no more than the one that was under way

    assert np.array_equal(clip_of(generator, recipe), clip)
    assert not np.array_equal(clip_of(generator, replace(recipe, seed=8)), clip)


def test_other_words_give_another_clip(made: Callable[..., Diffusers]) -> None:
    generator = made("ltx-2b")
    recipe = generator.adapt(recipe_for())
    assert not np.array_equal(clip_of(generator, recipe), clip_of(generator, replace(recipe, prompt="a zebra runs")))


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("wan22-a14b", {"loop": True}),
        ("ltx-2b", {"direction": Direction.BEFORE}),
        ("ltx2", {"loop": True}),
    ],
)
def test_a_last_frame_reaches_the_model(made: Callable[..., Diffusers], family: str, changes: dict[str, Any]) -> None:
    generator = made(family)
    recipe = generator.adapt(recipe_for(**changes))
    usual = clip_of(generator, generator.adapt(recipe_for()))
    clip = clip_of(generator, recipe)
    assert len(clip) == recipe.frame_count == len(usual) - recipe.loop
    assert not np.array_equal(clip, usual[: len(clip)])


@pytest.mark.parametrize("family", ["ltx-2b", "ltx2"])
def test_another_photo_at_the_end_reaches_the_model(made: Callable[..., Diffusers], family: str) -> None:
    generator = made(family)
    recipe = generator.adapt(recipe_for(end_photo="/photos/b.jpg"))
    width, height = recipe.size
    photo = PreparedPhoto(np.asarray(make_picture((width, height))), (0, 0), Scene())
    clips = []
    for level in (0, 255):
        ending = replace(photo, end=np.full((height, width, 3), level, np.uint8))
        clips.append(np.stack(list(generator.generate(ending, recipe, lambda *_: None, lambda: False).frames)))
    assert len(clips[0]) == recipe.frame_count
    assert not np.array_equal(*clips)


def test_wan_takes_another_photo_as_its_last_image() -> None:
    first, last = (make_picture((64, 64), seed) for seed in (0, 5))
    recipe = recipe_for(end_photo="/photos/b.jpg")
    told = FAMILIES["wan"].conditions(PipelineInput(first, recipe, 17, 1.0, last))
    assert (told["image"], told["last_image"]) == (first, last)


@pytest.mark.parametrize(("steps", "cheap"), [(12, 5), (7, 4), (3, 3)])
def test_a_take_has_fewer_steps_from_the_same_noise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int, cheap: int
) -> None:
    generator = Diffusers(make_settings(), str(diffusers_tiny.make("ltx-2b", tmp_path / "model", steps)))
    done: list[int] = []
    step = PhaseProgress.step
    monkeypatch.setattr(PhaseProgress, "step", lambda tracker: (done.append(1), step(tracker))[1])
    recipe = generator.adapt(recipe_for())
    photo = PreparedPhoto(np.asarray(make_picture(recipe.size)), (0, 0), Scene())
    take = np.stack(list(generator.take(photo, recipe, lambda *_: None, lambda: False).frames))
    assert len(done) == cheap
    done.clear()
    clip = clip_of(generator, recipe)
    assert len(done) == steps
    assert take.shape == clip.shape
    other = clip_of(generator, replace(recipe, seed=8))
    assert np.abs(take.astype(int) - clip).mean() <= np.abs(take.astype(int) - other).mean()
    generator.close()


@pytest.mark.parametrize("family", ["wan22-5b", "cogvideox"])
def test_a_model_without_a_last_frame_refuses_before_it_loads(made: Callable[..., Diffusers], family: str) -> None:
    generator = made(family)
    with pytest.raises(GenerateError, match="loop"):
        generator.adapt(recipe_for(loop=True))
    with pytest.raises(GenerateError, match="end with another photo"):
        generator.adapt(recipe_for(end_photo="/photos/b.jpg"))
    with pytest.raises(GenerateError, match="end with the photo"):
        generator.adapt(recipe_for(direction=Direction.BEFORE))


def test_sound_comes_with_the_pictures_and_is_as_long(made: Callable[..., Diffusers]) -> None:
    generator = made("ltx2")
    frames = start(generator, generator.adapt(recipe_for()))
    assert len(list(frames.frames)) == frames.count
    sound = frames.sound()
    assert sound is not None
    assert sound.rate == 16_000
    assert sound.samples.shape == (round(frames.count / frames.fps * 16_000), 2)
    assert float(np.abs(sound.samples).max()) <= 1.0


def test_the_record_says_what_was_run(made: Callable[..., Diffusers]) -> None:
    generator = made("wan22-5b")
    recipe = generator.adapt(recipe_for(style_consistency=0.9))
    model = start(generator, recipe).model
    assert model is not None
    assert model.name == TITLES["wan22-5b"]
    assert model.prompt.startswith(recipe.prompt)
    assert len(model.prompt) > len(recipe.prompt)
    assert model.settings["num_inference_steps"] == diffusers_tiny.STEPS
    assert model.settings["guidance_scale"] == 5.0
    assert model.settings["precision"] == "float32"


def test_the_photo_is_compressed_as_the_model_saw_it_in_training_and_less_for_less_motion(
    made: Callable[..., Diffusers],
) -> None:
    generator = made("ltx2")
    photo = np.asarray(make_picture((64, 64)))
    seen, recorded = [], []
    for motion in (0.0, 0.5, 1.0):
        recipe = generator.adapt(recipe_for(motion_intensity=motion))
        assert generator._engine is not None
        (held,) = generator._engine._call(photo, recipe)["conditions"]
        seen.append(float(np.abs(np.asarray(held.frames).astype(int) - photo).mean()))
        recorded.append(start(generator, recipe).model.settings["image_crf"])  # type: ignore[union-attr]
        assert held.crf == 0
    assert recorded == [0, 16, 33]
    assert seen[0] == 0
    assert 0 < seen[1] < seen[2]


def test_parts_that_a_profile_does_not_use_need_not_be_there(made: Callable[..., Diffusers], tmp_path: Path) -> None:
    folder = diffusers_tiny.make("ltx25", tmp_path / "with a rewriter")
    index = json.loads((folder / "model_index.json").read_text("utf-8"))
    index |= {
        "duration_head": ["ltx2", "LTX2DurationHead"],
        "prompt_enhancer": ["transformers", "Gemma3ForConditionalGeneration"],
    }
    (folder / "model_index.json").write_text(json.dumps(index), "utf-8")
    generator = Diffusers(make_settings(), str(folder))
    recipe = generator.adapt(recipe_for())
    assert len(clip_of(generator, recipe)) == recipe.frame_count
    generator.close()


# -- warm --------------------------------------------------------------------------------------


def test_a_model_stays_loaded_and_is_unloaded_when_closed(made: Callable[..., Diffusers]) -> None:
    generator = made("ltx-2b")
    recipe = generator.adapt(recipe_for())
    clip_of(generator, recipe)
    assert generator._engine is not None
    transformer = weakref.ref(generator._engine._pipeline.transformer)
    clip_of(generator, replace(recipe, seed=2))
    assert transformer() is generator._engine._pipeline.transformer
    generator.close()
    gc.collect()
    assert transformer() is None
    assert len(clip_of(generator, recipe)) == recipe.frame_count


def test_prompts_are_encoded_once_and_the_text_encoder_need_not_load(made: Callable[..., Diffusers]) -> None:
    first = made("wan22-5b")
    recipe = first.adapt(recipe_for())
    clip = clip_of(first, recipe)
    second = made("wan22-5b")
    second.adapt(recipe_for())
    again = clip_of(second, recipe)
    assert second._engine is not None
    assert second._engine._reader is None
    assert np.array_equal(again, clip)


def test_the_text_encoder_goes_when_the_plan_says_so(made: Callable[..., Diffusers]) -> None:
    generator = made("wan22-5b", plan=3)
    clip_of(generator, generator.adapt(recipe_for()))
    assert generator._engine is not None
    assert generator._engine.plan.text_encoder == "free"
    assert generator._engine._reader is None


def test_a_second_clip_knows_how_long_it_will_take(made: Callable[..., Diffusers]) -> None:
    generator = made("ltx-2b")
    recipe = generator.adapt(recipe_for())
    clip_of(generator, recipe)
    told: list[tuple[float, float | None]] = []
    clip_of(generator, recipe, progress=lambda share, eta=None: told.append((share, eta)))
    assert told[0][1] is not None
    assert told[-1][1] == pytest.approx(0, abs=1e-6)


# -- memory ------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["wan22-5b", "ltx2", "cogvideox"])
def test_the_most_frugal_plan_runs_too(made: Callable[..., Diffusers], family: str) -> None:
    """8-bit layers, groups of layers brought in one by one, tiles: all of it works without a GPU."""
    plans = len(parse(diffusers_tiny.profile_text(family), family).plans)
    generator = made(family, plan=plans - 1)
    recipe = generator.adapt(recipe_for())
    clip = clip_of(generator, recipe)
    assert len(clip) == recipe.frame_count
    assert "groups of layers" in str(start(generator, recipe).model.settings["memory_plan"])  # type: ignore[union-attr]
    with pytest.raises(Cancelled):
        steps: list[float] = []
        clip_of(generator, recipe, progress=lambda share, *_: steps.append(share), cancelled=lambda: len(steps) >= 2)
    assert np.array_equal(clip_of(generator, recipe), clip)


def test_groups_of_layers_in_main_memory_change_no_pixel(
    made: Callable[..., Diffusers], models: Callable[[str], Path]
) -> None:
    whole = made("ltx-2b")
    recipe = whole.adapt(recipe_for())
    clip = clip_of(whole, recipe)
    parted = made("ltx-2b", plan=3)
    parted.adapt(recipe)
    assert parted._engine is not None
    parted._engine.plan = replace(parted._engine.plan, fp8=False, tiling=False)
    assert np.array_equal(clip_of(parted, recipe), clip)


def test_out_of_memory_names_the_next_plan_and_is_remembered(
    made: Callable[..., Diffusers], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = made("wan22-5b")
    recipe = generator.adapt(recipe_for())
    clip_of(generator, recipe)
    assert generator._engine is not None

    def no_room(*given: object, **named: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(generator._engine._pipeline.transformer, "forward", no_room)
    with pytest.raises(OutOfMemory) as caught:
        clip_of(generator, recipe)
    assert caught.value.smaller_plan == 1
    assert "everything on the GPU" in caught.value.message
    following = made("wan22-5b")
    following.adapt(recipe)
    assert following._number == 1


def test_the_last_plan_has_no_next(made: Callable[..., Diffusers], monkeypatch: pytest.MonkeyPatch) -> None:
    generator = made("wan22-5b", plan=3)
    recipe = generator.adapt(recipe_for())
    assert generator._engine is not None

    def no_room(*given: object, **named: object) -> None:
        raise MemoryError

    monkeypatch.setattr(generator._engine, "_denoise", no_room)
    with pytest.raises(OutOfMemory) as caught:
        clip_of(generator, recipe)
    assert caught.value.smaller_plan is None


# -- speed -------------------------------------------------------------------------------------


def test_an_acceleration_that_fails_is_switched_off_and_the_clip_is_made(
    made: Callable[..., Diffusers], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = made("ltx-2b")
    recipe = generator.adapt(recipe_for())
    clip = clip_of(generator, recipe)
    assert generator._engine is not None
    speed = generator._engine._acceleration
    assert speed is not None

    def no_compiler(graph: object, inputs: object) -> None:
        raise RuntimeError("no C++ compiler")

    for block in generator._engine._pipeline.transformer.transformer_blocks:
        block.compile(backend=no_compiler)
    speed.compiled = True
    assert np.array_equal(clip_of(generator, recipe), clip)
    assert not speed.on


@pytest.mark.parametrize("family", ["wan22-5b", "ltx-2b", "ltx2"])
def test_a_back_end_without_masks_never_meets_the_texts_mask(
    made: Callable[..., Diffusers], monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    """torch's flash attention takes no mask, on the processor too."""
    monkeypatch.setattr(acceleration, "attention_for", lambda device: "_native_flash")
    generator = made(family)
    recipe = generator.adapt(recipe_for())
    clip_of(generator, recipe)
    assert generator._engine is not None
    assert generator._engine.settings(recipe)["attention"] == "_native_flash"


def test_a_back_end_that_fails_is_dropped_remembered_and_not_tried_again(
    made: Callable[..., Diffusers], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = made("ltx-2b")
    recipe = usual.adapt(recipe_for())
    clip = clip_of(usual, recipe)
    tried: list[int] = []
    monkeypatch.setattr(acceleration, "attention_for", lambda device: "flash")  # which is not installed
    monkeypatch.setattr(engine.Acceleration, "drop", counted(engine.Acceleration.drop, tried))
    for drops, plan in ((1, 0), (1, 0), (2, 1)):
        generator = made("ltx-2b", plan=plan)
        generator.adapt(recipe)
        assert plan or np.array_equal(clip_of(generator, recipe), clip)
        if plan:
            clip_of(generator, recipe)
        assert len(tried) == drops  # another plan has not failed yet
        assert generator._engine is not None
        assert generator._engine.settings(recipe)["attention"] == "native"


def counted(method: Callable[..., Any], calls: list[int]) -> Callable[..., Any]:
    def call(*given: Any) -> Any:
        calls.append(1)
        return method(*given)

    return call


@pytest.mark.parametrize(("guidance", "texts"), [(1.0, 1), (3.0, 2)])
def test_the_negative_prompt_is_encoded_only_where_it_counts(
    made: Callable[..., Diffusers], monkeypatch: pytest.MonkeyPatch, guidance: float, texts: int
) -> None:
    generator = made("wan22-5b")
    generator._choice = replace(
        generator._choice, profile=replace(generator._choice.profile, parameters={"guidance_scale": guidance})
    )
    encoded: list[int] = []
    monkeypatch.setattr(engine.Engine, "_encode", counted(engine.Engine._encode, encoded))
    recipe = generator.adapt(recipe_for(prompt=f"a cup at {guidance}", negative_prompt=f"haste at {guidance}"))
    clip_of(generator, recipe)
    assert len(encoded) == texts
    model = start(generator, recipe).model
    assert model is not None
    assert bool(model.settings["negative_prompt"]) == (texts == 2)


# -- LoRAs -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lora(models: Callable[[str], Path]) -> Path:
    """A LoRA with random weights for the tiny Wan 5B, as diffusers saves one."""
    import diffusers
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    folder = models("wan22-5b")
    transformer = diffusers.WanTransformer3DModel.from_pretrained(str(folder), subfolder="transformer")
    torch.manual_seed(1)
    transformer.add_adapter(LoraConfig(r=4, target_modules=["to_q", "to_v"], init_lora_weights=False))
    layers = get_peft_model_state_dict(transformer)
    target = folder.parent / "a film.safetensors"
    diffusers.WanImageToVideoPipeline.save_lora_weights(
        str(target.parent), transformer_lora_layers=layers, weight_name=target.name
    )
    return target


def test_a_lora_counts_by_its_weight(made: Callable[..., Diffusers], lora: Path) -> None:
    clips = []
    for suffix in ("", f"+{lora}=0", f"+{lora}=1"):
        generator = made("wan22-5b", lora=suffix)
        recipe = generator.adapt(recipe_for())
        clips.append(clip_of(generator, recipe).astype(int))
    assert np.abs(clips[1] - clips[0]).max() <= 1
    assert np.abs(clips[2] - clips[0]).max() > 1


def test_a_lora_becomes_part_of_the_weights_unless_they_have_8_bits(made: Callable[..., Diffusers], lora: Path) -> None:
    for plan, kept in ((0, {}), (3, {"transformer": 1})):
        generator = made("wan22-5b", plan=plan, lora=f"+{lora}=1")
        clip_of(generator, generator.adapt(recipe_for()))
        assert generator._engine is not None
        adapters = generator._engine._pipeline.get_list_adapters()
        assert {part: len(names) for part, names in adapters.items()} == kept


@pytest.mark.logs_errors  # diffusers' own
def test_a_lora_of_another_model_is_refused(made: Callable[..., Diffusers], lora: Path) -> None:
    generator = made("ltx-2b", lora=f"+{lora}")
    recipe = generator.adapt(recipe_for())
    with pytest.raises(GenerateError, match=r"a film\.safetensors") as caught:
        clip_of(generator, recipe)
    assert caught.value.error_code == "bad_lora"


# -- what goes wrong ---------------------------------------------------------------------------


def test_weights_that_are_cut_short_are_named(made: Callable[..., Diffusers], tmp_path: Path) -> None:
    folder = diffusers_tiny.make("ltx-2b", tmp_path / "ltx")
    (file,) = (folder / "transformer").glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-100])
    generator = load(f"diffusers:{folder}", make_settings())
    with pytest.raises(GenerateError, match="cut short") as caught:
        generator.adapt(recipe_for())
    assert str(file) in caught.value.message


def test_weights_of_another_shape_are_told_in_words(tmp_path: Path) -> None:
    folder = diffusers_tiny.make("ltx-2b", tmp_path / "ltx")
    (config,) = (folder / "transformer").glob("config.json")
    config.write_text(config.read_text("utf-8").replace('"cross_attention_dim": 32', '"cross_attention_dim": 64'))
    generator = load(f"diffusers:{folder}", make_settings())
    with pytest.raises(Exception, match=r"LTX|size mismatch|shape") as caught:
        list(start(generator, generator.adapt(recipe_for())).frames)  # type: ignore[arg-type]
    assert not isinstance(caught.value, OutOfMemory)


def test_a_large_model_is_refused_without_a_gpu(
    made: Callable[..., Diffusers], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "SLOW_ON_CPU_GB", 1e-6)
    with pytest.raises(GenerateError) as caught:
        made("wan22-5b").adapt(recipe_for())
    assert caught.value.error_code == "no_gpu"


def test_missing_packages_are_named(made: Callable[..., Diffusers], monkeypatch: pytest.MonkeyPatch) -> None:
    generator = made("wan22-5b")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ftfy" else object())
    with pytest.raises(GenerateError, match="ftfy") as caught:
        generator.adapt(recipe_for())
    assert caught.value.error_code == "no_packages"


def test_numbers_that_overflowed_are_no_picture() -> None:
    made = engine.ModelOutput(torch.full((2, 3, 4, 4), float("nan")), None)
    with pytest.raises(GenerateError) as caught:
        list(made.pixels())
    assert caught.value.error_code == "bad_frames"
