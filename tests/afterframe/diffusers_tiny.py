"""Tiny image-to-video pipelines with random weights: the real classes, made and saved without any network.

Each folder brings the family's packaged profile with few steps, so that a clip takes seconds on a processor.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers

STEPS = 3
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;-_/()'\"!?%+*=&# "
WIDTH = 32
"""Of the text encoders' states."""


def make(family: str, folder: Path, steps: int = STEPS) -> Path:
    """Save the tiny pipeline of a profile under ``folder``, with its profile beside it."""
    pipeline = MAKERS[family]()
    pipeline.save_pretrained(folder)
    text = re.sub(r"^steps = \d+$", f"steps = {steps}", profile_text(family), count=1, flags=re.MULTILINE)
    (folder / "afterframe-model.toml").write_text(text, "utf-8")
    return folder


def profile_text(family: str) -> str:
    """The profile as it is written: the packaged one, or one that an earlier version brought."""
    kept = Path(__file__).with_name("kept_profiles") / f"{family}.toml"
    if kept.is_file():
        return kept.read_text("utf-8")
    return files("afterframe.generators.diffusers").joinpath("profiles", f"{family}.toml").read_text("utf-8")


def _seeded(kind: Callable[..., Any], **config: Any) -> Any:
    torch.manual_seed(0)
    return kind(**config).eval()


def _words() -> Any:
    """One token for each letter, so that different prompts stay different."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((letter, -3.0) for letter in LETTERS)]
    return transformers.T5TokenizerFast(vocab=pieces, extra_ids=0)


def _t5(kind: type, config: type) -> Any:
    shape = {"vocab_size": 256, "d_model": WIDTH, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 4}
    settings = config(**shape, feed_forward_proj="gated-gelu", is_encoder_decoder=False, use_cache=False)
    torch.manual_seed(0)
    return kind(settings).eval()


def _wan_transformer(seen: int, made: int) -> Any:
    return _seeded(
        diffusers.WanTransformer3DModel, patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12,
        in_channels=seen, out_channels=made, text_dim=WIDTH, freq_dim=32, ffn_dim=32, num_layers=2,
        cross_attn_norm=True, qk_norm="rms_norm_across_heads", rope_max_seq_len=256, image_dim=None,
    )  # fmt: skip


def _wan(vae: Any, flow_shift: float, **parts: Any) -> Any:
    return diffusers.WanImageToVideoPipeline(
        tokenizer=_words(),
        text_encoder=_t5(transformers.UMT5EncoderModel, transformers.UMT5Config),
        vae=vae,
        scheduler=diffusers.UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=flow_shift
        ),
        image_encoder=None,
        image_processor=None,
        **parts,
    )


def _wan_5b() -> Any:
    """Layout of Wan2.2-TI2V-5B: one transformer, a VAE with factor 16, the first frame kept by its timestep."""
    vae = _seeded(
        diffusers.AutoencoderKLWan, base_dim=3, z_dim=48, in_channels=12, out_channels=12, is_residual=True,
        patch_size=2, latents_mean=[0.0] * 48, latents_std=[1.0] * 48, dim_mult=[1, 1, 1, 1], num_res_blocks=1,
        scale_factor_spatial=16, scale_factor_temporal=4, temperal_downsample=[False, True, True],
    )  # fmt: skip
    return _wan(vae, 5.0, transformer=_wan_transformer(48, 48), transformer_2=None, expand_timesteps=True)


def _wan_a14b() -> Any:
    """Layout of Wan2.2-I2V-A14B: two experts, a last image, and the shift that diffusers' converter writes."""
    vae = _seeded(
        diffusers.AutoencoderKLWan, base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1,
        temperal_downsample=[False, True, True],
    )  # fmt: skip
    experts = {"transformer": _wan_transformer(36, 16), "transformer_2": _wan_transformer(36, 16)}
    return _wan(vae, 3.0, **experts, boundary_ratio=0.9, expand_timesteps=False)


