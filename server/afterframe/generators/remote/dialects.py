"""How servers of the OpenAI Videos protocol differ, each as its source says.

- openai: the retired API as its package still sends it; four sizes, three lengths, no seed. Clips are cut to
  the length that was asked for.
- sglang: fields beyond the standard; older builds read them only from ``extra_body``, a JSON text, and tell no
  progress. Some models have a size or a grid of frames of their own, whatever is asked for. Fields that its model does
  not declare are dropped without a word. Without ``seed`` every clip has the same one. DELETE removes the record; the
  render goes on, and photo and clip stay in its folders.
- vllm-omni: multipart only; a ``model`` other than the one it serves is an error, so none is sent unless config.toml
  names one; a model with a fixed number of frames refuses any other; a failed job is reported with a failing HTTP
  status; DELETE stops the render and removes its file, and answers 409 while it cannot; no progress.
- fastvideo: like sglang, without progress until the clip is done. Its form knows fewer fields than its JSON, which
  takes the photo as a data URL.
- afterframe: another daemon takes the whole recipe, and its clip carries the record of how it was made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from afterframe.config import EndpointConfig
from afterframe.domain import Direction, Quality, Recipe
from afterframe.errors import GenerateError

GRID = 32
"""Sizes are multiples of this, and frame counts multiples of FRAME_GRID plus one. Most published image-to-video models
accept those (Wan, LTX-Video, HunyuanVideo, CogVideoX); servers round or stretch anything else, and some these."""
FRAME_GRID = 8
OPENAI_SIZES = ((720, 1280), (1280, 720), (1024, 1792), (1792, 1024))
OPENAI_SECONDS = (4, 8, 12)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way to speak the protocol."""

    adapt: Callable[[Recipe], Recipe]
    """The recipe as such a server can do it."""
    fields: Callable[[Recipe, EndpointConfig], Mapping[str, str]]
    """The form's text fields; the photo goes beside them as ``input_reference``."""
    cut: bool = False
    """It makes longer clips than asked for: they are cut."""
    describes_itself: bool = False
    """Its clips carry an XMP packet that says how they were made, and are already graded."""
    as_json: bool = False
    """It is sent JSON with the photo as a data URL, instead of a form."""
    keeps_files: bool = False
    """DELETE forgets a job; the photo and the clip stay in the server's folders."""
    reads: frozenset[str] | None = None
    """Further fields that it reads for certain, and a clip's record may claim; None: it drops none without a word."""


def _openai_adapt(recipe: Recipe) -> Recipe:
    width, height = recipe.size
    alike = [size for size in OPENAI_SIZES if (size[0] < size[1]) == (width < height)]
    size = min(alike, key=lambda size: abs(size[0] * size[1] - width * height))
    duration_s = min(recipe.duration_s, float(OPENAI_SECONDS[-1]))
    return _changed(recipe, size=size, duration_s=duration_s)


def _openai_fields(recipe: Recipe, endpoint: EndpointConfig) -> Mapping[str, str]:
    seconds = next(seconds for seconds in OPENAI_SECONDS if seconds >= recipe.duration_s)
    return {
        "model": endpoint.model or "sora-2",
        "prompt": recipe.prompt,
        "seconds": str(seconds),
        "size": _text(recipe.size),
    }


def _model_adapt(recipe: Recipe) -> Recipe:
    width, height = (max(GRID, round(side / GRID) * GRID) for side in recipe.size)
    count = max(1, round((recipe.frame_count - 1) / FRAME_GRID)) * FRAME_GRID + 1
    return _changed(recipe, size=(width, height), duration_s=count / recipe.fps)


def _model_fields(recipe: Recipe, endpoint: EndpointConfig) -> Mapping[str, str]:
    fields = {
        "prompt": recipe.prompt,
        "negative_prompt": recipe.negative_prompt,
        "size": _text(recipe.size),
        "fps": str(recipe.fps),
        "num_frames": str(recipe.frame_count),
        "seed": str(recipe.seed),
    }
    return {"model": endpoint.model, **fields} if endpoint.model else fields


def _sglang_fields(recipe: Recipe, endpoint: EndpointConfig) -> Mapping[str, str]:
    extra = {
        "seed": recipe.seed,
        "fps": recipe.fps,
        "num_frames": recipe.frame_count,
        "negative_prompt": recipe.negative_prompt,
        **endpoint.extra,
    }
    return {**_model_fields(recipe, endpoint), "extra_body": json.dumps(extra)}


def _afterframe_adapt(recipe: Recipe) -> Recipe:
    return recipe


def _afterframe_fields(recipe: Recipe, endpoint: EndpointConfig) -> Mapping[str, str]:
    # A daemon of an earlier version refuses what it does not know.
    quality = {} if recipe.quality is Quality.STANDARD else {"quality": str(recipe.quality)}
    return {
        **_model_fields(recipe, endpoint),
        "facts": "false",  # they are in the prompt already
        "photo_type": recipe.photo_type,
        "motion_intensity": str(recipe.motion_intensity),
        "style_consistency": str(recipe.style_consistency),
        "camera_movement": recipe.camera_movement,
        "loop": json.dumps(recipe.loop),
        "direction": recipe.direction,
        **quality,
    }


def _changed(recipe: Recipe, **values: object) -> Recipe:
    """The recipe with other values, each with its reason; loops and clips that end with the photo are refused."""
    if recipe.loop or recipe.direction is Direction.BEFORE:
        what = "loops" if recipe.loop else "clips that end with the photo"
        raise GenerateError(
            f"Servers of the OpenAI Videos protocol cannot make {what}.",
            "Turn that off, or use the generator parallax.",
            code="cannot_do",
        )
    because = dict(recipe.because)
    if recipe.quality is not Quality.STANDARD:
        because["quality"] = (*because.get("quality", ()), "its server takes no wish for it")
    for name, value in values.items():
        if value != getattr(recipe, name):
            because[name] = (*because.get(name, ()), f"rounded to {_plain(value)}, which its server can do")
    return replace(recipe, **values, because=because)  # type: ignore[arg-type]


def _plain(value: object) -> str:
    return _text(value) if isinstance(value, tuple) else f"{value:.3g} s"


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


_FASTVIDEO_READS = frozenset(
    {"guidance_scale", "guidance_scale_2", "num_inference_steps", "true_cfg_scale", "enable_teacache"}
)
"""FastVideo 0.2.1, entrypoints/openai/protocol.py, VideoGenerationsRequest."""
_SGLANG_READS = frozenset(
    {
        "enable_frame_interpolation",
        "enable_upscaling",
        "enhance_prompt",
        "flow_shift",
        "frame_interpolation_exp",
        "frame_interpolation_scale",
        "max_sequence_length",
        "output_compression",
        "output_quality",
        "upscaling_scale",
    }
)
"""SGLang 0.5.23, the same class in its multimodal_gen/runtime/entrypoints/openai/protocol.py, beyond FastVideo's."""
DIALECTS: Mapping[str, Dialect] = {
    "openai": Dialect(_openai_adapt, _openai_fields, cut=True),
    "sglang": Dialect(_model_adapt, _sglang_fields, keeps_files=True, reads=_FASTVIDEO_READS | _SGLANG_READS),
    "vllm-omni": Dialect(_model_adapt, _model_fields),
    "fastvideo": Dialect(_model_adapt, _model_fields, as_json=True, keeps_files=True, reads=_FASTVIDEO_READS),
    "afterframe": Dialect(_afterframe_adapt, _afterframe_fields, describes_itself=True),
}
