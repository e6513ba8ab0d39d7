"""The noise levels that each built-in profile runs, against those of the models' makers (``pytest -s`` prints them)."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afterframe.errors import ConfigError
from afterframe.generators.diffusers import schedule
from afterframe.generators.diffusers.generator import Diffusers
from afterframe.generators.diffusers.profiles import packaged_profiles, parse
from afterframe.imaging.frames import PreparedPhoto
from afterframe.scene import Scene
from factories import make_picture, make_recipe, make_settings

diffusers_tiny = pytest.importorskip("diffusers_tiny")
torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers and numpy 2
PROFILES = {profile.name: profile for profile in packaged_profiles()}
WAN_BOUNDARY = 900
"""wan/configs/wan_i2v_A14B.py: boundary = 0.900; at and above it the high-noise expert works."""


def wan(steps: int, shift: float = 5.0) -> list[float]:
    """wan/utils/fm_solvers_unipc.py: sigmas down to 0 in equal steps, then shifted; wan/configs: sample_shift is 5."""
    levels = np.linspace(0.999, 0, steps + 1)[:-1]
    return list(1000 * shift * levels / (1 + (shift - 1) * levels))


def ltx(steps: int) -> list[float]:
    """ltx_video/schedulers/rf.py, linear_quadratic_schedule: half the steps in the first 2.5 % of the noise."""
    half = steps // 2
    rest = steps - half
    linear = [0.025 * step / half for step in range(half)]
    slope, bend = 0.025 / half, (half - 0.025 * steps) / (half * rest**2)
    bent = [
        bend * s**2 + (slope - 2 * (half - 0.025 * steps) / rest**2) * s + bend * half**2 for s in range(half, steps)
    ]
    return [1000 * (1 - share) for share in linear + bent]


LTX_DISTILLED = [1000.0, 993.7, 987.5, 981.2, 975.0, 909.4, 725.0, 421.9]
"""ltx_video's configs/ltxv-13b-0.9.8-distilled.yaml, its first seven, and where the eighth of one stage stands; for
LTX-2.5 ltx_pipelines/utils/constants.py, DISTILLED_SIGMA_VALUES."""


def ltx2(steps: int) -> list[float]:
    """ltx_core/components/schedulers.py, LTX2Scheduler; the one-stage pipeline does not tell it the clip's size."""
    levels = np.linspace(1, 1 / steps, steps)
    shifted = math.exp(2.05) / (math.exp(2.05) + (1 / levels - 1))
    stretch = (1 - shifted[-1]) / (1 - 0.1)
    return list(1000 * (1 - (1 - shifted) / stretch))


REFERENCE: dict[str, list[float]] = {
    "wan22-5b": wan(50),
    "wan22-a14b": wan(40),
    "ltx-2b": ltx(40),
    "ltx-13b": LTX_DISTILLED,
    "ltx2": ltx2(40),
    "ltx25": LTX_DISTILLED,
    "wan22-5b-turbo": wan(4),
}


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[float, None]]:
    """The timesteps that schedulers step over, in order, each once: LTX-2 steps over each for the sound too."""
    import diffusers

    found: dict[float, None] = {}

    def watched(step: Callable[..., Any]) -> Callable[..., Any]:
        def spy(self: Any, output: Any, timestep: Any, *given: Any, **named: Any) -> Any:
            found.setdefault(round(float(timestep), 2))
            return step(self, output, timestep, *given, **named)

        return spy

    for kind in (diffusers.UniPCMultistepScheduler, diffusers.FlowMatchEulerDiscreteScheduler):
        monkeypatch.setattr(kind, "step", watched(kind.step))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield found
    torch.set_num_threads(threads)


def run(spec: str) -> Diffusers:
    """Make a small clip."""
    generator = Diffusers(make_settings(), spec)
    recipe = generator.adapt(make_recipe(duration_s=0.7, size=(64, 64)))
    photo = PreparedPhoto(np.asarray(make_picture(recipe.size)), (0, 0), Scene())
    for _ in generator.generate(photo, recipe, lambda *told: None, lambda: False).frames:
        pass
    generator.close()
    return generator


@pytest.mark.slow
@pytest.mark.parametrize("name", PROFILES)
def test_each_profile_runs_the_makers_noise_levels(name: str, seen: dict[float, None], tmp_path: Path) -> None:
    run(str(diffusers_tiny.make(name, tmp_path / name, steps=PROFILES[name].steps)))
    ran, wanted = list(seen), REFERENCE[name]
    makers = [round(float(level), 1) for level in wanted]
    sys.stdout.write(f"\n{name}: ran    {ran}\n{' ' * len(name)}  makers {makers}\n")
    assert ran == pytest.approx(wanted, abs=4)  # diffusers' Wan ends at a sigma of 0.001, the makers' at 0


def test_every_profile_has_a_reference() -> None:
    assert set(REFERENCE) == set(PROFILES)


@pytest.mark.slow
def test_the_first_expert_gets_as_many_steps_as_with_the_makers(
    monkeypatch: pytest.MonkeyPatch, seen: dict[float, None], tmp_path: Path
) -> None:
    import diffusers

    experts: dict[int, list[float]] = {}
    forward = diffusers.WanTransformer3DModel.forward

    def spy(self: Any, *given: Any, **named: Any) -> Any:
        experts.setdefault(id(self), []).append(float(named["timestep"].flatten()[0]))
        return forward(self, *given, **named)

    monkeypatch.setattr(diffusers.WanTransformer3DModel, "forward", spy)
    run(str(diffusers_tiny.make("wan22-a14b", tmp_path / "a14b", steps=40)))
    first, second = experts.values()
    high = sum(level >= WAN_BOUNDARY for level in wan(40))
    assert high == 15
    assert (len(set(first)), len(set(second))) == (high, 40 - high)
    assert min(first) >= WAN_BOUNDARY > max(second)


@pytest.mark.slow
def test_the_4_step_lora_runs_the_levels_that_it_was_trained_on(
    seen: dict[float, None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    diffusers_tiny.pull_lora(PROFILES["wan22-a14b"].lora("4-step"), tmp_path / "hub")
    run(f"{diffusers_tiny.make('wan22-a14b', tmp_path / 'a14b', steps=40)}+4-step")
    assert list(seen) == pytest.approx([1000, 937, 833, 625], abs=1.5)


@pytest.mark.slow
def test_a_profiles_scheduler_settings_win_over_the_repositorys(seen: dict[float, None], tmp_path: Path) -> None:
    folder = diffusers_tiny.make("wan22-5b", tmp_path / "wan", steps=4)
    own = folder / "afterframe-model.toml"
    own.write_text(own.read_text("utf-8").replace("flow_shift = 5.0", "flow_shift = 8.0"), "utf-8")
    run(str(folder))
    assert list(seen) == pytest.approx(wan(4, shift=8.0), abs=4)


def test_a_setting_that_the_scheduler_does_not_know_is_named() -> None:
    import diffusers

    text = (diffusers_tiny.profile_text("wan22-5b")).replace("flow_shift = 5.0", "flow_shfit = 5.0")
    pipeline = type("Pipeline", (), {"scheduler": diffusers.UniPCMultistepScheduler()})()
    with pytest.raises(ConfigError, match="flow_shfit") as caught:
        schedule.apply(parse(text, "mine.toml"), pipeline)
    assert "flow_shift" in caught.value.hint