def _ltx() -> Any:
    """LTX-Video with its real grid: 32 pixels, 8 frames."""
    transformer = _seeded(
        diffusers.LTXVideoTransformer3DModel, in_channels=8, out_channels=8, patch_size=1, patch_size_t=1,
        num_attention_heads=4, attention_head_dim=8, cross_attention_dim=WIDTH, num_layers=2, caption_channels=WIDTH,
    )  # fmt: skip
    vae = _seeded(
        diffusers.AutoencoderKLLTXVideo, in_channels=3, out_channels=3, latent_channels=8,
        block_out_channels=(8,) * 4, decoder_block_out_channels=(8,) * 4, layers_per_block=(1,) * 5,
        decoder_layers_per_block=(1,) * 5, spatio_temporal_scaling=(True, True, True, False),
        decoder_spatio_temporal_scaling=(True, True, True, False), decoder_inject_noise=(False,) * 5,
        upsample_residual=(False,) * 4, upsample_factor=(1,) * 4, timestep_conditioning=False, patch_size=4,
        patch_size_t=1, encoder_causal=True, decoder_causal=False,
    )  # fmt: skip
    return diffusers.LTXConditionPipeline(
        transformer=transformer,
        vae=vae,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        text_encoder=_t5(transformers.T5EncoderModel, transformers.T5Config),
        tokenizer=_words(),
    )


def _letters_for_gemma() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    marks = {"<pad>": 0, "<eos>": 1, "<bos>": 2, "<unk>": 3}
    vocabulary = {**marks, **{chr(code): code - 28 for code in range(32, 127)}}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 2)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", bos_token="<bos>", unk_token="<unk>",
        padding_side="left",
    )  # fmt: skip


def _gemma() -> Any:
    text = {
        "vocab_size": 256, "hidden_size": WIDTH, "intermediate_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16, "max_position_embeddings": 2048,
        "sliding_window": 64, "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2,
    }  # fmt: skip
    sight = {
        "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "image_size": 28, "patch_size": 14,
    }  # fmt: skip
    config = transformers.Gemma3Config(
        text_config=text, vision_config=sight, mm_tokens_per_image=4, image_token_index=250, boi_token_index=251,
        eoi_token_index=252,
    )  # fmt: skip
    torch.manual_seed(0)
    return transformers.Gemma3ForConditionalGeneration(config).eval()


def _ltx2_scheduler() -> Any:
    """As the repository of LTX-2 has it."""
    return diffusers.FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True, base_shift=0.95, max_shift=2.05, base_image_seq_len=1024, max_image_seq_len=4096,
        shift_terminal=0.1,
    )  # fmt: skip


def _ltx2() -> Any:
    """LTX-2 with sound: 16 kHz stereo."""
    from diffusers.pipelines.ltx2 import LTX2TextConnectors
    from diffusers.pipelines.ltx2.vocoder import LTX2Vocoder

    transformer = _seeded(
        diffusers.LTX2VideoTransformer3DModel, in_channels=4, out_channels=4, patch_size=1, patch_size_t=1,
        num_attention_heads=2, attention_head_dim=8, cross_attention_dim=16, audio_in_channels=4,
        audio_out_channels=4, audio_num_attention_heads=2, audio_attention_head_dim=4, audio_cross_attention_dim=8,
        num_layers=2, qk_norm="rms_norm_across_heads", caption_channels=WIDTH, rope_double_precision=False,
        rope_type="split",
    )  # fmt: skip
    connectors = _seeded(
        LTX2TextConnectors, caption_channels=WIDTH, text_proj_in_factor=3, video_connector_num_attention_heads=4,
        video_connector_attention_head_dim=8, video_connector_num_layers=1,
        video_connector_num_learnable_registers=None, audio_connector_num_attention_heads=4,
        audio_connector_attention_head_dim=8, audio_connector_num_layers=1,
        audio_connector_num_learnable_registers=None, connector_rope_base_seq_len=32, rope_theta=10_000.0,
        rope_double_precision=False, causal_temporal_positioning=False, rope_type="split",
    )  # fmt: skip
    vae = _seeded(
        diffusers.AutoencoderKLLTX2Video, in_channels=3, out_channels=3, latent_channels=4,
        block_out_channels=(8,) * 3, decoder_block_out_channels=(8,) * 3, layers_per_block=(1,) * 3,
        decoder_layers_per_block=(1,) * 4, spatio_temporal_scaling=(True,) * 3,
        decoder_spatio_temporal_scaling=(True,) * 3, decoder_inject_noise=(False,) * 4,
        downsample_type=("spatiotemporal",) * 3, upsample_residual=(False,) * 3, upsample_factor=(1,) * 3,
        timestep_conditioning=False, patch_size=4, patch_size_t=1, encoder_causal=True, decoder_causal=False,
    )  # fmt: skip
    audio_vae = _seeded(
        diffusers.AutoencoderKLLTX2Audio, base_channels=4, output_channels=2, ch_mult=(1,), num_res_blocks=1,
        attn_resolutions=None, in_channels=2, resolution=32, latent_channels=2, norm_type="pixel",
        causality_axis="height", dropout=0.0, mid_block_add_attention=False, sample_rate=16_000, mel_hop_length=160,
        is_causal=True, mel_bins=8,
    )  # fmt: skip
    vocoder = _seeded(
        LTX2Vocoder, in_channels=16, hidden_channels=16, out_channels=2, upsample_kernel_sizes=[4, 4],
        upsample_factors=[2, 2], resnet_kernel_sizes=[3], resnet_dilations=[[1, 3, 5]],
        leaky_relu_negative_slope=0.1, output_sampling_rate=16_000,
    )  # fmt: skip
    return diffusers.LTX2ImageToVideoPipeline(
        scheduler=_ltx2_scheduler(), vae=vae, audio_vae=audio_vae, text_encoder=_gemma(),
        tokenizer=_letters_for_gemma(), connectors=connectors, transformer=transformer, vocoder=vocoder,
        processor=None, prompt_enhancer=None, duration_head=None,
    )  # fmt: skip


