"""Weights from the Hugging Face hub, in its own cache: list, download and remove models.

Only ``afterframe models pull`` uses the network.
"""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afterframe.errors import GenerateError, NotFound
from afterframe.generators.diffusers import few_bits, weights
from afterframe.generators.diffusers.profiles import Licence, ModelChoice, Profile, all_profiles, choose

DOWNLOADED = (".safetensors", ".json", ".txt", ".model", ".jinja")
"""The files of a model that are downloaded: weights that cannot run code, configurations, tokenizers."""
SPARE_BYTES = 2 << 30
"""Disk space that a download leaves free."""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model, as ``models list`` shows it."""

    choice: ModelChoice
    folder: Path | None
    """Where its weights are; None: not on this machine."""
    size: int
    """Bytes on disk."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        profile = self.choice.profile
        return {
            "name": profile.name,
            "title": profile.title,
            "repository": profile.repository,
            "licence": _licence_json(profile.licence),
            "download_gb": profile.download_gb,
            "vram_gb": [profile.plans[-1].vram_gb, profile.plans[0].vram_gb],
            "can_loop": profile.can_loop,
            "can_end": profile.can_end,
            "audio": profile.audio,
            "loras": [lora.name for lora in profile.loras],
            "folder": str(self.folder) if self.folder else None,
            "disk_bytes": self.size,
        }


def _licence_json(licence: Licence) -> dict[str, str]:
    return {"name": licence.name, "url": licence.url, "note": licence.words}


def entries(own: Path) -> list[ModelEntry]:
    """Every known model, and whether it is on this machine.

    Args:
        own: the folder of the user's profiles.
    """
    return [entry_of(ModelChoice(profile)) for profile in all_profiles(own)]


def entry_of(choice: ModelChoice) -> ModelEntry:
    """One model."""
    stored = weights.find(choice)
    return ModelEntry(choice, stored.folder if stored else None, weights.size_of(stored.folder) if stored else 0)


@dataclass(frozen=True, slots=True)
class Download:
    """What pulling a model would download."""

    choice: ModelChoice
    parts: tuple[tuple[str, str, tuple[str, ...]], ...]
    """(repository, revision, files) of the model and of its LoRAs."""
    size: int
    """Bytes of all of them."""
    missing: int
    """Bytes of those that are not here yet."""
    free: int
    """Bytes free on the cache's disk."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"download_bytes": self.size, "missing_bytes": self.missing, "free_bytes": self.free}


def plan_download(spec: str, own: Path) -> Download:
    """Ask the hub which files a model consists of; downloads its small index.

    Args:
        own: the folder of the user's profiles.
    Raises:
        NotFound: there is no such model.
        GenerateError: the hub cannot be reached, the licence has to be accepted, or the disk is too small.
    """
    choice = choose(spec, own, folders=few_bits.SUFFIX in spec.lower())
    if choice.folder:
        raise NotFound(f"{choice.folder} is on this machine.", "There is nothing to pull.", code="no_model")
    _need_library()
    from huggingface_hub import HfApi

    api = HfApi()
    parts: list[tuple[str, str, tuple[str, ...]]] = []
    size = missing = 0
    with _hub_errors(choice.profile):
        for repository, revision, wanted in _wanted(api, choice):
            info = api.model_info(repository, revision=revision, files_metadata=True)
            sizes = {file.rfilename: file.size or 0 for file in info.siblings or [] if wanted(file.rfilename)}
            parts.append((repository, revision, tuple(sizes)))
            size += sum(sizes.values())
            missing += sum(size for name, size in sizes.items() if not _is_here(repository, str(info.sha), name))
    cache = weights.cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    download = Download(choice, tuple(parts), size, missing, shutil.disk_usage(cache).free)
    _check_disk(download, cache)
    return download


def _check_disk(download: Download, cache: Path) -> None:
    if download.missing + SPARE_BYTES > download.free:
        raise GenerateError(
            f"{download.choice.profile.title} needs another {download.missing / 1e9:.1f} GB, but only "
            f"{download.free / 1e9:.1f} GB are free on the disk of {cache}.",
            "Free some space, or set HF_HOME to a folder on another disk.",
            code="disk_full",
        )


def _wanted(api: Any, choice: ModelChoice) -> Iterator[tuple[str, str, Any]]:
    """(repository, revision, which files) of the model and each of its LoRAs."""
    profile = choice.profile
    index_file = api.hf_hub_download(profile.repository, "model_index.json", revision=profile.revision)
    index = json.loads(Path(index_file).read_text("utf-8"))
    folders = {name for name, value in index.items() if isinstance(value, list) and value and value[0] is not None}
    folders -= set(profile.unused)
    configured = choice.unused - set(profile.unused)

    def of_model(name: str) -> bool:
        if name == "model_index.json":
            return True
        part, _, rest = name.partition("/")
        variant = rest.count(".") > 1 and rest.endswith(".safetensors")  # diffusion_pytorch_model.fp16.safetensors
        needed = (".json",) if part in configured else DOWNLOADED
        return part in folders and name.endswith(needed) and not variant

    yield profile.repository, profile.revision, of_model
    for lora, _ in choice.loras:
        if lora.repository:
            yield lora.repository, lora.revision, {lora.file, lora.file_2}.__contains__


def _is_here(repository: str, commit: str, name: str) -> bool:
    return (weights.repository_folder(repository) / "snapshots" / commit / name).is_file()


def pull(download: Download, *, quiet: bool = False) -> ModelEntry:
    """Download what is missing; an interrupted download continues where it stopped.

    Raises:
        GenerateError: it failed; the files that have arrived stay.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import disable_progress_bars

    if quiet:
        disable_progress_bars()
    choice = download.choice
    with _hub_errors(choice.profile):
        for repository, revision, files in download.parts:
            snapshot_download(repository, revision=revision, allow_patterns=list(files))
    weights.require(choice)
    return entry_of(choice)


