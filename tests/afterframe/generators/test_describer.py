"""The describer on tiny vision-language models with random weights: made, saved and read as large ones are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterframe.errors import GenerateError
from afterframe.generators.describer import LONGEST, caption, normalise

torch = pytest.importorskip("torch")
transformers: Any = pytest.importorskip("transformers")

WORDS = ["<pad>", "<unk>", "<s>", "</s>", "<image>", "user", "assistant", "a", "dog", "on", "the", "beach"]
SMALL = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
SEES = {**SMALL, "image_size": 32, "patch_size": 8}
PICTURE = np.full((60, 80, 3), 90, np.uint8)


def likes(weight: Any, word: str) -> None:
    """Make a model say that word rather than another."""
    with torch.no_grad():
        weight[WORDS.index(word)] = 50.0


def words_for(**more: str) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers

    cut = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="<unk>"))
    cut.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    marks = {"unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=cut, **marks, **more)


def captioner(folder: Path) -> Path:
    """BLIP: is given a picture and says what it is."""
    from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

    spoken = {**SMALL, "vocab_size": len(WORDS), "encoder_hidden_size": 16, "max_position_embeddings": 96}
    ends = {"bos_token_id": 2, "eos_token_id": 3, "sep_token_id": 3, "pad_token_id": 0}
    config = transformers.BlipConfig(text_config={**spoken, **ends}, vision_config=SEES, projection_dim=16)
    model = transformers.BlipForConditionalGeneration(config)
    likes(model.text_decoder.cls.predictions.decoder.bias, "dog")
    model.save_pretrained(folder)
    seeing = BlipImageProcessorPil(size={"height": 32, "width": 32})
    transformers.BlipProcessor(seeing, words_for()).save_pretrained(folder)
    return folder


def chatter(folder: Path) -> Path:
    """LLaVA: is asked about a picture in a chat."""
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    talk = (
        "{% for m in messages %}{{ m['role'] }} {% for c in m['content'] %}{% if c['type'] == 'image' %}<image> "
        "{% else %}{{ c['text'] }} {% endif %}{% endfor %}{% endfor %}assistant"
    )
    text = transformers.LlamaConfig(
        **SMALL, vocab_size=len(WORDS), num_key_value_heads=2, pad_token_id=0, bos_token_id=2, eos_token_id=3
    )
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(**SEES), text_config=text, image_token_id=WORDS.index("<image>")
    )
    torch.manual_seed(0)
    model = transformers.LlavaForConditionalGeneration(config)
    for mark in WORDS[:5]:  # whatever else it says, a word
        model.lm_head.weight.data[WORDS.index(mark)] = 0.0
    model.lm_head.weight.data[WORDS.index("beach")] = -model.lm_head.weight.data[WORDS.index("dog")]
    model.save_pretrained(folder)
    seeing = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    transformers.LlavaProcessor(
        seeing, words_for(extra_special_tokens=["<image>"]), patch_size=8, vision_feature_select_strategy="default",
        chat_template=talk, num_additional_image_tokens=1,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def test_a_captioner_says_what_is_in_the_picture(tmp_path: Path) -> None:
    assert caption(PICTURE, captioner(tmp_path)).startswith("Dog dog")


def test_a_chat_model_answers_without_repeating_the_question(tmp_path: Path) -> None:
    said = caption(PICTURE, chatter(tmp_path))
    assert "user" not in said.lower()
    assert said.endswith(".")


def test_a_folder_without_a_model_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(GenerateError, match=tmp_path.name) as caught:
        caption(PICTURE, tmp_path)
    assert "vision.describer" in caught.value.hint


@given(st.text(max_size=1000))
def test_what_a_model_says_becomes_whole_sentences_on_one_line(answer: str) -> None:
    words = normalise(answer)
    assert len(words) <= LONGEST + 1
    assert "\n" not in words
    assert not words or words[-1] in ".!?"


def test_a_long_answer_is_cut_after_its_last_whole_sentence() -> None:
    assert normalise("a dog runs.  It is wet. " + "and " * 200) == "A dog runs.  It is wet.".replace("  ", " ")
