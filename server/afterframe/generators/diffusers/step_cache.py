"""A profile's step cache as the hooks of diffusers 0.42 have it: switched on for a clip, and off again.

FirstBlockCache compares what the first block changes with the step before; MagCache adds up an error that was measured
beforehand; TaylorSeer continues what the last steps computed (diffusers, docs/source/en/optimization/cache.md). Their
state ends with the clip: the pipeline's maybe_free_model_hooks resets it.
"""

from __future__ import annotations

import copy
from typing import Any

from afterframe.generators.diffusers.plans import transformers_of
from afterframe.generators.diffusers.quality import StepCache


def enable(pipeline: Any, cache: StepCache, steps: int) -> None:
    """Let the pipeline's transformers take steps over.

    Raises:
        ValueError, IndexError: diffusers cannot do it with this model. Nothing is switched on then.
    """
    transformers = transformers_of(pipeline)
    try:
        for number, share in enumerate(_steps_of_each(pipeline, steps)):
            transformers[number].enable_cache(_config(cache, share, cache.ratios_2 if number else cache.ratios))
    except (ValueError, IndexError):
        disable(pipeline)
        raise


def disable(pipeline: Any) -> None:
    """Let every step be computed again."""
    for transformer in transformers_of(pipeline):
        if transformer.is_cache_enabled:
            transformer.disable_cache()


def _config(cache: StepCache, steps: int, ratios: tuple[float, ...]) -> Any:
    from diffusers import FirstBlockCacheConfig, MagCacheConfig, TaylorSeerCacheConfig

    if cache.kind == "first_block":
        return FirstBlockCacheConfig(threshold=cache.threshold)
    if cache.kind == "mag":
        return MagCacheConfig(
            threshold=cache.threshold, max_skip_steps=cache.skips, num_inference_steps=steps, mag_ratios=list(ratios)
        )
    # Whole blocks rest, and what leaves the model is continued: of each block's own output there would be gigabytes.
    return TaylorSeerCacheConfig(
        cache_interval=cache.skips + 1,
        skip_predict_identifiers=[r"(transformer_)?blocks\.\d+"],
        cache_identifiers=[r"(audio_)?proj_out"],
    )


def _steps_of_each(pipeline: Any, steps: int) -> list[int]:
    """How many steps each transformer takes: two experts share them where the noise falls below the boundary."""
    if len(transformers_of(pipeline)) == 1:
        return [steps]
    scheduler = copy.deepcopy(pipeline.scheduler)
    scheduler.set_timesteps(steps)
    boundary = pipeline.config.boundary_ratio * scheduler.config.num_train_timesteps
    first = sum(float(level) >= boundary for level in scheduler.timesteps)
    return [first, steps - first]