def remove(spec: str, own: Path) -> int:
    """Delete a model's weights from the cache, and return how many bytes that freed.

    Args:
        own: the folder of the user's profiles.
    Raises:
        NotFound: there is no such model, or it is not here.
        GenerateError: it cannot be deleted.
    """
    choice = choose(spec, own, folders=False)
    _need_library()
    from huggingface_hub import scan_cache_dir

    repositories = {lora.repository for lora, _ in choice.loras} or {choice.profile.repository}
    with _hub_errors(choice.profile):
        cache = scan_cache_dir(weights.cache_folder()) if weights.cache_folder().is_dir() else None
        found = [repo for repo in cache.repos if repo.repo_id in repositories] if cache else []
        commits = [revision.commit_hash for repo in found for revision in repo.revisions]
        if cache is None or not commits:
            raise NotFound(
                f"{choice.profile.title} is not on this machine.", "There is nothing to do.", code="no_model"
            )
        deletion = cache.delete_revisions(*commits)
        deletion.execute()
    return int(deletion.expected_freed_size)


def _need_library() -> None:
    if importlib.util.find_spec("huggingface_hub") is None:
        raise GenerateError("Models need huggingface_hub.", weights.MISSING_PACKAGES, code="no_packages")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # we report errors ourselves


@contextmanager
def _hub_errors(profile: Profile) -> Iterator[None]:
    """Turns the hub's errors, and the disk's, into ours."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        yield
    except (HfHubHTTPError, OSError) as error:  # OSError: no connection, or the disk
        raise _translated(error, profile) from error


def _translated(error: Exception, profile: Profile) -> GenerateError:
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return GenerateError(
            f"The makers of {profile.title} ask you to accept their licence first ({profile.licence.name}).",
            f"Log in at {profile.licence.url}, accept it, then run `hf auth login` and pull again.",
            code="licence_not_accepted",
        )
    if isinstance(error, errors.RepositoryNotFoundError | errors.RevisionNotFoundError):
        return GenerateError(
            f"{profile.repository} ({profile.revision}) is not on the hub, or you have no access to it.",
            "Check repository and revision in its profile; a private one needs `hf auth login`.",
            code="no_weights",
        )
    if isinstance(error, errors.HfHubHTTPError | errors.LocalEntryNotFoundError | ConnectionError):
        return GenerateError(
            f"The hub cannot be reached: {str(error).strip().splitlines()[0][:200]}",
            "Check the connection and pull again: the files that are here already are kept.",
            code="no_connection",
        )
    return _disk_error(error)


def _disk_error(error: Exception) -> GenerateError:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return GenerateError(
            "The disk is full.",
            "Free some space and pull again: the files that are here already are kept.",
            code="disk_full",
        )
    return GenerateError(f"The cache cannot be written: {error}.", "Check the disk.", code="cache")
