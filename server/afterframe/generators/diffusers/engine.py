"""One loaded model: loads it by its memory plan, encodes prompts, makes frames, stays loaded for the next photo."""

from __future__ import annotations

import gc
import inspect
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from afterframe.config import Settings
from afterframe.domain import Recipe
from afterframe.encode.process import Encoding
from afterframe.encode.stills import as_video_frame
from afterframe.errors import AfterframeError, GenerateError
from afterframe.generators.diffusers import adapt, failures, few_bits, plans, schedule, weights
from afterframe.generators.diffusers.acceleration import Acceleration, AccelerationFailures
from afterframe.generators.diffusers.device import TorchDevice
from afterframe.generators.diffusers.families import FAMILIES, Call, PipelineInput
from afterframe.generators.diffusers.latent_preview import LatentPreview
from afterframe.generators.diffusers.loras import PipelineLoras
from afterframe.generators.diffusers.profiles import Lora, MemoryPlan, ModelChoice
from afterframe.generators.diffusers.prompt_cache import Embeddings, PromptCache
from afterframe.generators.diffusers.timings import PhaseProgress
from afterframe.imaging.frames import Pixels, PreparedPhoto, Sound
from afterframe.system.cli_hints import pip_install

SLOW_ON_CPU_GB = 2.0
"""Larger models are refused on a machine without a GPU: a clip would take hours."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ModelOutput:
    """Frames and sound as the model returned them, still on its device."""

    frames: Any
    """Tensor (count, 3, height, width), 0-1."""
    sound: Sound | None

    def pixels(self) -> Iterator[Pixels]:
        """Frames as uint8 sRGB (height, width, 3), one by one.

        Raises:
            GenerateError: a frame is not finite.
        """
        for frame in self.frames:
            if not bool(frame.isfinite().all()):
                raise GenerateError(
                    "The model made no picture (its numbers overflowed).",
                    "Choose another precision in its profile, or another model.",
                    code="bad_frames",
                )
            yield np.ascontiguousarray(
                frame.float().mul(255).round().clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy()
            )


class Engine:
    """A model under one memory plan.

    Args:
        choice: the model, where its weights are, and its LoRAs.
        device: where it runs.
        plan: how it fits into memory.
        settings: the cache in Afterframe's folder holds encoded prompts; config.toml may name the ffmpeg to use.
    """

    def __init__(self, choice: ModelChoice, device: TorchDevice, plan: MemoryPlan, settings: Settings) -> None:
        self.choice, self.device, self.plan = choice, device, plan
        self.stored = weights.require(choice)
        self._family = FAMILIES[choice.profile.family]
        self._cache = PromptCache(settings.home.cache / "prompts")
        self._encoding = Encoding(settings.config.render.ffmpeg)
        self._pipeline: Any = None
        self._reader: Any = None
        self._loras: PipelineLoras | None = None
        self._switched = _usable(choice)
        self._acceleration: Acceleration | None = None
        self.preview: LatentPreview | None = None
        """Shows the clip that is being made."""
        self._failed = AccelerationFailures(settings.home.cache / "acceleration.json")
        gigabytes = weights.size_of(self.stored.folder) / (1 << 30)
        if not device.accelerated and gigabytes > SLOW_ON_CPU_GB:
            raise GenerateError(
                f"{choice.profile.title} needs a GPU: on the CPU of this machine one clip would take hours.",
                "Use --generator parallax, or a machine with a GPU; `afterframe doctor` shows what this machine has.",
                code="no_gpu",
            )

    def choice_for(self, recipe: Recipe) -> ModelChoice:
        """The model as the recipe's quality wants it."""
        return self.choice.at(recipe.quality, self._switched)

    @property
    def loaded(self) -> bool:
        """Whether it is warm."""
        return self._pipeline is not None

    def settings(self, recipe: Recipe) -> dict[str, object]:
        """How it runs, for the sidecar."""
        acceleration, choice = self._acceleration, self.choice_for(recipe)
        return {
            "device": self.device.name,
            "memory_plan": self.plan.name,
            "precision": str(self._dtype()).removeprefix("torch."),
            "attention": acceleration.attention if acceleration else "native",
            "compiled": bool(acceleration and acceleration.compiled),
            "cache": (acceleration.allowed(choice.cache) if acceleration else choice.cache).kind,
            "loras": {lora.name: weight for lora, weight in choice.loras},
            **({"gguf": [file.name for file in choice.gguf]} if choice.gguf else {}),
        }

    # -- a clip ------------------------------------------------------------------------------

    def make(self, photo: PreparedPhoto, recipe: Recipe, tracker: PhaseProgress) -> ModelOutput:
        """Make a clip's frames.

        Raises:
            Cancelled: within one step of being asked.
            GenerateError: an error that is known; running out of memory is left as torch raises it.
        """
        import torch

        try:
            with torch.no_grad():
                texts = self._read_prompts(recipe, tracker)
                self._load(tracker)
                return self._run(photo, recipe, texts, tracker)
        except AfterframeError:
            raise
        except Exception as error:
            if not failures.is_out_of_memory(error):
                known = failures.translated(error, self.choice.profile.title, str(self.stored.folder))
                if known is not None:
                    raise known from error
            raise
        finally:
            self.preview = None
            self._free_hooks()

    def _run(self, photo: PreparedPhoto, recipe: Recipe, texts: Call, tracker: PhaseProgress) -> ModelOutput:
        call = {**texts, **self._call(photo.pixels, recipe, photo.end), "num_inference_steps": tracker.steps}
        self.preview = LatentPreview(
            self._family, np.ascontiguousarray(photo.pixels), int(call["num_frames"]), self.device.kind
        )
        assert self._acceleration is not None, "_load made it"
        assert self._loras is not None, "_load made it"
        choice = self.choice_for(recipe)
        self._loras.use(choice.loras)
        self._acceleration.take_over(choice.cache, tracker.steps)
        self._acceleration.compile_where_it_pays(tracker.steps_s)
        answer = self._accelerated(self._acceleration, call, recipe.seed, tracker)
        frames = answer.frames[0][: recipe.frame_count]
        return ModelOutput(frames, self._sound(answer, recipe))

    def _accelerated(self, acceleration: Acceleration, call: Call, seed: int, tracker: PhaseProgress) -> Any:
        """Denoise; what fails is dropped until it works. What was dropped last was at fault, and is remembered."""
        dropped = ""
        while True:
            try:
                answer = self._denoise(call, seed, tracker)
            except AfterframeError:
                raise
            except Exception as error:
                if failures.is_out_of_memory(error) or not acceleration.on:
                    raise
                dropped = acceleration.drop()
                log.warning("%s: %s; it goes on without %s", type(error).__name__, error, dropped)
            else:
                if dropped:
                    self._failed.record(self._key, dropped)
                return answer

    @property
    def _key(self) -> str:
        return f"{self.choice.spec} on {self.device.name}: {self.plan.name}"

    def _denoise(self, call: Call, seed: int, tracker: PhaseProgress) -> Any:
        import torch

        def after_step(pipeline: Any, number: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            preview.step(pipeline, number, tensors["latents"])
            tracker.step()
            if number + 1 == pipeline.num_timesteps:
                decoding.append(time.monotonic())
            return tensors

        assert self.preview is not None, "_run made it"
        preview = self.preview
        preview.begin(self._pipeline)
        decoding: list[float] = []
        tracker.begin_steps()
        answer = self._pipeline(
            **call,
            generator=torch.Generator("cpu").manual_seed(seed),
            output_type="pt",
            callback_on_step_end=after_step,
        )
        if decoding:
            tracker.spent["decode"] = time.monotonic() - decoding[0]
            tracker.report()
        return answer

    def _call(self, photo: Pixels, recipe: Recipe, end: Pixels | None = None) -> Call:
        profile = self.choice.profile
        parameters = dict(adapt.parameters_of(recipe, self.choice_for(recipe)))
        strength = float(str(parameters.pop("strength", 1.0)))
        crf = int(str(parameters.pop("image_crf", 0)))
        count = adapt.model_frame_count(recipe.frame_count, recipe)
        last = None if end is None else self._as_seen(end, crf)
        scene = PipelineInput(self._as_seen(photo, crf), recipe, count, strength, last)
        width, height = recipe.size
        return {
            **parameters,
            **self._family.conditions(scene),
            "width": width,
            "height": height,
            "num_frames": count,
            "max_sequence_length": profile.sequence,
        }

    def _as_seen(self, photo: Pixels, crf: int) -> Image.Image:
        """A photo as the model was trained on it: compressed as a video's frame."""
        return Image.fromarray(as_video_frame(photo, crf, self._encoding) if crf else np.ascontiguousarray(photo))

    def _sound(self, answer: Any, recipe: Recipe) -> Sound | None:
        sound = self._family.sound(self._pipeline, answer) if self.choice.profile.audio else None
        if sound is None:
            return None
        wanted = round(recipe.frame_count / recipe.fps * sound.rate)
        samples = sound.samples[:wanted]
        missing = wanted - len(samples)
        return Sound(np.pad(samples, ((0, missing), (0, 0))), sound.rate)

    def _free_hooks(self) -> None:
        """After each clip, also a cancelled one: parts that were moved to the device leave it again."""
        if self._pipeline is not None:
            self._pipeline.maybe_free_model_hooks()

    # -- prompts -----------------------------------------------------------------------------

    def _read_prompts(self, recipe: Recipe, tracker: PhaseProgress) -> Call:
        profile = self.choice.profile
        key = self._text_key()
        found: list[Embeddings] = []
        texts = [adapt.prompt_of(recipe, profile)]
        if self.guided(recipe):
            texts.append(adapt.negative_prompt_of(recipe, profile))
        with tracker.phase("text"):
            for text in texts:
                tracker.check_cancelled()
                found.append(self._cache.encoded(key, text, lambda text=text: self._encode(text)))  # type: ignore[misc]
            self._release_reader()
        on_device = [{name: value.to(self.device.kind) for name, value in one.items()} for one in found]
        return self._family.texts(*on_device)

    def guided(self, recipe: Recipe) -> bool:
        """Whether the negative prompt counts: some guidance, the profile's or the pipeline's usual one, is above 1."""
        told = adapt.parameters_of(recipe, self.choice_for(recipe))
        usual = inspect.signature(self._pipeline_class().__call__).parameters
        scales = [name for name in usual if "guidance_scale" in name]
        values = [told.get(name, usual[name].default) for name in scales]
        return any(isinstance(value, int | float) and value > 1 for value in values) or not values

    def _text_key(self) -> str:
        part = self.stored.folder / "text_encoder"
        stamps = [f"{path.name} {path.stat().st_size}" for path in sorted(part.glob("*.safetensors"))]
        where = self.stored.revision or f"{self.stored.folder} {max(_changed(part), default=0)}"
        return "|".join([where, *stamps, str(self.choice.profile.sequence), str(self._dtype())])

    def _encode(self, text: str) -> Embeddings:
        if self._reader is None:
            self._reader = self._pipeline_class().from_pretrained(
                str(self.stored.folder),
                **dict.fromkeys([*self._parts_but("text_encoder", "tokenizer"), *self.choice.profile.unused]),
                **self._loading("text_encoder"),
            )
        device = self._text_device()
        self._reader.text_encoder.to(device)
        answer = self._reader.encode_prompt(
            text,
            do_classifier_free_guidance=False,
            max_sequence_length=self.choice.profile.sequence,
            device=device,
        )
        return dict(zip(self._family.text_outputs, answer, strict=False))

    def _text_device(self) -> Any:
        """The device, if the text encoder fits beside what is there; otherwise the CPU."""
        import torch

        if self.device.kind != "cuda":
            return torch.device(self.device.kind)
        needed = sum(tensor.numel() * tensor.element_size() for tensor in self._reader.text_encoder.parameters())
        here = next(self._reader.text_encoder.parameters()).device.type == "cuda"
        return torch.device("cuda" if here or torch.cuda.mem_get_info()[0] > needed * 1.15 + (1 << 30) else "cpu")

    def _release_reader(self) -> None:
        if self._reader is None or self.plan.text_encoder == "keep":
            return
        self._reader.text_encoder.to("cpu")
        if self.plan.text_encoder == "free":
            self._reader = None
        if self.device.accelerated:
            _empty_cache()

    # -- loading -----------------------------------------------------------------------------

    def _load(self, tracker: PhaseProgress) -> None:
        if self._pipeline is not None:
            return
        with tracker.phase("load"):
            pipeline = self._assemble(tracker)
            pipeline.set_progress_bar_config(disable=True)
            schedule.apply(self.choice.profile, pipeline)
            fuse = not (self.plan.fp8 or self.plan.quantise or plans.is_quantised(pipeline.transformer))
            self._loras = PipelineLoras(pipeline, self.choice, self._switched, fuse=fuse)
            plans.apply(self.plan, pipeline, self.device)
            self._acceleration = Acceleration(pipeline, self.plan, self.device, self._failed.refused(self._key))
            self._pipeline = pipeline

    def _assemble(self, tracker: PhaseProgress) -> Any:
        """Transformers and VAE one by one, with progress after each; then the pipeline around them."""
        from diffusers import AutoModel

        parts: dict[str, Any] = {}
        files = dict(zip(("transformer", "transformer_2"), self.choice.gguf, strict=False))
        for name in ("transformer", "transformer_2", "vae"):
            if name not in weights.parts_with_weights(self.stored.folder):
                continue
            if name in files:
                parts[name] = few_bits.load(files[name], self.stored.folder, name, self._dtype())
            else:
                ready = name == "vae" or few_bits.require_quantiser(self.stored.folder / name)
                quantised = {} if ready else plans.quantisation(self.plan, self._dtype(), self.device)
                parts[name] = AutoModel.from_pretrained(
                    str(self.stored.folder), subfolder=name, **self._loading(name), **quantised
                )
            tracker.report()
            tracker.check_cancelled()
        return self._pipeline_class().from_pretrained(
            str(self.stored.folder),
            **dict.fromkeys(("text_encoder", *self.choice.profile.unused)),
            **parts,
            **self._loading("others"),
        )

    def _loading(self, part: str) -> dict[str, Any]:
        import torch

        dtype = torch.float32 if part in self.choice.profile.full_precision else self._dtype()
        return {"dtype": dtype, "local_files_only": True, "use_safetensors": True}

    def _dtype(self) -> Any:
        import torch

        if not self.device.accelerated:
            return torch.float32
        if self.device.kind == "cuda" and self.device.capability < (8, 0):
            return torch.float16  # older cards compute bfloat16 in software
        return getattr(torch, self.choice.profile.precision)

    def _parts_but(self, *kept: str) -> list[str]:
        return [name for name in weights.parts_with_weights(self.stored.folder) if name not in kept]

    def _pipeline_class(self) -> Any:
        import diffusers

        kind = getattr(diffusers, self.choice.profile.pipeline, None)
        if kind is None:
            raise GenerateError(
                f"diffusers {diffusers.__version__} has no {self.choice.profile.pipeline}.",
                f"Update it: {pip_install('--upgrade', 'diffusers')}",
                code="no_packages",
            )
        return kind

    def close(self) -> None:
        """Release the memory."""
        self._pipeline = self._reader = self._acceleration = self._loras = None
        _empty_cache()


def _usable(choice: ModelChoice) -> list[Lora]:
    """LoRAs that a quality may switch on, as far as they are on this machine and the user has not named them anyway."""
    named = {level.lora for level in choice.profile.qualities.values()} - {lora.name for lora, _ in choice.loras}
    return [lora for lora in choice.profile.loras if lora.name in named and weights.find_lora(lora)]


def _changed(part: Path) -> Iterator[int]:
    return (path.stat().st_mtime_ns for path in part.glob("*.safetensors"))


def _empty_cache() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def silence_libraries() -> None:
    """diffusers and transformers print errors only, and never use the network."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import diffusers
    import transformers

    diffusers.utils.logging.set_verbosity_error()
    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
