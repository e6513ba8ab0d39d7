"""What needs no model: profiles, fitting, memory plans, what is learned, weights on disk."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterframe.config import Settings
from afterframe.domain import CameraMovement, Direction
from afterframe.errors import Cancelled, ConfigError, GenerateError, NotFound, UsageError
from afterframe.generators import registry
from afterframe.generators.diffusers import adapt, failures, plans, weights
from afterframe.generators.diffusers import device as devices
from afterframe.generators.diffusers.acceleration import Acceleration, AccelerationFailures, attention_for
from afterframe.generators.diffusers.device import TorchDevice
from afterframe.generators.diffusers.profiles import MemoryPlan, ModelChoice, Profile, choose, packaged_profiles, parse
from afterframe.generators.diffusers.selection import best_here
from afterframe.generators.diffusers.timings import Costs, PhaseProgress, PhaseTimings
from factories import Clock, make_recipe

CARD = TorchDevice("cuda", "a card", 24.0, 24.0, (8, 9))
PROFILES = {profile.name: profile for profile in packaged_profiles()}


# -- profiles --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_says_all_that_a_photographer_asks(name: str) -> None:
    profile = PROFILES[name]
    assert profile.licence.name
    assert profile.licence.url.startswith("https://")
    assert profile.download_gb > 1
    assert set(profile.words.camera) == set(CameraMovement)
    assert profile.frames.nearest(10**6) == profile.frames.most
    assert (profile.frames.most - 1) % profile.frames.every == 0


def test_a_gated_model_says_how_to_get_it_and_unused_parts_are_left_out() -> None:
    profile = PROFILES["ltx25"]
    assert "log in there" in profile.licence.note
    assert set(profile.unused) == {"prompt_enhancer", "duration_head"}


@pytest.mark.parametrize("name", PROFILES)
def test_a_licence_says_whether_clips_may_be_sold_and_on_which_conditions(name: str) -> None:
    licence = PROFILES[name].licence
    known = {"Apache-2.0": "free", "MIT": "free", "not checked": "unverified"}
    assert licence.paid_work == known.get(licence.name, "conditions")
    assert ("Nobody here has checked" in licence.words) == (licence.paid_work == "unverified")
    if licence.paid_work == "conditions":
        assert "10 million" in licence.note  # of Lightricks' models, which are all of them
        assert "latest version may be used" not in licence.note


def test_a_licence_tells_the_countries_it_excludes_and_that_nobody_has_read_it() -> None:
    terms = 'url = "https://example.org", note = "Free.", territories = "the European Union", paid_work = "unverified"'
    words = parse(MINIMAL.replace('url = "https://example.org"', terms), "mine.toml").licence.words
    assert words == "Free. Not to be used in: the European Union. Nobody here has checked its terms: read them first."


@pytest.mark.parametrize("name", PROFILES)
def test_each_memory_plan_needs_less_than_the_one_before(name: str) -> None:
    needs = [plan.vram_gb for plan in PROFILES[name].plans]
    assert needs == sorted(needs, reverse=True)
    assert len(set(needs)) == len(needs) >= 3


MINIMAL = """
name = "mine"
title = "My model"
family = "wan"
pipeline = "WanImageToVideoPipeline"
classes = ["WanImageToVideoPipeline"]
repository = "me/mine"
revision = "main"
download_gb = 1
grid = 32
megapixels = 0.9
frames = { every = 4, least = 5, most = 81 }
fps = 24
steps = 4
licence = { name = "MIT", url = "https://example.org" }
[[plans]]
name = "all of it"
vram_gb = 8
"""


def test_a_profile_of_the_users_needs_no_code(settings: Settings) -> None:
    settings.home.models.mkdir()
    (settings.home.models / "mine.toml").write_text(MINIMAL, "utf-8")
    assert choose("mine", settings.home.models).profile.title == "My model"
    assert registry.resolve("diffusers:mine", settings) == "diffusers:mine"


def test_a_kept_profile_of_a_model_that_is_no_longer_brought_still_loads(settings: Settings) -> None:
    kept = Path(__file__).parents[2] / "kept_profiles" / "cogvideox.toml"
    assert "cogvideox" not in PROFILES
    settings.home.models.mkdir()
    (settings.home.models / kept.name).write_bytes(kept.read_bytes())
    assert choose("cogvideox", settings.home.models).profile.title == "CogVideoX1.5-5B-I2V"
    assert registry.resolve("diffusers:cogvideox", settings) == "diffusers:cogvideox"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('family = "wan"', 'family = "svd"'),
        ("grid = 32", 'grid = "32"'),
        ("grid = 32", "grid = 32\ncolour = 3"),
        ("grid = 32", ""),
        ('name = "mine"', 'name = "my + model"'),
        ("vram_gb = 8", 'vram_gb = 8\noffload = "moon"'),
        ("steps = 4", "steps = = 4"),
    ],
)
def test_a_profile_that_makes_no_sense_is_refused_by_name(change: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"mine\.toml"):
        parse(MINIMAL.replace(change, said), "mine.toml")


def test_loras_are_named_with_a_plus_and_their_weight(tmp_path: Path) -> None:
    film = tmp_path / "a film+look.safetensors"
    film.write_bytes(b"")
    choice = choose("wan22-a14b+4-step=0.8", tmp_path)
    assert [(lora.name, weight) for lora, weight in choice.loras] == [("4-step", 0.8)]
    assert choice.steps == 4
    assert choice.guidance == {"guidance_scale": 1.0, "guidance_scale_2": 1.0}
    assert choose(choice.spec, tmp_path) == choice


@pytest.mark.parametrize("spec", ["sora", "wan22-5b+moon", "wan22-a14b+4-step=heavy", "/not/there", "a\\b"])
def test_a_model_that_is_not_there_is_named(settings: Settings, spec: str) -> None:
    with pytest.raises(NotFound) as caught:
        choose(spec, settings.home.models)
    assert caught.value.error_code == "no_model"
    assert caught.value.hint


def test_folders_are_not_for_those_who_ask_from_outside(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        registry.resolve(f"diffusers:{tmp_path}", settings, folders=False)
    with pytest.raises(NotFound):
        registry.resolve(f"diffusers:wan22-5b+{tmp_path}/x.safetensors", settings, folders=False)


def test_a_generator_without_models_says_so(settings: Settings) -> None:
    with pytest.raises(UsageError, match="no models"):
        registry.resolve("parallax:wan22-5b", settings)


def test_a_model_alone_means_the_generator_that_has_it(settings: Settings) -> None:
    assert registry.resolve("auto:wan22-5b", settings) == "diffusers:wan22-5b"


def pipeline_folder(folder: Path, kind: str = "WanImageToVideoPipeline", **parts: Any) -> Path:
    """A folder with a model_index.json and a whole, empty weight file for each part."""
    folder.mkdir(parents=True, exist_ok=True)
    index = {"_class_name": kind, "transformer": ["diffusers", "WanTransformer3DModel"], **parts}
    (folder / "model_index.json").write_text(json.dumps(index), "utf-8")
    for name in weights.parts_with_weights(folder):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    return folder


def test_a_folders_own_profile_in_another_encoding_is_refused_by_its_name(tmp_path: Path) -> None:
    folder = pipeline_folder(tmp_path / "mine")
    (folder / "afterframe-model.toml").write_bytes("title = 'Bärbel'".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"afterframe-model\.toml is not written in UTF-8"):
        choose(str(folder), tmp_path)


def test_a_folder_finds_its_profile_by_its_index(tmp_path: Path) -> None:
    one = pipeline_folder(tmp_path / "one ü")
    two = pipeline_folder(tmp_path / "two", transformer_2=["diffusers", "WanTransformer3DModel"])
    assert choose(str(one), tmp_path).profile.name == "wan22-5b"
    assert choose(str(two), tmp_path).profile.name == "wan22-a14b"
    with pytest.raises(NotFound, match="StableDiffusionPipeline"):
        choose(str(pipeline_folder(tmp_path / "other", "StableDiffusionPipeline")), tmp_path)
    with pytest.raises(NotFound, match=r"model_index\.json"):
        choose(str(tmp_path), tmp_path)


# -- fitting ---------------------------------------------------------------------------------


@given(
    st.tuples(st.integers(32, 2048), st.integers(32, 2048)),
    st.sampled_from([16, 32, 64]),
    st.floats(0.05e6, 1.2e6),
)
def test_sizes_are_on_the_grid_within_the_pixels_and_near_the_shape(
    wanted: tuple[int, int], grid: int, pixels: float
) -> None:
    size = tuple(side * 2 for side in wanted)
    width, height = adapt.nearest_size((size[0], size[1]), grid, pixels)
    assert width % grid == height % grid == 0
    assert width * height <= max(pixels * 1.02, grid * grid)
    least = min(width, height) / grid
    if least >= 4:
        assert (width / height) / (size[0] / size[1]) == pytest.approx(1, abs=1 / least)


@pytest.mark.parametrize(
    ("size", "model", "made"),
    [
        ((96, 64), "wan22-5b", (96, 64)),
        ((1280, 704), "wan22-5b", (1280, 704)),
        ((1280, 854), "wan22-5b", (1152, 768)),
        ((854, 1280), "wan22-5b", (768, 1152)),
        ((1280, 720), "wan22-a14b", (1280, 720)),
        ((80, 112), "wan22-5b", (96, 128)),
    ],
)
def test_sizes_as_the_models_like_them(size: tuple[int, int], model: str, made: tuple[int, int]) -> None:
    recipe = adapt.adapt_recipe(make_recipe(size=size), PROFILES[model], PROFILES[model].plans[0])
    assert recipe.size == made


@pytest.mark.parametrize(
    ("duration_s", "model", "loop", "count"),
    [
        (2.5, "wan22-5b", False, 61),
        (5.0, "wan22-5b", False, 121),
        (60.0, "wan22-5b", False, 121),
        (0.1, "wan22-5b", False, 17),
        (2.5, "wan22-a14b", True, 40),
        (1.0, "ltx-2b", False, 25),
        (1.0, "ltx-2b", True, 24),
        (1.0, "ltx2", False, 25),
    ],
)
def test_lengths_are_those_that_the_model_makes(duration_s: float, model: str, loop: bool, count: int) -> None:
    profile = PROFILES[model]
    recipe = adapt.adapt_recipe(make_recipe(duration_s=duration_s, loop=loop), profile, profile.plans[0])
    assert recipe.frame_count == count
    assert recipe.fps == profile.fps
    assert (adapt.model_frame_count(count, recipe) - 1) % profile.frames.every == 0


def test_each_change_to_the_recipe_has_its_reason() -> None:
    recipe = make_recipe(size=(1000, 700), duration_s=3.3)
    made = adapt.adapt_recipe(recipe, PROFILES["wan22-5b"], PROFILES["wan22-5b"].plans[0])
    for name in ("size", "fps", "duration_s"):
        assert "Wan2.2-TI2V-5B" in made.because[name][-1]
    assert made.because["duration_s"][0] == recipe.because["duration_s"][0]


@pytest.mark.parametrize(
    ("model", "changes", "refused"),
    [
        ("wan22-5b", {"loop": True}, True),
        ("wan22-5b", {"direction": Direction.BEFORE}, True),
        ("wan22-a14b", {"loop": True}, False),
        ("wan22-a14b", {"direction": Direction.BEFORE}, True),
        ("ltx-2b", {"loop": True}, False),
        ("ltx-2b", {"direction": Direction.BEFORE}, False),
        ("ltx2", {"direction": Direction.BEFORE}, False),
    ],
)
def test_what_needs_a_last_frame_is_refused_where_there_is_none(
    model: str, changes: dict[str, Any], refused: bool
) -> None:
    recipe = make_recipe(**changes)
    if not refused:
        adapt.check(recipe, PROFILES[model])
        return
    with pytest.raises(GenerateError) as caught:
        adapt.check(recipe, PROFILES[model])
    assert caught.value.error_code == "no_last_frame"
    assert "ltx2" in caught.value.hint


def test_camera_motion_and_faithfulness_become_the_models_words_and_dials() -> None:
    recipe = make_recipe(camera_movement=CameraMovement.PAN_LEFT, motion_intensity=0.9, style_consistency=1.0)
    prompt = adapt.prompt_of(recipe, PROFILES["wan22-5b"])
    assert prompt.startswith("a cup of coffee")
    assert "pans left" in prompt
    assert "lively" in prompt
    still = adapt.parameters_of(replace(recipe, motion_intensity=0.0), ModelChoice(PROFILES["ltx-2b"]))
    lively = adapt.parameters_of(recipe, ModelChoice(PROFILES["ltx-2b"]))
    assert still["image_cond_noise_scale"] == 0.0
    assert lively["image_cond_noise_scale"] == 0.18
    assert lively["strength"] == 1.0


FORMS = {
    "wan": "{words} Motion is natural and lively. The camera pans left slowly. {likeness}",
    "ltx": "{words} The movement is clear and natural. The camera pans to the left. {likeness} "
    "The scene is captured in real-life footage.",
    "ltx2": "Style: realistic - {words} The movement is clear and natural, with the sound that belongs to it. "
    "The camera pans to the left. {likeness}",
}
"""Family -> how its models are told of a lively pan."""


@pytest.mark.parametrize("name", PROFILES)
def test_each_family_is_told_in_the_form_that_it_learned_from(name: str) -> None:
    profile = PROFILES[name]
    recipe = make_recipe(camera_movement=CameraMovement.PAN_LEFT, motion_intensity=0.9, style_consistency=1.0)
    told = FORMS[profile.family].format(words="a cup of coffee.", likeness=profile.words.faithful)
    assert adapt.prompt_of(recipe, profile) == told


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize(
    "words",
    [
        "She says: {camera}!",
        "two  spaces\nand a line",
        "“Ende.”",
        "雪が降る。",
        "100 % {words} {0}",
        "a \\1 b",
        "{",
        "…",
    ],
)
def test_a_photographers_words_stand_as_they_are(name: str, words: str) -> None:
    prompt = adapt.prompt_of(make_recipe(prompt=words), PROFILES[name])
    assert words in prompt
    assert "{likeness}" not in prompt


@given(words=st.text(max_size=60), name=st.sampled_from(sorted(PROFILES)))
def test_no_words_are_lost_or_changed_whatever_they_are(words: str, name: str) -> None:
    assert words in adapt.prompt_of(make_recipe(prompt=words), PROFILES[name])


def test_what_there_is_nothing_to_say_about_leaves_no_gap() -> None:
    words = replace(PROFILES["ltx2"].words, camera={}, template="So: {words} ({camera}), {motion} {likeness}")
    recipe = make_recipe(motion_intensity=0.5, style_consistency=0.0)
    assert adapt.prompt_of(recipe, replace(PROFILES["ltx2"], words=words)) == "So: a cup of coffee."


@pytest.mark.parametrize("template", ["{camera}", "{words} {words}", "{words} {mood}", "{words} {}", ""])
def test_a_template_that_loses_or_invents_words_is_refused(template: str) -> None:
    source = files("afterframe.generators.diffusers").joinpath("profiles", "wan22-5b.toml")
    text = source.read_text("utf-8").replace("{words} {motion} {camera} {likeness}", template)
    with pytest.raises(ConfigError, match=r"words\.template"):
        parse(text, "mine.toml")


# -- memory plans ----------------------------------------------------------------------------


@pytest.mark.parametrize(("free_gb", "plan"), [(80, 0), (32, 0), (24, 1), (16, 2), (8, 3), (2, 3)])
def test_the_fastest_plan_that_fits_is_taken(free_gb: float, plan: int) -> None:
    card = replace(CARD, free_gb=free_gb)
    assert plans.starting_plan(PROFILES["wan22-5b"].plans, card, 0) == plan


def test_a_plan_that_was_too_much_is_not_begun_with_again(tmp_path: Path) -> None:
    too_much = plans.MemoryFailures(tmp_path / "memory.json")
    assert too_much.first_plan("wan on a card", CARD) == 0
    too_much.record("wan on a card", CARD, 1)
    assert too_much.first_plan("wan on a card", CARD) == 2
    assert too_much.first_plan("ltx on a card", CARD) == 0
    assert too_much.first_plan("wan on a card", replace(CARD, free_gb=40.0)) == 0
    (tmp_path / "memory.json").write_text("{", "utf-8")
    assert too_much.first_plan("wan on a card", CARD) == 0


@pytest.mark.parametrize(("kind", "recorded"), [("cuda", True), ("cpu", False)])
def test_layers_that_come_and_go_have_recorded_streams_and_no_pinned_copy_of_the_model(
    kind: str, recorded: bool
) -> None:
    pytest.importorskip("torch")
    asked: dict[str, Any] = {}
    parts = {"vae": None, "enable_group_offload": lambda _self, **options: asked.update(options)}
    plan = MemoryPlan("groups", 6, offload="group")
    plans.apply(plan, type("Pipeline", (), parts)(), TorchDevice(kind, "a device", 8, 8))
    assert asked["use_stream"] == asked["record_stream"] == asked["low_cpu_mem_usage"] == recorded


@pytest.mark.parametrize("quantise", ["int8", "fp8", "nf4"])
def test_a_quantisation_that_this_machine_cannot_do_is_told_and_left_out(
    quantise: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    installed = quantise == "fp8"  # then it is the card that cannot
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if installed else None)
    plan = MemoryPlan("small weights", 6, quantise=quantise)
    assert plans.quantisation(plan, None, replace(CARD, capability=(8, 6))) == {}
    assert "small weights" in caplog.text


def test_out_of_memory_names_the_plan_and_the_next() -> None:
    first, second = PROFILES["wan22-5b"].plans[:2]
    error = failures.out_of_memory("Wan", first.name, second.name, 1)
    assert error.smaller_plan == 1
    assert first.name in error.message
    assert second.name in error.message
    last = failures.out_of_memory("Wan", first.name, None, None)
    assert last.smaller_plan is None
    assert "smaller" in last.hint


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"), True),
        (MemoryError(), True),
        (RuntimeError("shape mismatch"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_running_out_of_memory_is_recognised(error: Exception, is_memory: bool) -> None:
    assert failures.is_out_of_memory(error) == is_memory


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RuntimeError("The NVIDIA driver on your system is too old (found version 11040)."), "gpu_driver"),
        (RuntimeError("CUDA error: no kernel image is available for execution on the device"), "gpu_driver"),
        (OSError("Unable to load weights from checkpoint file"), "model_damaged"),
        (ImportError("requires the ftfy library"), "no_packages"),
    ],
)
def test_failures_are_told_in_words(error: Exception, code: str) -> None:
    told = failures.translated(error, "Wan", "/models/wan")
    assert told is not None
    assert told.error_code == code
    assert told.hint


def test_an_unknown_failure_is_left_for_the_log() -> None:
    assert failures.translated(RuntimeError("shape mismatch"), "Wan", "/models/wan") is None


@pytest.mark.parametrize(
    ("device", "attention"),
    [(CARD, "native"), (replace(CARD, capability=(9, 0)), "_native_cudnn"), (TorchDevice("cpu", "x", 8, 8), "native")],
)
def test_the_attention_back_end_fits_the_card(
    device: TorchDevice, attention: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert attention_for(device) == attention


@pytest.mark.parametrize(
    ("package", "capability", "attention"),
    [
        ("flash_attn_interface", (8, 6), "_flash_3"),
        ("flash_attn_interface", (7, 5), "native"),
        ("flash_attn", (8, 9), "flash"),
        ("sageattention", (8, 9), "sage"),
        ("sageattention", (9, 0), "_native_cudnn"),
    ],
)
def test_an_installed_attention_is_used_where_the_card_can(
    package: str, capability: tuple[int, int], attention: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if name == package else None)
    assert attention_for(replace(CARD, capability=capability)) == attention


def test_what_failed_is_remembered_for_its_model_plan_and_device(tmp_path: Path) -> None:
    failed = AccelerationFailures(tmp_path / "ünter" / "acceleration.json")
    assert failed.refused("wan on a card: all") == frozenset()
    failed.record("wan on a card: all", "flash")
    failed.record("wan on a card: all", "compilation")
    assert failed.refused("wan on a card: all") == {"flash", "compilation"}
    assert failed.refused("wan on a card: parts") == failed.refused("ltx on a card: all") == frozenset()
    for damage in ("{", "[1]", "null"):
        (tmp_path / "ünter" / "acceleration.json").write_text(damage, "utf-8")
        assert failed.refused("wan on a card: all") == frozenset()


class Blocks:
    """A transformer that counts how often it is compiled."""

    def __init__(self) -> None:
        self.compiled = 0

    def compile_repeated_blocks(self, *, fullgraph: bool) -> None:
        self.compiled += fullgraph

    def modules(self) -> list[Any]:
        return []

    def named_modules(self) -> list[Any]:
        return []


@pytest.mark.parametrize(("clip_s", "compiled"), [(0.0, 0), (20.0, 0), (250.0, 1)])
def test_a_model_is_compiled_only_where_the_learned_times_say_that_it_pays(
    clip_s: float, compiled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if name == "triton" else None)
    blocks = Blocks()
    pipeline = type("Pipeline", (), {"transformer": blocks})()
    plan = replace(PROFILES["wan22-5b"].plans[0], compile=True)
    for refused in (frozenset[str](), frozenset({"compilation"})):
        Acceleration(pipeline, plan, CARD, refused).compile_where_it_pays(clip_s)
    assert blocks.compiled == compiled


def test_a_hidden_gpu_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    monkeypatch.setattr("sys.platform", "linux")
    devices.present.cache_clear()
    assert not devices.likely()
    devices.present.cache_clear()


# -- progress --------------------------------------------------------------------------------


class Telling:
    """Keeps what a tracker tells."""

    def __init__(self) -> None:
        self.said: list[tuple[float, float | None]] = []

    def __call__(self, share: float, eta_s: float | None = None, /) -> None:
        self.said.append((share, eta_s))


def run_phases(costs: Costs, clock: Clock, steps: int = 10, step_s: float = 2.0) -> Telling:
    told = Telling()
    tracker = PhaseProgress(costs, steps, ("load", "text", "step", "decode"), told, lambda: False, clock)
    with tracker.phase("text"):
        clock.forward(3)
    with tracker.phase("load"):
        clock.forward(20)
    tracker.begin_steps()
    for _ in range(steps):
        clock.forward(step_s)
        tracker.step()
    with tracker.phase("decode"):
        clock.forward(5)
    return told


@pytest.mark.parametrize("known", [True, False])
def test_progress_grows_and_ends_near_one(known: bool) -> None:
    told = run_phases(Costs(20, 3, 2, 5, known), Clock())
    shares = [share for share, _ in told.said]
    assert all(a <= b for a, b in itertools.pairwise(shares))
    assert shares[-1] >= 0.95


def test_what_was_learned_gives_an_honest_eta_from_the_start() -> None:
    told = run_phases(Costs(20, 3, 2, 5, True), Clock())
    assert told.said[0][1] == pytest.approx(45)  # after the text: 20 to load, 10 steps of 2, 5 to decode
    assert told.said[1][1] == pytest.approx(25)


def test_without_experience_there_is_no_eta_until_steps_were_seen() -> None:
    told = run_phases(Costs(1, 1, 1, 1, False), Clock())
    etas = [eta for _, eta in told.said]
    assert etas[:3] == [None] * 3
    assert etas[3] == pytest.approx(8 * 2 + 1)


def test_a_slow_first_step_does_not_spoil_the_eta() -> None:
    clock, told = Clock(), Telling()
    tracker = PhaseProgress(Costs(1, 1, 2, 4, True), 4, ("step", "decode"), told, lambda: False, clock)
    tracker.begin_steps()
    for seconds in (60, 2, 2):
        clock.forward(seconds)
        tracker.step()
    assert told.said[-1][1] == pytest.approx(2 + 4)


def test_a_wish_to_stop_is_heard_after_each_step() -> None:
    wishes = iter([False, False, True])
    tracker = PhaseProgress(Costs(1, 1, 1, 1, True), 9, ("step",), Telling(), lambda: next(wishes), Clock())
    tracker.begin_steps()
    tracker.step()
    with pytest.raises(Cancelled):
        tracker.step()


def test_costs_are_learned_and_scale_with_the_clip(tmp_path: Path) -> None:
    paces = PhaseTimings(tmp_path / "ünter" / "paces.json")
    assert not paces.expect("wan", 10).known
    paces.learn("wan", 10, {"load": 20, "text": 2, "step": 5, "decode": 8})
    again = PhaseTimings(tmp_path / "ünter" / "paces.json").expect("wan", 20)
    assert again == Costs(load=20, text=2, step=10, decode=16, known=True)
    paces.learn("wan", 10, {"step": 10})
    assert 5 < paces.expect("wan", 10).step < 10
    (tmp_path / "ünter" / "paces.json").write_text("[1", "utf-8")
    assert not paces.expect("wan", 10).known


# -- weights ---------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def put_in_cache(cache: Path, profile: Profile, commit: str = "c" * 40) -> Path:
    repository = cache / ("models--" + profile.repository.replace("/", "--"))
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit, "utf-8")
    return pipeline_folder(repository / "snapshots" / commit)


def test_weights_are_found_in_the_hugging_face_cache(cache: Path) -> None:
    choice = ModelChoice(PROFILES["wan22-5b"])
    assert weights.find(choice) is None
    folder = put_in_cache(cache, choice.profile)
    stored = weights.require(choice)
    assert (stored.folder, stored.revision) == (folder, "c" * 40)
    assert [profile.name for profile in weights.pulled(list(PROFILES.values()))] == ["wan22-5b"]


def test_a_half_pulled_model_counts_as_missing(cache: Path) -> None:
    folder = put_in_cache(cache, PROFILES["wan22-5b"])
    index = {"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}
    (folder / "transformer" / "x.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    assert weights.find(ModelChoice(PROFILES["wan22-5b"])) is None


def test_missing_weights_say_how_to_get_them(cache: Path) -> None:
    with pytest.raises(GenerateError, match="not") as caught:
        weights.require(choose("wan22-a14b+4-step", cache))
    assert caught.value.error_code == "no_weights"
    assert "afterframe models pull wan22-a14b+4-step" in caught.value.hint


@pytest.mark.parametrize("what", ["cut", "empty", "noise", "pickle"])
def test_damaged_weights_are_named(tmp_path: Path, what: str) -> None:
    folder = pipeline_folder(tmp_path / "a model")
    file = folder / "transformer" / "model.safetensors"
    header = json.dumps({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).encode()
    whole = len(header).to_bytes(8, "little") + header + bytes(16)
    file.write_bytes(whole)
    weights.require(choose(str(folder), tmp_path))
    if what == "pickle":
        file.rename(file.with_suffix(".bin"))
    else:
        file.write_bytes({"cut": whole[:-1], "empty": b"", "noise": bytes([255]) * 64}[what])
    with pytest.raises(GenerateError) as caught:
        weights.require(choose(str(folder), tmp_path))
    assert caught.value.error_code == "model_damaged"
    assert "a model" in caught.value.message


# -- auto ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gpu", "pulled", "chosen"), [(True, True, "diffusers"), (True, False, "parallax"), (False, True, "parallax")]
)
def test_auto_takes_the_gpu_where_there_is_one_and_weights(
    settings: Settings, cache: Path, monkeypatch: pytest.MonkeyPatch, gpu: bool, pulled: bool, chosen: str
) -> None:
    monkeypatch.setattr(devices, "likely", lambda: gpu)
    if pulled:
        put_in_cache(cache, PROFILES["wan22-5b"])
    assert registry.resolve("auto", settings) == chosen


def test_the_truest_model_that_fits_is_taken(cache: Path) -> None:
    for name in ("wan22-5b", "wan22-a14b"):
        put_in_cache(cache, PROFILES[name])
    pipeline_folder(
        next((cache / "models--Wan-AI--Wan2.2-I2V-A14B-Diffusers" / "snapshots").iterdir()),
        transformer_2=["diffusers", "WanTransformer3DModel"],
    )
    assert best_here(cache, replace(CARD, free_gb=78.0)).profile.name == "wan22-a14b"
    assert best_here(cache, CARD).profile.name == "wan22-5b"
    assert best_here(cache, replace(CARD, free_gb=6.0)).profile.name == "wan22-5b"


def own_profile(home: Path, name: str, paid_work: str, likeness: int, steps: int = 4) -> str:
    """A profile of the user's, with weights in the cache."""
    licence = f'{{ name = "A", url = "https://example.org", paid_work = "{paid_work}" }}'
    text = MINIMAL.replace('name = "mine"', f'name = "{name}"').replace("me/mine", f"me/{name}")
    text = text.replace('{ name = "MIT", url = "https://example.org" }', licence)
    text = text.replace("steps = 4", f"steps = {steps}\nlikeness = {likeness}")
    home.mkdir(parents=True, exist_ok=True)
    (home / f"{name}.toml").write_text(text, "utf-8")
    put_in_cache(weights.cache_folder(), parse(text, name))
    return name


