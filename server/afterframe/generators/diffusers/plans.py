"""Memory plans: which one to start with on this device, and how one is applied."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from afterframe.generators.diffusers.device import TorchDevice
from afterframe.generators.diffusers.profiles import MemoryPlan
from afterframe.system.files import write_file

FORGET_AFTER_S = 7 * 86_400
"""A plan that ran out of memory is tried again after a week: other programs may have ended."""

FP8_CAPABILITY = (8, 9)
"""Compute capability from which NVIDIA's cards compute in 8-bit floats: Ada, Hopper."""

log = logging.getLogger(__name__)


def starting_plan(plans: Sequence[MemoryPlan], device: TorchDevice, least: int) -> int:
    """The fastest plan, from ``least`` on, whose memory is free now; where none fits, the one that needs least.

    A machine without a GPU starts with the first: the plans are made for a GPU's memory.
    """
    if not device.accelerated:
        return min(least, len(plans) - 1)
    fitting = (number for number, plan in enumerate(plans) if number >= least and plan.vram_gb <= device.free_gb)
    return next(fitting, len(plans) - 1)


class MemoryFailures:
    """The plans that ran out of memory on this machine, so that the next photo does not try them again.

    Args:
        file: JSON: model and device -> {plan, free_gb, at}.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def first_plan(self, key: str, device: TorchDevice) -> int:
        """The first plan worth trying: none that failed when at least as much memory was free."""
        try:
            entry = json.loads(self._file.read_text("utf-8"))[key]
            recent = time.time() - float(entry["at"]) < FORGET_AFTER_S
            return int(entry["plan"]) + 1 if recent and device.free_gb <= float(entry["free_gb"]) + 1 else 0
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def record(self, key: str, device: TorchDevice, plan: int) -> None:
        """Remember that a plan ran out of memory, and how much was free when the device was looked at."""
        known: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            known = json.loads(self._file.read_text("utf-8"))
        known[key] = {"plan": plan, "free_gb": round(device.free_gb, 2), "at": time.time()}
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_file(self._file, json.dumps(known, indent=1).encode())


def quantisation(plan: MemoryPlan, dtype: Any, device: TorchDevice) -> dict[str, Any]:
    """Arguments for loading the transformer as the plan quantises it; none where package or card cannot do it."""
    if plan.quantise == "fp8" and device.capability >= FP8_CAPABILITY and importlib.util.find_spec("torchao"):
        from diffusers import TorchAoConfig
        from torchao.quantization import Float8DynamicActivationFloat8WeightConfig

        return {"quantization_config": TorchAoConfig(Float8DynamicActivationFloat8WeightConfig())}
    if plan.quantise == "int8" and importlib.util.find_spec("torchao"):
        from diffusers import TorchAoConfig
        from torchao.quantization import Int8WeightOnlyConfig

        return {"quantization_config": TorchAoConfig(Int8WeightOnlyConfig())}
    if plan.quantise == "nf4" and importlib.util.find_spec("bitsandbytes"):
        from diffusers import BitsAndBytesConfig

        config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)
        return {"quantization_config": config}
    if plan.quantise:
        log.warning(
            "“%s” asks for %s, which this machine cannot do: install torchao or bitsandbytes%s; it continues without",
            plan.name,
            plan.quantise,
            " (8-bit floats need an NVIDIA card from Ada or Hopper on)" if plan.quantise == "fp8" else "",
        )
    return {}


def apply(plan: MemoryPlan, pipeline: Any, device: TorchDevice) -> None:
    """Place the parts of a loaded pipeline as the plan says."""
    import torch

    if plan.tiling and hasattr(pipeline.vae, "use_tiling"):
        pipeline.vae.enable_tiling()
    if plan.fp8 and device.kind != "mps":  # Apple's GPUs have no 8-bit floats
        for transformer in transformers_of(pipeline):
            if is_quantised(transformer):  # it has few bits already
                continue
            transformer.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=transformer.dtype)
    if plan.offload == "model" and device.accelerated:
        pipeline.enable_model_cpu_offload(device=device.kind)
    elif plan.offload == "group":
        # Layer by layer; on CUDA the next layers arrive while these compute. Recorded streams need not wait for each
        # other, and pinning each layer only when it goes spares a second, pinned copy of the whole model.
        streams = device.kind == "cuda"
        pipeline.enable_group_offload(
            onload_device=torch.device(device.kind),
            offload_type="leaf_level",
            use_stream=streams,
            record_stream=streams,
            low_cpu_mem_usage=streams,
        )
    else:
        pipeline.to(device.kind)


def is_quantised(transformer: Any) -> bool:
    """Whether it was loaded with quantised weights."""
    return bool(getattr(transformer, "is_quantized", False))


def transformers_of(pipeline: Any) -> list[Any]:
    """The pipeline's transformers: one, or two experts."""
    parts = (getattr(pipeline, name, None) for name in ("transformer", "transformer_2"))
    return [part for part in parts if part is not None]
