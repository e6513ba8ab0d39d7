"""What fast, standard and best mean for a model: its profile says it; each lever on the real pipelines, on and off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from afterframe.domain import Quality, Recipe
from afterframe.errors import ConfigError
from afterframe.generators.diffusers import acceleration
from afterframe.generators.diffusers.generator import Diffusers
from afterframe.generators.diffusers.profiles import Lora, ModelChoice, packaged_profiles, parse
from afterframe.imaging.frames import PreparedPhoto
from afterframe.scene import Scene
from factories import make_picture, make_recipe, make_settings

diffusers_tiny = pytest.importorskip("diffusers_tiny")
torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers and numpy 2
PROFILES = {profile.name: profile for profile in packaged_profiles()}
Clip = npt.NDArray[np.uint8]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


# -- what the profiles say -------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROFILES)
def test_fast_is_quicker_and_best_leaves_nothing_out(name: str) -> None:
    usual = ModelChoice(PROFILES[name])
    fast, standard, best = (usual.at(quality, ()) for quality in Quality)
    assert fast.profile.megapixels < standard.profile.megapixels == best.profile.megapixels
    assert fast.steps <= standard.steps <= best.steps
    assert standard.steps == PROFILES[name].steps
    assert not best.cache.kind


@pytest.mark.parametrize("name", [name for name, profile in PROFILES.items() if profile.steps < 10])
def test_a_distilled_model_takes_no_step_over(name: str) -> None:
    assert not any(level.cache.kind for level in PROFILES[name].qualities.values())


def test_a_distillation_that_is_on_this_machine_is_what_fast_means() -> None:
    profile = PROFILES["wan22-a14b"]
    with_it = ModelChoice(profile).at(Quality.FAST, profile.loras)
    assert (with_it.steps, dict(with_it.guidance), with_it.cache.kind) == (
        4,
        {"guidance_scale": 1.0, "guidance_scale_2": 1.0},
        "",
    )
    without = ModelChoice(profile).at(Quality.FAST, ())
    assert (without.steps, without.cache.kind) == (20, "mag")
    assert not ModelChoice(profile).at(Quality.BEST, profile.loras).loras


@pytest.mark.parametrize("quality", Quality)
def test_a_distillation_that_was_named_stays_at_every_quality(quality: Quality) -> None:
    profile = PROFILES["wan22-a14b"]
    named = ModelChoice(profile, loras=((profile.loras[0], 0.9),))
    asked = named.at(quality, profile.loras)
    assert (asked.steps, asked.loras, asked.cache.kind) == (4, named.loras, "")


def test_a_named_look_is_kept_beside_what_a_quality_adds() -> None:
    profile = PROFILES["wan22-a14b"]
    film = Lora("film", "", "/f.safetensors")
    asked = ModelChoice(profile, loras=((film, 0.5),)).at(Quality.FAST, profile.loras)
    assert [lora.name for lora, _ in asked.loras] == ["film", "4-step"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("[qualities.quick]\nsteps = 3", "fast, standard, best"),
        ('[qualities.fast]\nlora = "8-step"', "8-step"),
        ("[qualities.fast]\nstep = 3", "step"),
        ('[qualities.fast]\ncache = { kind = "tea" }', "tea"),
    ],
)
def test_a_quality_that_makes_no_sense_is_refused_by_name(lines: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse(f"{diffusers_tiny.profile_text('ltx-13b').partition('[qualities')[0]}{lines}\n{PLAN}", "mine.toml")


PLAN = '[[plans]]\nname = "whole"\nvram_gb = 1\n'


# -- on the real pipelines -------------------------------------------------------------------------


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[..., Diffusers]]:
    """Makes generators whose profile says of qualities what a test wants."""
    alive: list[Diffusers] = []

    def make(family: str, qualities: str, steps: int = 6, plan: int = 0) -> Diffusers:
        folder = tmp_path / f"{family} {len(alive)}"
        diffusers_tiny.make(family, folder, steps=steps)
        own = folder / "afterframe-model.toml"
        text = own.read_text("utf-8")
        # Up to the first table of qualities, and from the plans on: what stands between is the packaged profile's.
        head, _, rest = text.partition("[qualities")
        plans = f"[[plans]]{rest.partition('[[plans]]')[2]}" if rest else ""
        own.write_text(f"{head}\n{plans}\n{qualities}\n", "utf-8")
        alive.append(Diffusers(make_settings(), str(folder), plan))
        return alive[-1]

    yield make
    for generator in alive:
        generator.close()


def recipe_for(generator: Diffusers, quality: Quality, **changes: Any) -> Recipe:
    return generator.adapt(make_recipe(**{"duration_s": 0.7, "size": (64, 64), "quality": quality, **changes}))


def clip_of(generator: Diffusers, recipe: Recipe) -> Clip:
    photo = PreparedPhoto(np.asarray(make_picture(recipe.size)), (0, 0), Scene())
    frames = generator.generate(photo, recipe, lambda *told: None, lambda: False)
    return np.stack(list(frames.frames))


def settings_of(generator: Diffusers, recipe: Recipe) -> Any:
    photo = PreparedPhoto(np.asarray(make_picture(recipe.size)), (0, 0), Scene())
    model = generator.generate(photo, recipe, lambda *told: None, lambda: False).model
    assert model is not None
    return model.settings


CACHES = {
    "wan22-5b": '{ kind = "mag", threshold = 10.0, skips = 2, ratios = [1.0, 0.99, 0.98] }',
    "wan22-a14b": '{ kind = "mag", threshold = 10.0, skips = 2, ratios = [1.0, 0.99], ratios_2 = [1.0, 0.98] }',
    "ltx-2b": '{ kind = "first_block", threshold = 10.0 }',
    "ltx2": '{ kind = "taylor", skips = 1 }',
}


@pytest.mark.slow
@pytest.mark.parametrize("family", CACHES)
def test_a_cache_is_on_for_fast_and_off_for_best_and_spoils_no_other_clip(
    made: Callable[..., Diffusers], family: str
) -> None:
    generator = made(family, f"[qualities.fast]\ncache = {CACHES[family]}", steps=8)
    best, fast = (recipe_for(generator, quality) for quality in (Quality.BEST, Quality.FAST))
    whole = clip_of(generator, best)
    blocks = blocks_run(generator)
    taken_over = clip_of(generator, fast)
    computed = blocks()
    assert not np.array_equal(taken_over, whole)
    assert np.array_equal(clip_of(generator, fast), taken_over)
    blocks()
    assert np.array_equal(clip_of(generator, best), whole)
    assert 0 < computed < blocks()
    assert settings_of(generator, fast)["cache"]
    assert not settings_of(generator, best)["cache"]


def blocks_run(generator: Diffusers) -> Callable[[], int]:
    """How often a block in the middle or at the end was really computed since the last question."""
    calls: list[int] = []
    assert generator._engine is not None
    for part in ("transformer", "transformer_2"):
        transformer = getattr(generator._engine._pipeline, part, None)
        if transformer is not None:
            last = getattr(transformer, "blocks", None) or transformer.transformer_blocks
            for module in last[-1].modules():
                if type(module).__name__.endswith("Attention") or type(module).__name__ == "Attention":
                    module.register_forward_pre_hook(lambda *_: calls.append(1))
                    break

    def asked() -> int:
        count = len(calls)
        calls.clear()
        return count

    return asked


@pytest.mark.slow
def test_a_cache_that_a_model_cannot_have_is_left_out_and_not_tried_again(
    made: Callable[..., Diffusers], caplog: pytest.LogCaptureFixture
) -> None:
    generator = made("ltx2", '[qualities.fast]\ncache = { kind = "first_block" }', steps=3)
    best, fast = (recipe_for(generator, quality) for quality in (Quality.BEST, Quality.FAST))
    assert np.array_equal(clip_of(generator, fast), clip_of(generator, best))
    assert np.array_equal(clip_of(generator, fast), clip_of(generator, best))
    assert [record.message for record in caplog.records if "cannot be used" in record.message] != []
    assert len([record for record in caplog.records if "cannot be used" in record.message]) == 1
    assert not settings_of(generator, fast)["cache"]


@pytest.mark.slow
def test_a_cache_that_fails_in_a_step_is_dropped_and_remembered(
    made: Callable[..., Diffusers], monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers.hooks import first_block_cache

    def broken(*_: object) -> bool:
        raise RuntimeError("no such kernel")

    generator = made("ltx-2b", '[qualities.fast]\ncache = { kind = "first_block" }', steps=3)
    best, fast = (recipe_for(generator, quality) for quality in (Quality.BEST, Quality.FAST))
    whole = clip_of(generator, best)
    monkeypatch.setattr(first_block_cache.FBCHeadBlockHook, "_should_compute_remaining_blocks", broken)
    assert np.array_equal(clip_of(generator, fast), whole)
    assert "first_block cache" in (generator._settings.home.cache / "acceleration.json").read_text()
    generator.close()
    assert np.array_equal(clip_of(generator, fast), whole)  # loaded anew: not even tried


@pytest.mark.slow
def test_a_quality_sets_steps_size_and_parameters_and_says_so(made: Callable[..., Diffusers]) -> None:
    told = "[qualities.fast]\nsteps = 2\nmegapixels = 0.0042\n[qualities.best]\nparameters = { guidance_scale = 7.0 }\n"
    generator = made("ltx-2b", told, steps=3)
    fast, standard, best = (recipe_for(generator, quality, size=(96, 96)) for quality in Quality)
    assert [settings_of(generator, recipe)["num_inference_steps"] for recipe in (fast, standard, best)] == [2, 3, 3]
    assert [settings_of(generator, recipe)["guidance_scale"] for recipe in (fast, standard, best)] == [3.0, 3.0, 7.0]
    assert (fast.size, standard.size, best.size) == ((64, 64), (96, 96), (96, 96))
    assert fast.because["quality"] == (f"{PROFILES['ltx-2b'].title}: 2 steps instead of 3",)
    assert best.because["quality"] == ("with guidance_scale 7.0",)
    assert len(clip_of(generator, fast)) == fast.frame_count


@pytest.mark.slow
def test_a_quality_that_changes_nothing_says_so(made: Callable[..., Diffusers]) -> None:
    generator = made("ltx-13b", "[qualities.fast]\nmegapixels = 0.004", steps=3)
    assert "the same as standard" in recipe_for(generator, Quality.BEST).because["quality"][-1]


@pytest.mark.slow
def test_a_distillation_is_switched_on_for_fast_alone_and_leaves_no_trace(
    made: Callable[..., Diffusers], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    told = '[qualities.fast]\nlora = "4-step"\nsteps = 3\n'
    plain = made("wan22-a14b", told, steps=6)
    wanted = recipe_for(plain, Quality.FAST)
    assert "models pull wan22-a14b+4-step" in wanted.because["quality"][-1]
    whole = clip_of(plain, recipe_for(plain, Quality.BEST))
    diffusers_tiny.pull_lora(PROFILES["wan22-a14b"].lora("4-step"), tmp_path / "hub")
    generator = made("wan22-a14b", told, steps=6)
    fast, best = (recipe_for(generator, quality) for quality in (Quality.FAST, Quality.BEST))
    assert "4 steps with the LoRA 4-step instead of 6" in fast.because["quality"][-1]
    assert np.array_equal(clip_of(generator, best), whole)
    distilled = clip_of(generator, fast)
    assert not np.array_equal(distilled, whole)
    assert np.array_equal(clip_of(generator, best), whole)
    assert np.array_equal(clip_of(generator, fast), distilled)
    assert settings_of(generator, fast)["loras"] == {"4-step": 1.0}
    assert settings_of(generator, fast)["guidance_scale"] == 1.0
    assert settings_of(generator, best)["loras"] == {}


@pytest.mark.slow
@pytest.mark.parametrize("plan", [0, 3])
def test_the_makers_best_of_ltx2_runs(made: Callable[..., Diffusers], plan: int) -> None:
    """Its two further passes, in the first block, since the tiny model has one."""
    level = PROFILES["ltx2"].qualities[Quality.BEST]
    lines = "\n".join(f"{name} = {value}" for name, value in level.parameters.items()).replace("[29]", "[0]")
    generator = made("ltx2", f"[qualities.best.parameters]\n{lines}", steps=2, plan=plan)
    standard, best = (recipe_for(generator, quality) for quality in (Quality.STANDARD, Quality.BEST))
    assert not np.array_equal(clip_of(generator, best), clip_of(generator, standard))


@pytest.mark.gpu
@pytest.mark.slow
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("family", CACHES)
def test_on_a_gpu_caches_compilation_and_the_installed_attention_go_together(
    made: Callable[..., Diffusers], monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    """Whatever of it fails is dropped; the clip is made all the same, and best stays best."""
    monkeypatch.setattr(acceleration, "COMPILE_S", -1.0)  # always worth it
    generator = made(family, f"[qualities.fast]\ncache = {CACHES[family]}", steps=8)
    best, fast = (recipe_for(generator, quality) for quality in (Quality.BEST, Quality.FAST))
    whole = clip_of(generator, best)
    assert len(clip_of(generator, fast)) == fast.frame_count
    assert np.abs(clip_of(generator, best).astype(int) - whole).mean() < 2