@pytest.mark.parametrize(
    ("models", "chosen", "because"),
    [
        ([("a", "free", 1, 4), ("b", "conditions", 3, 4)], "a", "free for paid work"),
        ([("a", "free", 1, 4), ("b", "free", 2, 50)], "b", "truer to the photo"),
        ([("a", "free", 2, 50), ("b", "free", 2, 4)], "b", "quicker"),
        ([("a", "conditions", 1, 4), ("b", "conditions", 2, 4)], "b", "truer to the photo"),
        ([("a", "unverified", 3, 4), ("b", "conditions", 1, 4)], "b", "only model"),
        ([("a", "free", 2, 50), ("b", "free", 2, 4), ("c", "conditions", 3, 4)], "b", "free for paid work and"),
    ],
)
def test_auto_goes_by_licence_then_likeness_then_speed_and_says_so(
    cache: Path, tmp_path: Path, models: list[tuple[str, str, int, int]], chosen: str, because: str
) -> None:
    for model in models:
        own_profile(tmp_path / "own", *model)
    best = best_here(tmp_path / "own", CARD)
    assert best.profile.name == chosen
    assert because in best.because


def test_a_model_with_conditions_does_not_come_before_a_free_one_on_a_large_card(cache: Path) -> None:
    for name in ("wan22-5b", "wan22-a14b", "ltx2", "ltx-13b"):
        put_in_cache(cache, PROFILES[name])
    best = best_here(cache, replace(CARD, free_gb=80.0))
    assert best.profile.name == "wan22-a14b"
    assert "free for paid work" in best.because
    assert "truer to the photo" in best.because


