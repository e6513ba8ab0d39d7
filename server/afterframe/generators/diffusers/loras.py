"""The LoRAs of a loaded pipeline: those that the user named, and those that a quality may switch on."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from afterframe.errors import GenerateError
from afterframe.generators.diffusers import weights
from afterframe.generators.diffusers.profiles import Lora, ModelChoice


class PipelineLoras:
    """Loads them, before the pipeline's parts are placed, and says which of them count.

    Args:
        choice: the model and the LoRAs that always count.
        switched: those that count for some clips.
        fuse: what always counts becomes part of the weights; 8-bit weights would lose what it adds.
    """

    def __init__(self, pipeline: Any, choice: ModelChoice, switched: Collection[Lora], *, fuse: bool) -> None:
        self._pipeline = pipeline
        self._title = choice.profile.title
        self._always = [(name, weight) for lora, weight in choice.loras for name in self._load(lora)]
        if self._always:
            self._set(self._always)
            if fuse:
                parts = [name for name in ("transformer", "transformer_2") if getattr(pipeline, name, None) is not None]
                pipeline.fuse_lora(components=parts)
                pipeline.unload_lora_weights()
                self._always = []
        self._switched = {lora.name: [(name, lora.weight) for name in self._load(lora)] for lora in switched}
        self.use(())

    def use(self, loras: Iterable[tuple[Lora, float]]) -> None:
        """Let those of a clip count, of the ones that can be switched."""
        if not self._switched:
            return
        wanted = [pair for lora, _ in loras for pair in self._switched.get(lora.name, ())]
        if counting := [*self._always, *wanted]:
            self._pipeline.enable_lora()
            self._set(counting)
        else:
            self._pipeline.disable_lora()

    def _set(self, adapters: list[tuple[str, float]]) -> None:
        self._pipeline.set_adapters([name for name, _ in adapters], [weight for _, weight in adapters])

    def _load(self, lora: Lora) -> list[str]:
        """The adapters that it became: one for each file that fits a part of the pipeline."""
        paths = weights.find_lora(lora)
        assert paths is not None, "weights.require looked, or whoever switches it"
        names = []
        for number, path in enumerate(paths):
            weights.check_whole(path)
            names.append(f"{_adapter(lora.name)}_{number}")
            self._load_file(path, names[-1], {"load_into_transformer_2": True} if number else {})
        known = {name for found in self._pipeline.get_list_adapters().values() for name in found}
        return [name for name in names if name in known]

    def _load_file(self, path: Path, name: str, expert: dict[str, Any]) -> None:
        try:
            self._pipeline.load_lora_weights(
                str(path.parent), weight_name=path.name, adapter_name=name, local_files_only=True, **expert
            )
        except (ValueError, KeyError, RuntimeError, TypeError) as error:
            raise GenerateError(
                f"The LoRA {path.name} does not fit {self._title}: {str(error).splitlines()[0][:200]}",
                "Choose a LoRA that was made for this model.",
                code="bad_lora",
            ) from error


def _adapter(name: str) -> str:
    """A LoRA's name as peft takes it: no dots."""
    return "".join(c if c.isalnum() else "-" for c in name)
