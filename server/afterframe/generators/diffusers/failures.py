"""Errors of diffusers, torch and the disk, as errors that a photographer understands."""

from __future__ import annotations

from afterframe.errors import AfterframeError, GenerateError, OutOfMemory
from afterframe.generators.diffusers.device import driver_error
from afterframe.system.cli_hints import install_extra

_DRIVER_WORDS = ("cuda driver", "nvidia driver", "no kernel image", "cuda initialization", "hip error", "cudnn_status")
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on the device or in the machine."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _MEMORY_WORDS)


def out_of_memory(title: str, plan: str, next_plan: str | None, smaller_plan: int | None) -> OutOfMemory:
    """The error for a plan that ran out of memory; the next plan, if there is one, is tried in a fresh process."""
    if next_plan is None:
        return OutOfMemory(
            f"{title}: memory ran out with “{plan}”, which needs the least.",
            "Choose a smaller size or a shorter clip, close other programs, or choose a smaller model.",
        )
    return OutOfMemory(
        f"{title}: memory ran out with “{plan}”; it continues with “{next_plan}”, which is slower.",
        "Nothing to do.",
        smaller_plan=smaller_plan,
    )


def translated(error: Exception, title: str, folder: str) -> AfterframeError | None:
    """The error as one of ours; None: it is not a known one."""
    said = str(error)
    lower = said.lower()
    if any(words in lower for words in _DRIVER_WORDS):
        return driver_error(said)
    kind = type(error).__name__
    if kind in ("SafetensorError", "EntryNotFoundError", "LocalEntryNotFoundError") or isinstance(error, OSError):
        return GenerateError(
            f"{title} in {folder} cannot be loaded: {_first_line(said)}",
            "Download it again: `afterframe models pull` fetches what is missing.",
            code="model_damaged",
        )
    if isinstance(error, ImportError):
        return GenerateError(
            f"{title} needs a package that is not installed: {_first_line(said)}",
            install_extra("gpu"),
            code="no_packages",
        )
    return None


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[0][:300]
