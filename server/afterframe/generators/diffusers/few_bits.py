"""Transformers whose weights come in few bits: GGUF files that the user names, and repositories that were quantised.

GGUF (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md) holds tensors and plain values, no code. diffusers
loads it by ``from_single_file`` with the repository's configuration, and computes in the model's precision.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from afterframe.errors import GenerateError, NotFound
from afterframe.system.cli_hints import pip_install

SUFFIX = ".gguf"
_PACKAGES = {"torchao": "torchao", "bitsandbytes": "bitsandbytes", "gguf": "gguf", "quanto": "optimum.quanto"}
"""diffusers' name for a quantisation -> the package that loads it."""
_ON_PYPI = {"optimum.quanto": "optimum-quanto"}


def files_of(names: Sequence[str], title: str, experts: int, *, folders: bool) -> tuple[Path, ...]:
    """The files that replace the weights of a model's transformers, first expert first.

    Args:
        names: those that the user named.
        title: of the model.
        experts: how many transformers it has.
        folders: files of this machine may be named.
    Raises:
        NotFound: one is not there or may not be named, or their number is not that of the experts.
    """
    for name in names:
        if not folders or not Path(name).is_file():
            raise NotFound(f"There is no file “{name}”.", "Name a GGUF file of this machine.", code="no_model")
    if names and len(names) != experts:
        raise NotFound(
            f"{title} takes {experts} GGUF {'file' if experts == 1 else 'files'}, not {len(names)}.",
            "Name one for each transformer: where there are two, first the one for high noise, then for low noise.",
            code="no_model",
        )
    return tuple(Path(name).resolve() for name in names)


def load(file: Path, folder: Path, part: str, dtype: Any) -> Any:
    """A transformer with the configuration of a pipeline's part, and a GGUF file's weights.

    Raises:
        GenerateError: the package is missing, or the file does not fit the model.
    """
    import diffusers

    _require("gguf", f"{file.name} is a GGUF file.")
    kind = getattr(diffusers, json.loads((folder / "model_index.json").read_text("utf-8"))[part][1])
    try:
        return kind.from_single_file(
            str(file),
            config=str(folder),
            subfolder=part,
            quantization_config=diffusers.GGUFQuantizationConfig(compute_dtype=dtype),
            torch_dtype=dtype,
            local_files_only=True,
        )
    except (ValueError, KeyError, RuntimeError, IndexError, TypeError, AttributeError, OSError) as error:
        raise GenerateError(
            f"{file} cannot be loaded: {(str(error).strip().splitlines() or [type(error).__name__])[0][:200]}",
            "Name a GGUF file that was made from this very model; one that was cut short has to be downloaded again.",
            code="model_damaged",
        ) from error


def quantised_by(part: Path) -> str:
    """How a part's weights were quantised before they were published; empty: they were not."""
    try:
        config = json.loads((part / "config.json").read_text("utf-8"))
        return str(config.get("quantization_config", {}).get("quant_method", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def require_quantiser(part: Path) -> bool:
    """Whether a part's weights were quantised before they were published.

    Raises:
        GenerateError: what loads them is not installed.
    """
    method = quantised_by(part)
    if method:
        _require(method, f"{part} was quantised with {method}.")
    return bool(method)


def _require(method: str, why: str) -> None:
    package = _PACKAGES.get(method)
    if package is None:
        return  # diffusers knows it, or says that it does not
    parents = package.split(".")[0]
    if importlib.util.find_spec(parents) is None:
        raise GenerateError(
            why, f"Install what loads it: {pip_install(_ON_PYPI.get(package, package))}", code="no_packages"
        )
