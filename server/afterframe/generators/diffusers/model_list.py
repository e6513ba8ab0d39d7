"""The known models, which of them fit this machine's GPU, and which one ``auto`` chooses. Does not load torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from afterframe.generators.diffusers import device as devices
from afterframe.generators.diffusers import hub, weights
from afterframe.generators.diffusers.device import TorchDevice
from afterframe.generators.diffusers.profiles import ModelChoice, Profile
from afterframe.generators.diffusers.selection import best_here, candidates
from afterframe.system.cli_hints import program

FITS = ("whole", "slower", "no")
"""The whole model on the GPU at once; with a plan that needs less memory and more time; not at all."""


def list_models(own: Path) -> dict[str, Any]:
    """As JSON.

    Args:
        own: the folder of the user's profiles.
    Raises:
        ConfigError: a profile of the user cannot be used.
    """
    gpu = devices.reported()
    missing = weights.packages_missing()
    found = hub.entries(own)
    chosen = _chosen(own, gpu, missing)
    return {
        "gpu": {"name": gpu.name, "memory_gb": round(gpu.total_gb, 1)} if gpu else None,
        "packages_missing": missing,
        "install": weights.MISSING_PACKAGES if missing else "",
        "cache": str(weights.cache_folder()),
        "models": [
            {
                **entry.to_dict(),
                "fits": fits(entry.choice.profile, gpu),
                "auto": chosen is not None and entry.choice.profile.name == chosen.profile.name,
                "auto_because": chosen.because if chosen and entry.choice.profile.name == chosen.profile.name else "",
                "pull": f"{program()} models pull {entry.choice.profile.name}",
            }
            for entry in found
        ],
    }


def fits(profile: Profile, gpu: TorchDevice | None) -> str | None:
    """One of :data:`FITS`; None: there is no GPU, or its memory is not known."""
    if gpu is None or not gpu.total_gb:
        return None
    needs = [plan.vram_gb for plan in profile.plans]
    if needs[0] <= gpu.total_gb:
        return "whole"
    return "slower" if min(needs) <= gpu.total_gb else "no"


def _chosen(own: Path, gpu: TorchDevice | None, missing: list[str]) -> ModelChoice | None:
    """The model that ``auto`` chooses; None: none, or only torch can tell."""
    here = candidates(own)
    if gpu is None or missing or not here or not (gpu.total_gb or len(here) == 1):
        return None
    return best_here(own, gpu)
