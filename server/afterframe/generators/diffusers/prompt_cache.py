"""Encoded prompts, kept on disk so that the text encoder need not stay loaded."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from afterframe.system.files import prune, replacing

MAX_CACHED = 128
"""Prompts on disk, about 4 MB each. The oldest are removed."""

Embeddings = dict[str, Any]
"""The pipeline's parameter -> its tensor."""


class PromptCache:
    """Embeddings of prompts, by model and text, as safetensors files.

    Args:
        folder: created with the first prompt.
    """

    def __init__(self, folder: Path, kept: int = MAX_CACHED) -> None:
        self._folder = folder
        self._kept = kept

    def get(self, model: str, text: str) -> Embeddings | None:
        """The kept embeddings; None: there are none, or the file is damaged."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        path = self._path(model, text)
        try:
            found: Embeddings = load_file(path)
            os.utime(path)
        except (OSError, SafetensorError):
            return None
        return found

    def put(self, model: str, text: str, embeddings: Embeddings) -> None:
        """Keep embeddings; a full disk is not an error."""
        from safetensors.torch import save_file

        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with replacing(self._path(model, text)) as part:
                save_file({key: value.contiguous().cpu() for key, value in embeddings.items()}, part)
            prune(self._folder, self._kept)

    def encoded(self, model: str, text: str, encode: Callable[[], Embeddings]) -> Embeddings:
        """The kept embeddings, else those from ``encode``, which are then kept."""
        found = self.get(model, text)
        if found is None:
            found = encode()
            self.put(model, text, found)
        return found

    def _path(self, model: str, text: str) -> Path:
        key = hashlib.sha256(f"{model}\0{text}".encode()).hexdigest()
        return self._folder / f"{key}.safetensors"