def _cogvideox() -> Any:
    transformer = _seeded(
        diffusers.CogVideoXTransformer3DModel, num_attention_heads=2, attention_head_dim=16, in_channels=8,
        out_channels=4, time_embed_dim=2, text_embed_dim=WIDTH, num_layers=1, sample_width=12, sample_height=8,
        sample_frames=9, patch_size=2, temporal_compression_ratio=4, max_text_seq_length=226,
        use_rotary_positional_embeddings=True, use_learned_positional_embeddings=False,
    )  # fmt: skip
    vae = _seeded(
        diffusers.AutoencoderKLCogVideoX, in_channels=3, out_channels=3,
        down_block_types=("CogVideoXDownBlock3D",) * 4, up_block_types=("CogVideoXUpBlock3D",) * 4,
        block_out_channels=(8,) * 4, latent_channels=4, layers_per_block=1, norm_num_groups=2,
        temporal_compression_ratio=4,
    )  # fmt: skip
    return diffusers.CogVideoXImageToVideoPipeline(
        tokenizer=_words(),
        text_encoder=_t5(transformers.T5EncoderModel, transformers.T5Config),
        vae=vae,
        transformer=transformer,
        scheduler=diffusers.CogVideoXDDIMScheduler(),
    )


def _distilled_layers() -> dict[str, Any]:
    """A LoRA of the tiny A14B under the names that its makers and packers use: diffusion_model, lora_down, alpha."""
    sides = {f"self_attn.{part}": (24, 24) for part in "qkvo"} | {f"cross_attn.{part}": (24, 24) for part in "qkvo"}
    layers: dict[str, Any] = {}
    for block in range(2):
        for name, (seen, made) in sides.items():
            place = f"diffusion_model.blocks.{block}.{name}"
            layers[f"{place}.lora_down.weight"] = torch.randn(4, seen)
            layers[f"{place}.lora_up.weight"] = torch.randn(made, 4)
            layers[f"{place}.alpha"] = torch.tensor(4.0)
    return layers


def pull_lora(lora: Any, cache: Path) -> None:
    """Put a LoRA of the tiny A14B into a Hugging Face cache, as if it had been pulled."""
    from safetensors.torch import save_file

    repository = cache / ("models--" + lora.repository.replace("/", "--"))
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("c" * 40, "utf-8")
    torch.manual_seed(2)
    for file in (lora.file, lora.file_2):
        target = repository / "snapshots" / ("c" * 40) / file
        target.parent.mkdir(parents=True, exist_ok=True)
        save_file(_distilled_layers(), target)


MAKERS: dict[str, Callable[[], Any]] = {
    "wan22-5b": _wan_5b,
    "wan22-5b-turbo": _wan_5b,
    "wan22-a14b": _wan_a14b,
    "ltx-2b": _ltx,
    "ltx-13b": _ltx,
    "ltx2": _ltx2,
    "ltx25": _ltx2,
    "cogvideox": _cogvideox,
}
"""Profile -> what makes its tiny pipeline."""
