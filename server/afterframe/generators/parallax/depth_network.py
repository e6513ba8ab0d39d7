"""Depth from a trained network. Off unless the settings name a folder of weights.

Any monocular depth model of transformers with a permissive licence will do (Depth Anything V2 Small is
Apache-2.0). Weights are read from the folder only, as safetensors; none of their code is run.
"""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from afterframe.errors import GenerateError
from afterframe.imaging.frames import Pixels
from afterframe.vision import Map

_SIDE = 518
"""Long side of the network's input, pixels, before it is cut to whole patches."""
_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, by which these networks were normalised."""


def learned_nearness(pixels: Pixels, weights: Path, shape: tuple[int, int]) -> Map:
    """0 far to 1 near, of ``shape`` (height, width), by the depth network in ``weights``.

    Args:
        pixels: uint8 sRGB (height, width, 3).
        weights: a folder as ``save_pretrained`` writes it.
        shape: of the map to return.

    Raises:
        GenerateError: the folder holds no depth network that can be loaded.
    """
    network, patch = _network(weights)
    depth = _run(network, _input(pixels, patch))
    if getattr(network.config, "depth_estimation_type", "relative") == "metric":
        depth = np.asarray(1.0 / np.maximum(depth, 1e-3), np.float32)
    low, high = np.percentile(depth, (2, 98))
    near = np.clip((depth - low) / max(float(high - low), 1e-6), 0.0, 1.0).astype(np.float32)
    return np.asarray(cv2.resize(near, (shape[1], shape[0]), interpolation=cv2.INTER_AREA), np.float32)


@functools.lru_cache(maxsize=1)
def _network(weights: Path) -> tuple[Any, int]:
    try:
        transformers: Any = importlib.import_module("transformers")
        network = transformers.AutoModelForDepthEstimation.from_pretrained(
            str(weights), local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    except (ImportError, OSError, ValueError) as error:
        raise GenerateError(
            f"The depth model in {weights} cannot be loaded.",
            "Leave vision.depth_model empty, or name a folder with config.json and model.safetensors.",
            code="depth_model",
        ) from error
    backbone = getattr(network.config, "backbone_config", None)
    return network.eval(), int(getattr(backbone or network.config, "patch_size", 16))


def _input(pixels: Pixels, patch: int) -> Pixels:
    """The picture at the network's input size, both sides whole patches."""
    height, width = pixels.shape[:2]
    scale = _SIDE / max(height, width)
    size = [max(patch, round(side * scale / patch) * patch) for side in (width, height)]
    return np.asarray(cv2.resize(pixels, (size[0], size[1]), interpolation=cv2.INTER_AREA), np.uint8)


def _run(network: Any, pixels: Pixels) -> Map:
    import torch

    unit = (pixels.astype(np.float32) / 255.0 - np.array(_MEAN, np.float32)) / np.array(_SPREAD, np.float32)
    with torch.inference_mode():
        seen = network(pixel_values=torch.from_numpy(unit.transpose(2, 0, 1)[None].copy()))
    return np.asarray(seen.predicted_depth[0].float().numpy(), np.float32)
