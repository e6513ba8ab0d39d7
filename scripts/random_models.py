"""Wan 2.2 at full size with random weights: as large and as fast as the real one, only its pictures are noise.

The numbers are those of the published config.json files (Wan-AI/Wan2.2-TI2V-5B-Diffusers, Wan2.2-I2V-A14B-Diffusers).
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SPECIAL = ("<pad>", "</s>", "<unk>")

UMT5_XXL = {
    "vocab_size": 256384, "d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_layers": 24, "num_heads": 64,
    "feed_forward_proj": "gated-gelu", "is_encoder_decoder": False, "use_cache": False,
}  # fmt: skip
WAN_5B = {
    "patch_size": (1, 2, 2), "num_attention_heads": 24, "attention_head_dim": 128, "in_channels": 48,
    "out_channels": 48, "text_dim": 4096, "freq_dim": 256, "ffn_dim": 14336, "num_layers": 30,
    "cross_attn_norm": True, "qk_norm": "rms_norm_across_heads", "rope_max_seq_len": 1024, "image_dim": None,
}  # fmt: skip
WAN_A14B = {**WAN_5B, "num_attention_heads": 40, "ffn_dim": 13824, "num_layers": 40, "in_channels": 36,
            "out_channels": 16}  # fmt: skip
VAE_5B = {
    "base_dim": 160, "decoder_base_dim": 256, "z_dim": 48, "dim_mult": [1, 2, 4, 4], "num_res_blocks": 2,
    "temperal_downsample": [False, True, True], "is_residual": True, "in_channels": 12, "out_channels": 12,
    "patch_size": 2, "scale_factor_spatial": 16, "scale_factor_temporal": 4,
    "latents_mean": [0.0] * 48, "latents_std": [1.0] * 48,
}  # fmt: skip
VAE_A14B = {"base_dim": 96, "z_dim": 16, "dim_mult": [1, 2, 4, 4], "num_res_blocks": 2,
            "temperal_downsample": [False, True, True]}  # fmt: skip


def make(profile: str, folder: Path, steps: int | None, *, tiny: bool) -> Path:
    """Save a pipeline with random weights and its profile.

    Args:
        profile: "wan22-5b" or "wan22-a14b".
        steps: denoising steps of the profile; None: as it says.
        tiny: a few hundred kilobytes instead of tens of gigabytes.
    """
    if tiny:
        sys.path.insert(0, str(ROOT / "tests" / "afterframe"))
        small = importlib.import_module("diffusers_tiny")
        return Path(small.make(profile, folder, steps or small.STEPS))
    full_size(profile).save_pretrained(folder)
    if profile == "wan22-a14b":
        second_expert(folder)
    text = files("afterframe.generators.diffusers").joinpath("profiles", f"{profile}.toml").read_text("utf-8")
    if steps:
        text = re.sub(r"^steps = \d+$", f"steps = {steps}", text, count=1, flags=re.MULTILINE)
    (folder / "afterframe-model.toml").write_text(text, "utf-8")
    return folder


def full_size(profile: str) -> Any:
    """The pipeline, its weights on the GPU where there is one: drawing 10^10 numbers takes minutes elsewhere."""
    import diffusers
    import torch
    import transformers

    large = profile == "wan22-a14b"
    torch.manual_seed(0)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        transformer = bfloat16(diffusers.WanTransformer3DModel, **(WAN_A14B if large else WAN_5B))
        vae = diffusers.AutoencoderKLWan(**(VAE_A14B if large else VAE_5B)).eval()
        text_encoder = bfloat16(lambda: transformers.UMT5EncoderModel(transformers.UMT5Config(**UMT5_XXL)))
    scheduler = diffusers.UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0
    )
    return diffusers.WanImageToVideoPipeline(
        tokenizer=letters(),
        text_encoder=text_encoder,
        vae=vae,
        scheduler=scheduler,
        image_encoder=None,
        image_processor=None,
        transformer=transformer,
        boundary_ratio=0.9 if large else None,
        expand_timesteps=not large,
    )


def second_expert(folder: Path) -> None:
    """A14B's other transformer: the first one's files under another name, since its numbers do not matter."""
    (folder / "transformer_2").mkdir()
    for file in (folder / "transformer").iterdir():
        (folder / "transformer_2" / file.name).hardlink_to(file)
    index = json.loads((folder / "model_index.json").read_text("utf-8"))
    index["transformer_2"] = index["transformer"]
    (folder / "model_index.json").write_text(json.dumps(index, indent=2), "utf-8")


def bfloat16(kind: Any, **config: Any) -> Any:
    """A model whose weights are made in bfloat16 right away: float32 would need twice the memory."""
    import torch

    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        return kind(**config).eval()
    finally:
        torch.set_default_dtype(usual)


def letters() -> Any:
    """One token for each letter."""
    import transformers

    known = [chr(code) for code in range(33, 127)]
    pieces = [*((mark, 0.0) for mark in SPECIAL), ("▁", -2.0), *((letter, -3.0) for letter in known)]
    return transformers.T5TokenizerFast(vocab=pieces, extra_ids=0)
