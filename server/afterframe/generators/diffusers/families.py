"""How each family of pipelines is called: how it takes the photo and the prompts, what it returns.

The parameters' names are those of diffusers 0.42 (``WanImageToVideoPipeline``, ``LTXConditionPipeline``,
``LTX2ConditionPipeline``, ``CogVideoXImageToVideoPipeline``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from afterframe.domain import Direction, Recipe
from afterframe.imaging.frames import Sound

if TYPE_CHECKING:
    from PIL.Image import Image

Call = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PipelineInput:
    """What every family's call is made from."""

    photo: Image
    """Framed, in the clip's size."""
    recipe: Recipe
    count: int
    """Frames that the model makes."""
    strength: float
    """How strongly the photo determines its frame, where the model has a parameter for it."""
    end: Image | None = None
    """The photo that the clip ends with, likewise."""

    @property
    def first(self) -> bool:
        """The photo is the first frame."""
        return self.recipe.loop or self.recipe.direction is Direction.AFTER

    @property
    def last(self) -> bool:
        """A photo is the last frame: :attr:`last_photo`."""
        return self.recipe.loop or self.recipe.direction is Direction.BEFORE or self.end is not None

    @property
    def last_photo(self) -> Image:
        """The one that the clip ends with."""
        return self.end or self.photo

    def held(self, last_place: int) -> list[tuple[Image, int]]:
        """The photos that are held, each with its place; the last one's is ``last_place``."""
        return [(self.photo, 0)] * self.first + [(self.last_photo, last_place)] * self.last


class Family:
    """How a family of models is called: by default the photo is ``image`` and a prompt becomes one tensor."""

    text_outputs: tuple[str, ...] = ("prompt_embeds",)
    """What encode_prompt returns for the prompt, in order."""

    def conditions(self, scene: PipelineInput) -> Call:
        """The parameters that hold the photo."""
        return {"image": scene.photo}

    def texts(self, embeddings: Mapping[str, Any], negative: Mapping[str, Any] = MappingProxyType({})) -> Call:
        """The parameters that hold the encoded prompts; without guidance there is no negative one."""
        return {**embeddings, **{f"negative_{name}": value for name, value in negative.items()}}

    def video_latents(self, latents: Any, shape: tuple[int, int, int]) -> Any:
        """The latents between two steps as (batch, channels, frames, height, width).

        Args:
            shape: their (frames, height, width).
        """
        return latents

    def sound(self, pipeline: Any, answer: Any) -> Sound | None:
        """The clip's sound; None where the model makes none."""
        return None


class Wan(Family):
    """Wan 2.2: a last frame beside the first where the model has learned it."""

    def conditions(self, scene: PipelineInput) -> Call:
        """``last_image`` holds the end. Wan 5B would silently ignore it; its profile says so."""
        return {"image": scene.photo} | ({"last_image": scene.last_photo} if scene.last else {})


class CogVideoX(Family):
    """CogVideoX: time before channels."""

    def video_latents(self, latents: Any, shape: tuple[int, int, int]) -> Any:
        """From (batch, frames, channels, height, width)."""
        return latents.transpose(1, 2)


class Ltx(Family):
    """LTX-Video: conditions at any frame."""

    text_outputs = ("prompt_embeds", "prompt_attention_mask")

    def conditions(self, scene: PipelineInput) -> Call:
        """One condition for each end that is the photo, and the frame rate."""
        from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition

        held = [
            LTXVideoCondition(image=photo, frame_index=at, strength=scene.strength)
            for photo, at in scene.held(scene.count - 1)
        ]
        return {"conditions": held, "frame_rate": scene.recipe.fps}

    def video_latents(self, latents: Any, shape: tuple[int, int, int]) -> Any:
        """From one token for each place; those of a condition in mid-clip come before them."""
        return _as_video(latents[:, -math.prod(shape) :], shape)


class Ltx2(Family):
    """LTX-2: conditions by latent index; sound comes with the pictures."""

    text_outputs = ("prompt_embeds", "prompt_attention_mask")

    def conditions(self, scene: PipelineInput) -> Call:
        """``crf=0``: the photo was compressed by our own ffmpeg, where the profile asks for it."""
        from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition

        held = [
            LTX2VideoCondition(frames=photo, index=at, strength=scene.strength, crf=0) for photo, at in scene.held(-1)
        ]
        return {"conditions": held, "frame_rate": float(scene.recipe.fps)}

    def video_latents(self, latents: Any, shape: tuple[int, int, int]) -> Any:
        """From one token for each place; those of a condition come after them."""
        return _as_video(latents[:, : math.prod(shape)], shape)

    def sound(self, pipeline: Any, answer: Any) -> Sound | None:
        """The vocoder's waveform, (batch, channels, samples)."""
        if answer.audio is None:
            return None
        samples = answer.audio[0].detach().float().cpu().numpy()
        return Sound(np.ascontiguousarray(np.atleast_2d(samples).T), int(pipeline.vocoder.config.output_sampling_rate))


def _as_video(tokens: Any, shape: tuple[int, int, int]) -> Any:
    """(batch, places, channels) -> (batch, channels, frames, height, width); the models' patches are single places."""
    return tokens.transpose(1, 2).unflatten(2, shape)


FAMILIES: Mapping[str, Family] = {"wan": Wan(), "ltx": Ltx(), "ltx2": Ltx2(), "cogvideox": CogVideoX()}
"""Profile.family -> how it is called. No built-in profile is a CogVideoX any more; a kept one still works."""
