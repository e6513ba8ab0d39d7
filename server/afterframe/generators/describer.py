"""A vision-language model that describes photos without a caption. Off unless config.toml names its folder.

Any image-to-text model of transformers works: those that only caption (BLIP, GIT) and those that answer a question
in a chat (SmolVLM is Apache-2.0, and small enough for a CPU). Weights are read from the folder only, as safetensors;
none of their code is run.
"""

from __future__ import annotations

import functools
import importlib
import re
from pathlib import Path
from typing import Any

from PIL import Image

from afterframe.errors import GenerateError
from afterframe.imaging.frames import Pixels

QUESTION = "Describe what this photograph shows in one short, plain sentence."
LONGEST = 300
"""Longer descriptions are cut to this many characters, at the end of a sentence or word."""
_TOKENS = 60
SIDE = 768
"""Long side of the picture that the model gets, pixels; it resizes that itself."""


def caption(pixels: Pixels, weights: Path) -> str:
    """What a picture shows, in a sentence or two; empty when the model gives no answer.

    Args:
        pixels: uint8 sRGB (height, width, 3), upright.
        weights: a folder as ``save_pretrained`` writes it, with the files of its processor (tokenizer and the like).

    Raises:
        GenerateError: the folder has no model that can be loaded, or the model failed.
    """
    model, processor = _model(weights)
    picture = Image.fromarray(pixels)
    picture.thumbnail((SIDE, SIDE))
    try:
        return normalise(_answer(model, processor, picture))
    except (RuntimeError, ValueError, TypeError, KeyError) as error:
        raise GenerateError(
            f"The describer in {weights} failed: {error}.",
            "Remove vision.describer from config.toml, or name another model.",
            code="describer",
        ) from error


def normalise(answer: str) -> str:
    """A model's answer as part of a prompt: whole sentences on one line, of limited length."""
    words = re.sub(r"\s+", " ", answer).strip()
    if len(words) > LONGEST:
        cut = words[:LONGEST]
        end = max(cut.rfind(mark) for mark in ".!?")
        words = cut[: end + 1] if end > 0 else cut.rpartition(" ")[0]
    words = words[:1].upper() + words[1:]
    return words if not words or words.endswith((".", "!", "?")) else f"{words}."


@functools.lru_cache(maxsize=1)
def _model(weights: Path) -> tuple[Any, Any]:
    try:
        transformers: Any = importlib.import_module("transformers")
        here: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        processor = transformers.AutoProcessor.from_pretrained(str(weights), **here)
        model = transformers.AutoModelForImageTextToText.from_pretrained(str(weights), use_safetensors=True, **here)
    except (ImportError, OSError, ValueError, KeyError) as error:
        raise GenerateError(
            f"The describer in {weights} cannot be loaded.",
            "Remove vision.describer from config.toml, or name a folder with an image-to-text model of transformers: "
            "config.json, model.safetensors and the files of its processor.",
            code="describer",
        ) from error
    return model.eval(), processor


def _answer(model: Any, processor: Any, picture: Image.Image) -> str:
    import torch

    asked = 0
    if getattr(processor, "chat_template", None):
        content = [{"type": "image", "image": picture}, {"type": "text", "text": QUESTION}]
        given = processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
        asked = given["input_ids"].shape[1]  # the answer repeats the question
    else:
        given = processor(images=picture, return_tensors="pt")
    with torch.inference_mode():
        tokens = model.generate(**given, max_new_tokens=_TOKENS, do_sample=False)
    return str(processor.batch_decode(tokens[:, asked:], skip_special_tokens=True)[0])