def test_a_model_whose_licence_nobody_read_is_never_chosen_by_itself(
    settings: Settings, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "likely", lambda: True)
    name = own_profile(settings.home.models, "unread", "unverified", 3)
    assert registry.resolve("auto", settings) == "parallax"
    with pytest.raises(GenerateError) as caught:
        best_here(settings.home.models, CARD)
    assert "unverified" in caught.value.hint
    assert registry.resolve(f"diffusers:{name}", settings) == "diffusers:unread"


def test_no_model_at_all_says_how_to_get_one(cache: Path) -> None:
    with pytest.raises(GenerateError) as caught:
        best_here(cache, CARD)
    assert caught.value.error_code == "no_weights"


def test_a_gpu_without_a_model_is_told_how_to_get_one(
    settings: Settings, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "present", lambda: True)
    assert "afterframe models pull" in registry.advice("parallax", settings)
    put_in_cache(cache, PROFILES["wan22-5b"])
    assert registry.advice("parallax", settings) == ""
    monkeypatch.setattr(devices, "present", lambda: False)
    assert registry.advice("parallax", settings) == registry.advice("diffusers", settings) == ""


@pytest.mark.parametrize("spec", ["m" * 5000, "/" + "m" * 5000], ids=["a name", "a path"])
def test_a_model_longer_than_a_path_can_be_is_no_model(settings: Settings, spec: str) -> None:
    with pytest.raises(NotFound):
        choose(spec, settings.home.models)
