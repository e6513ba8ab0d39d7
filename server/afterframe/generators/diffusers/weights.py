"""Where a model's weights are, whether they are complete, how much disk they take. Loads no model.

Weights are in the Hugging Face cache, which other programs share, or in a folder that the user named.
Only safetensors files are read: a pickle can run code.
"""

from __future__ import annotations

import importlib.util
import json
import os
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from afterframe.errors import GenerateError
from afterframe.generators.diffusers.profiles import Lora, ModelChoice, Profile, read_index
from afterframe.system.cli_hints import install_extra

MISSING_PACKAGES = install_extra("gpu")


@dataclass(frozen=True, slots=True)
class Stored:
    """A model that is on this machine."""

    folder: Path
    revision: str
    """The commit that was downloaded; empty for a folder of the user's."""


def packages_missing() -> list[str]:
    """What diffusers needs and is not installed."""
    needed = ("torch", "diffusers", "transformers", "accelerate", "safetensors", "ftfy")
    return [name for name in needed if importlib.util.find_spec(name) is None]


def require_packages() -> None:
    """Refuse to go on without what diffusers needs.

    Raises:
        GenerateError: packages are missing.
    """
    if missing := packages_missing():
        raise GenerateError(f"The GPU generator needs {', '.join(missing)}.", MISSING_PACKAGES, code="no_packages")


def cache_folder() -> Path:
    """The Hugging Face cache, found the way its own library finds it, without loading that."""
    if cache := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(cache).expanduser()
    home = os.environ.get("HF_HOME") or os.path.join(  # noqa: PTH118
        os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "huggingface"
    )
    return Path(home).expanduser() / "hub"


def repository_folder(repository: str) -> Path:
    """Where the cache keeps a repository."""
    return cache_folder() / ("models--" + repository.replace("/", "--"))


def find_snapshot(repository: str, revision: str) -> Stored | None:
    """A repository's downloaded revision; None when it is not there.

    The cache's layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
    """
    folder = repository_folder(repository)
    try:
        commit = (folder / "refs" / revision).read_text("utf-8").strip()
    except OSError:
        commit = revision
    snapshot = folder / "snapshots" / commit
    return Stored(snapshot, commit) if snapshot.is_dir() else None


def find(choice: ModelChoice) -> Stored | None:
    """Where the model's weights are; None: some or all of them have to be pulled."""
    if choice.folder:
        return Stored(choice.folder, "")
    stored = find_snapshot(choice.profile.repository, choice.profile.revision)
    if stored is None or missing_parts(stored.folder, choice.unused):
        return None
    return stored if all(find_lora(lora) for lora, _ in choice.loras) else None


def find_lora(lora: Lora) -> tuple[Path, ...] | None:
    """A LoRA's files, one for each expert; None when they have to be pulled."""
    if not lora.repository:
        return (Path(lora.file),)
    stored = find_snapshot(lora.repository, lora.revision)
    if stored is None:
        return None
    paths = tuple(stored.folder / name for name in (lora.file, lora.file_2) if name)
    return paths if all(path.is_file() for path in paths) else None


def require(choice: ModelChoice) -> Stored:
    """The complete weights.

    Raises:
        GenerateError: they are missing, cut short, or not safetensors.
    """
    profile = choice.profile
    stored = find(choice)
    if stored is None:
        raise GenerateError(
            f"The weights of {profile.title} are not (all) on this machine.",
            f"`afterframe models pull {choice.spec}` downloads about {profile.download_gb:.0f} GB.",
            code="no_weights",
        )
    if missing := missing_parts(stored.folder, choice.unused):
        raise GenerateError(
            f"The model in {stored.folder} is incomplete: {', '.join(missing)} has no safetensors weights.",
            "Download it again with its safetensors files; other formats are not read, because they can run code.",
            code="model_damaged",
        )
    for path in weight_files(stored.folder):
        check_whole(path)
    return stored


def parts_with_weights(folder: Path) -> list[str]:
    """The pipeline's parts that have weights, as model_index.json names them."""
    parts = [
        (name, value)
        for name, value in read_index(folder).items()
        if not name.startswith("_") and isinstance(value, list) and len(value) == 2 and value[0] is not None
    ]
    weightless = ("Tokenizer", "Scheduler", "Processor", "FeatureExtractor")
    return [name for name, (_, kind) in parts if not any(word in str(kind) for word in weightless)]


def missing_parts(folder: Path, unused: Collection[str] = ()) -> list[str]:
    """Parts whose weights are incomplete.

    Args:
        unused: parts that need not be there.
    """
    return [part for part in parts_with_weights(folder) if part not in unused and not _is_there(folder / part)]


def _is_there(part: Path) -> bool:
    shards = set()
    for index in part.glob("*.safetensors.index.json"):
        try:
            shards |= set(json.loads(index.read_text("utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError):
            return False
    return all((part / shard).is_file() for shard in shards) if shards else any(part.glob("*.safetensors"))


def weight_files(folder: Path) -> Iterator[Path]:
    """Every file of weights that a pipeline folder's parts hold."""
    for part in parts_with_weights(folder):
        yield from sorted((folder / part).glob("*.safetensors"))


def size_of(folder: Path) -> int:
    """Bytes of a model's weights."""
    return sum(path.stat().st_size for path in weight_files(folder))


def check_whole(path: Path) -> None:
    """Compare a file's length with its own header, without reading the weights.

    Format: 8 bytes length N (little endian), N bytes of JSON with each tensor's data_offsets, the data
    (https://huggingface.co/docs/safetensors/index#format).

    Raises:
        GenerateError: it is cut short or damaged.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length)) if length < 1 << 27 else {}
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        whole = path.stat().st_size == 8 + length + max(ends, default=0)
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        whole = False
    if not whole:
        raise GenerateError(
            f"{path} is cut short or damaged.",
            "Delete it and download the model again; `afterframe models pull` continues where it stopped.",
            code="model_damaged",
        )


def pulled(profiles: list[Profile]) -> list[Profile]:
    """Those whose weights are on this machine."""
    return [profile for profile in profiles if find(ModelChoice(profile)) is not None]
