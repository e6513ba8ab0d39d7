"""Faster steps: attention back end, regional compilation, and steps taken over from the one before.

Each may fail with some GPU, driver or version; then it is switched off, the clip begins again without it, and the
failure is remembered for that model, memory plan and device.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from afterframe.generators.diffusers import step_cache
from afterframe.generators.diffusers.device import TorchDevice
from afterframe.generators.diffusers.plans import transformers_of
from afterframe.generators.diffusers.profiles import MemoryPlan
from afterframe.generators.diffusers.quality import NO_CACHE, StepCache
from afterframe.system.files import write_file

COMPILATION = "compilation"
"""Its name where failures are remembered; an attention back end has its own."""
COMPILE_S = 60.0
"""What the first compiled step takes longer, seconds: a minute or so by diffusers' documentation."""
COMPILE_GAIN = 0.2
"""Share of the steps' time that compilation saves, at least."""
CLIPS_A_LOAD = 4
"""Clips within which compilation must have paid: as many are often made before a model is unloaded."""

log = logging.getLogger(__name__)


class Acceleration:
    """The accelerations of one loaded pipeline.

    Args:
        refused: what failed before and is not tried again.
    """

    def __init__(
        self, pipeline: Any, plan: MemoryPlan, device: TorchDevice, refused: frozenset[str] = frozenset()
    ) -> None:
        self._pipeline = pipeline
        wanted = attention_for(device)
        self.attention = "native" if wanted in refused else wanted
        self.compiled = False
        self.cache = NO_CACHE
        self._refused = set(refused)
        self._steps = 0
        self._may_compile = (
            plan.compile
            and device.kind == "cuda"
            and COMPILATION not in refused
            and importlib.util.find_spec("triton") is not None
        )
        self._set_attention()

    @property
    def on(self) -> bool:
        """Whether anything that could cause an error is switched on."""
        return self.compiled or self.attention != "native" or bool(self.cache.kind)

    def take_over(self, cache: StepCache, steps: int) -> None:
        """Let the next clip's steps be taken over as a profile says, unless that has failed before.

        Args:
            steps: of that clip.
        """
        wanted = self.allowed(cache)
        if (wanted, steps) == (self.cache, self._steps):
            return
        step_cache.disable(self._pipeline)
        self._forget_compiled()  # it was compiled with or without the hooks
        self.cache, self._steps = wanted, steps
        if not wanted.kind:
            return
        try:
            step_cache.enable(self._pipeline, wanted, steps)
        except (ValueError, IndexError) as error:
            log.warning("%s cannot be used with this model: %s", _name_of(wanted), error)
            self._refused.add(_name_of(wanted))
            self.cache = NO_CACHE

    def allowed(self, cache: StepCache) -> StepCache:
        """What of it has not failed before: all or nothing."""
        return NO_CACHE if _name_of(cache) in self._refused else cache

    def compile_where_it_pays(self, clip_s: float) -> None:
        """Compile the transformers' repeated blocks, once; the work happens at the next step.

        Args:
            clip_s: what the steps of one clip take, seconds; 0: nothing was measured yet.
        """
        # MagCache's hooks keep their blocks from being compiled.
        possible = self._may_compile and not self.compiled and self.cache.kind != "mag"
        if possible and clip_s * COMPILE_GAIN * CLIPS_A_LOAD > COMPILE_S:
            self._compile()

    def _compile(self) -> None:
        try:
            for transformer in transformers_of(self._pipeline):
                transformer.compile_repeated_blocks(fullgraph=not self.cache.kind)  # hooks break the graph
        except (ValueError, RuntimeError) as error:
            log.info("the model is not compiled: %s", error)
            self._forget_compiled()
        else:
            self.compiled = True

    def drop(self) -> str:
        """Switch one thing off, the likelier fault first; its name."""
        if self.attention != "native":
            dropped, self.attention = self.attention, "native"
            self._set_attention()
            if self.compiled:
                self._forget_compiled()
                self._compile()
            return dropped
        if self.compiled:
            self._may_compile = False
            self._forget_compiled()
            return COMPILATION
        dropped = _name_of(self.cache)
        self._refused.add(dropped)
        self.take_over(NO_CACHE, self._steps)
        return dropped

    def _forget_compiled(self) -> None:
        for transformer in transformers_of(self._pipeline):
            for module in transformer.modules():
                module._compiled_call_impl = None  # noqa: SLF001 - torch.nn.Module.compile() sets it; nothing unsets it
        self.compiled = False

    def _set_attention(self) -> None:
        """On self-attention alone. The text's mask goes to cross-attention, and the fast back ends take no mask.

        A model's own set_attention_backend sets it everywhere, and for the whole process.
        """
        back_end = None if self.attention == "native" else self.attention
        for module in self._self_attention():
            module.processor._attention_backend = back_end  # noqa: SLF001 - where diffusers itself keeps it

    def _self_attention(self) -> Iterator[Any]:
        for transformer in transformers_of(self._pipeline):
            for name, module in transformer.named_modules():
                if name.endswith("attn1") and hasattr(getattr(module, "processor", None), "_attention_backend"):
                    yield module


class AccelerationFailures:
    """What failed on this machine, so that the next load does not try it again.

    Args:
        file: JSON: model, device, plan and versions -> the names of what failed. A damaged one counts as empty.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def refused(self, key: str) -> frozenset[str]:
        """What failed with this model, device and plan, with the torch and diffusers that are installed now."""
        known = self._read().get(_with_versions(key))
        return frozenset(map(str, known)) if isinstance(known, list) else frozenset()

    def record(self, key: str, name: str) -> None:
        """Remember that something failed."""
        everything = {**self._read(), _with_versions(key): sorted({*self.refused(key), name})}
        with contextlib.suppress(OSError):  # a full disk must not stop a render
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_file(self._file, json.dumps(everything, indent=1).encode())

    def _read(self) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self._file.read_text("utf-8"))
            if isinstance(found, dict):
                return found
        return {}


def _name_of(cache: StepCache) -> str:
    """Its name where failures are remembered."""
    return f"{cache.kind} cache"


def _with_versions(key: str) -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "diffusers"))
    return f"{key}; {versions}"


def attention_for(device: TorchDevice) -> str:
    """The fastest installed back end that is likely to work; none is downloaded at run time."""
    if device.kind != "cuda" or device.capability < (8, 0):
        return "native"
    if importlib.util.find_spec("flash_attn_interface"):
        return "_flash_3"
    if importlib.util.find_spec("flash_attn"):
        return "flash"
    if device.capability >= (9, 0):
        return "_native_cudnn"  # SageAttention makes confetti of Wan on Hopper: diffusers issue 12783
    return "sage" if importlib.util.find_spec("sageattention") else "native"
