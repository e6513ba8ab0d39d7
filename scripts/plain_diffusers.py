"""A plain diffusers script, as a user writes one: load the pipeline, animate photos one after the other.

The rival of `bench.py gpu`, which starts it: `python plain_diffusers.py JOB.json` reads {model, pipeline, precision,
full_precision, offload, call, fps, clips: [{photo, prompt, negative_prompt, seed, target}]} and prints a JSON line
for each clip.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.utils import export_to_video
from PIL import Image, ImageOps


def main(job: dict[str, Any]) -> None:
    """Load once, then animate every photo."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    usual = getattr(torch, job["precision"])
    dtype = {"default": usual, **dict.fromkeys(job["full_precision"], torch.float32)}
    pipeline = getattr(diffusers, job["pipeline"]).from_pretrained(job["model"], dtype=dtype, local_files_only=True)
    if job["offload"]:
        pipeline.enable_model_cpu_offload(device=device)
    else:
        pipeline.to(device)
    pipeline.set_progress_bar_config(disable=True)
    for clip in job["clips"]:
        print(json.dumps(animate(pipeline, clip, job["call"], job["fps"])), flush=True)


def animate(pipeline: Any, clip: dict[str, Any], call: dict[str, Any], fps: int) -> dict[str, float]:
    """One photo; what it took, seconds, and the peak memory of the GPU so far, GiB."""
    steps: list[float] = []

    def noted(_pipeline: Any, _number: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        steps.append(time.perf_counter())
        return tensors

    began = time.perf_counter()
    with Image.open(clip["photo"]) as opened:
        photo = ImageOps.fit(ImageOps.exif_transpose(opened).convert("RGB"), (call["width"], call["height"]))
    frames = pipeline(
        image=photo,
        prompt=clip["prompt"],
        negative_prompt=clip["negative_prompt"],
        generator=torch.Generator("cpu").manual_seed(clip["seed"]),
        callback_on_step_end=noted,
        **call,
    ).frames[0]
    made = time.perf_counter()
    export_to_video(frames, clip["target"], fps=fps)
    ended = time.perf_counter()
    return {
        "ended_at": time.time(),
        "clip_s": ended - began,
        "step_s": (steps[-1] - steps[0]) / max(1, len(steps) - 1),
        "export_s": ended - made,
        "peak_vram_gib": torch.cuda.max_memory_allocated() / (1 << 30) if torch.cuda.is_available() else 0.0,
    }


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text("utf-8")))
