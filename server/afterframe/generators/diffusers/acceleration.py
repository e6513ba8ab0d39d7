"""Faster steps with the same visible result: attention back end and regional compilation.

Either may fail with some GPU, driver or version; then it is switched off and the clip begins again without it.
"""

from __future__ import annotations

import importlib.util
import logging
from typing import Any

from afterframe.generators.diffusers.device import TorchDevice
from afterframe.generators.diffusers.plans import transformers_of
from afterframe.generators.diffusers.profiles import MemoryPlan

log = logging.getLogger(__name__)


class Acceleration:
    """The accelerations of one loaded pipeline."""

    def __init__(self, pipeline: Any, plan: MemoryPlan, device: TorchDevice) -> None:
        self._pipeline = pipeline
        self.attention = attention_for(device)
        self.compiled = False
        if self.attention != "native":
            self._try_attention()
        if plan.compile and device.kind == "cuda" and importlib.util.find_spec("triton"):
            self.compile()

    @property
    def on(self) -> bool:
        """Whether anything that could cause an error is switched on."""
        return self.compiled or self.attention != "native"

    def compile(self) -> None:
        """Compile the transformers' repeated blocks; the work happens at the first step."""
        try:
            for transformer in transformers_of(self._pipeline):
                transformer.compile_repeated_blocks(fullgraph=True)
        except (ValueError, RuntimeError) as error:
            log.info("the model is not compiled: %s", error)
            self.off()
        else:
            self.compiled = True

    def _try_attention(self) -> None:
        try:
            for transformer in transformers_of(self._pipeline):
                transformer.set_attention_backend(self.attention)
        except (ValueError, RuntimeError, ImportError) as error:
            log.info("attention “%s” is not usable: %s", self.attention, error)
            self.off()

    def off(self) -> None:
        """Return to what always works. The back end is global to the process, so it is set again explicitly."""
        for transformer in transformers_of(self._pipeline):
            if self.attention != "native":
                transformer.set_attention_backend("native")
            for module in transformer.modules():
                module._compiled_call_impl = None  # noqa: SLF001 - torch.nn.Module.compile() sets it; nothing unsets it
        self.attention, self.compiled = "native", False


def attention_for(device: TorchDevice) -> str:
    """The fastest installed back end that is likely to work; none is downloaded at run time."""
    if device.kind != "cuda" or device.capability < (8, 0):
        return "native"
    if device.capability >= (9, 0) and importlib.util.find_spec("flash_attn_interface"):
        return "_flash_3"
    if importlib.util.find_spec("flash_attn"):
        return "flash"
    return "_native_cudnn" if device.capability >= (9, 0) else "native"
