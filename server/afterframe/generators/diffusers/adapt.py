"""A recipe adapted to a model: its grid, lengths, frame rate and prompts. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace

from afterframe.domain import Direction, Quality, Recipe
from afterframe.errors import GenerateError
from afterframe.generators.diffusers.profiles import SEPARATOR, MemoryPlan, ModelChoice, Profile, PromptWording
from afterframe.generators.diffusers.quality import Level
from afterframe.system.cli_hints import program

TAKE_SHARE, FEWEST_STEPS = 0.4, 4
"""Share of its steps that a cheap take has, and at least how many."""
CALM, LIVELY, FAITHFUL = 0.35, 0.65, 0.8
"""Motion below and above which words are added; style consistency from which they are."""


def adapt_recipe(recipe: Recipe, profile: Profile, plan: MemoryPlan) -> Recipe:
    """The recipe as the model can do it, each change with its reason.

    Raises:
        GenerateError: the model cannot do a loop, or a clip that ends with the photo.
    """
    check(recipe, profile)
    megapixels = min(plan.megapixels or profile.megapixels, profile.megapixels)
    size = nearest_size(recipe.size, profile.grid, megapixels * 1e6)
    count = clip_frame_count(recipe, profile)
    because = dict(recipe.because)
    if size != recipe.size:
        because["size"] = (
            *because.get("size", ()),
            f"{profile.title}: multiples of {profile.grid}, "
            f"at most {megapixels:.2g} million pixels; cropped around the subject",
        )
    if profile.fps != recipe.fps:
        because["fps"] = (*because.get("fps", ()), f"{profile.title}: made for {profile.fps} frames a second")
    duration_s = count / profile.fps
    if abs(duration_s - recipe.duration_s) > 1e-3:
        because["duration_s"] = (*because.get("duration_s", ()), f"{profile.title}: {count} frames")
    return replace(recipe, size=size, fps=profile.fps, duration_s=duration_s, because=because)


def explain_quality(recipe: Recipe, usual: ModelChoice, asked: ModelChoice) -> Recipe:
    """The recipe with what its quality means for the model among the reasons.

    Args:
        usual: the model as its profile has it.
        asked: the model as the quality wants it.
    """
    reasons = [*recipe.because.get("quality", ()), *_quality_reasons(recipe.quality, usual, asked)]
    return replace(recipe, because={**recipe.because, "quality": tuple(reasons)})


def _quality_reasons(quality: Quality, usual: ModelChoice, asked: ModelChoice) -> list[str]:
    profile, level = usual.profile, usual.profile.qualities.get(quality, Level())
    found = []
    if asked.steps != usual.steps:
        by_lora = f" with the LoRA {level.lora}" if len(asked.loras) > len(usual.loras) else ""
        found.append(f"{profile.title}: {asked.steps} steps{by_lora} instead of {usual.steps}")
    if asked.cache.kind:
        found.append("what hardly changes from one step to the next is not computed again")
    if level.parameters and asked.profile.parameters != profile.parameters:
        found.append("with " + ", ".join(f"{name} {value}" for name, value in level.parameters.items()))
    if level.lora and level.lora not in {lora.name for lora, _ in asked.loras}:
        pull = f"{program()} models pull {profile.name}{SEPARATOR}{level.lora}"
        found.append(f"quicker still with a LoRA that is not on this machine: `{pull}`")
    if quality is not Quality.STANDARD and level == Level() and not profile.qualities.get(Quality.STANDARD):
        found.append(f"{profile.title}: the same as standard")
    return found


def check(recipe: Recipe, profile: Profile) -> None:
    """Refuse a recipe that the model cannot do.

    Raises:
        GenerateError: it needs a last frame, which the model does not take.
    """
    if recipe.loop and not profile.can_loop:
        raise GenerateError(
            f"{profile.title} cannot make a loop: it takes no last frame.",
            "Turn the loop off, or choose wan22-a14b, ltx-2b or ltx2; parallax can loop every clip.",
            code="no_last_frame",
        )
    if recipe.end_photo and not profile.can_loop:
        raise GenerateError(
            f"{profile.title} cannot end with another photo: it takes no last frame.",
            "Choose wan22-a14b, ltx-2b or ltx2; parallax goes from one photo to another that overlaps it.",
            code="no_last_frame",
        )
    if recipe.direction is Direction.BEFORE and not recipe.loop and not profile.can_end:
        raise GenerateError(
            f"{profile.title} cannot end with the photo: it needs a first frame.",
            "Choose ltx-2b, ltx-13b or ltx2, or let the clip begin with the photo.",
            code="no_last_frame",
        )


def model_frame_count(count: int, recipe: Recipe) -> int:
    """Frames that the model makes for a clip of ``count``: the last one of a loop repeats the first, and is dropped."""
    return count + 1 if recipe.loop else count


def clip_frame_count(recipe: Recipe, profile: Profile) -> int:
    """Frames in the clip."""
    wanted = max(2, round(recipe.duration_s * profile.fps))
    if not recipe.loop:
        return profile.frames.nearest(wanted)
    return profile.frames.nearest(wanted + 1) - 1


def nearest_size(size: tuple[int, int], grid: int, pixels: float) -> tuple[int, int]:
    """The (width, height) on the grid with nearly the aspect of ``size``, as large as it and ``pixels`` allow.

    Less of the aspect is kept where that keeps more of the picture: the loss of either is weighed.
    """
    scale = min(1.0, math.sqrt(pixels / (size[0] * size[1])))
    wanted = size[0] * scale, size[1] * scale
    best = (grid, grid)
    lowest = math.inf
    for width in _neighbours(wanted[0], grid):
        for height in _neighbours(wanted[1], grid):
            if width * height > pixels * 1.02:
                continue
            stretch = abs(math.log((width / height) / (wanted[0] / wanted[1])))
            growth = abs(math.log(width * height / (wanted[0] * wanted[1])))
            if (cost := stretch + growth / 2) < lowest:
                lowest, best = cost, (width, height)
    return best


def _neighbours(side: float, grid: int) -> list[int]:
    below = int(side // grid)
    return [cells * grid for cells in (below - 1, below, below + 1) if cells > 0]


def prompt_of(recipe: Recipe, profile: Profile) -> str:
    """The whole prompt: the recipe's words as they are, among those that this model needs, in its own form."""
    said = {
        "words": recipe.prompt + "." * recipe.prompt[-1:].isalnum(),  # the next sentence is none of theirs
        "camera": profile.words.camera.get(recipe.camera_movement, ""),
        "motion": _motion_words(recipe, profile.words),
        "likeness": profile.words.faithful if recipe.style_consistency >= FAITHFUL else "",
    }
    found = []
    for token in profile.words.template.split():
        slot = re.search(r"\{(\w+)\}", token)
        if slot is None:
            found.append(token)
        elif said[slot[1]]:
            found.append(token.replace(slot[0], said[slot[1]]))
    return " ".join(found)


def _motion_words(recipe: Recipe, words: PromptWording) -> str:
    if recipe.motion_intensity < CALM:
        return words.calm
    return words.lively if recipe.motion_intensity > LIVELY else ""


def negative_prompt_of(recipe: Recipe, profile: Profile) -> str:
    """What the model is told to avoid."""
    return ", ".join(part for part in (recipe.negative_prompt, profile.words.negative) if part)


def steps_of_take(choice: ModelChoice) -> int:
    """Steps of a cheap take; all of them where the model runs fixed noise levels, or is distilled to few."""
    fixed = {"sigmas", "timesteps"} & choice.profile.parameters.keys()
    return choice.steps if fixed else min(choice.steps, max(FEWEST_STEPS, math.ceil(choice.steps * TAKE_SHARE)))


def parameters_of(recipe: Recipe, choice: ModelChoice) -> Mapping[str, object]:
    """The pipeline's own parameters, and two that are not: "strength", how strongly the photo determines its frame,
    and "image_crf", how much the photo is compressed before the model sees it (H.264, 0 not at all, to 51).
    """
    profile = choice.profile
    mapped = {
        ramp.parameter: ramp.value(
            recipe.motion_intensity if ramp.source == "motion_intensity" else recipe.style_consistency
        )
        for ramp in profile.ramps
    }
    if "image_crf" in mapped:
        mapped["image_crf"] = round(mapped["image_crf"])
    return {**profile.parameters, **mapped, **choice.guidance, "num_inference_steps": choice.steps}
