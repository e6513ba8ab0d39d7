"""The model that ``auto`` uses: licences that are free for paid work first, then likeness to the photo, then speed."""

from __future__ import annotations

from pathlib import Path

from afterframe.errors import GenerateError
from afterframe.generators.diffusers import device as devices
from afterframe.generators.diffusers import weights
from afterframe.generators.diffusers.device import TorchDevice
from afterframe.generators.diffusers.profiles import ModelChoice, Profile, all_profiles


def candidates(own: Path) -> list[Profile]:
    """Models on this machine that ``auto`` may choose: not those whose licence nobody has read.

    Args:
        own: the folder of the user's profiles.
    """
    return [profile for profile in weights.pulled(all_profiles(own)) if profile.licence.paid_work != "unverified"]


def best_here(own: Path, device: TorchDevice | None = None) -> ModelChoice:
    """The best model whose weights are on this machine, and why; where none fits well, the one that needs least memory.

    Args:
        own: the folder of the user's profiles.
        device: where it will run; None: the best one that works.
    Raises:
        GenerateError: no weights that it may choose are on this machine, or packages are missing.
    """
    here = candidates(own)
    if not here:
        raise GenerateError(
            "No model that can be chosen by itself is on this machine.",
            "`afterframe models list` shows the models; `afterframe models pull NAME` downloads one. "
            "A model whose licence is unverified has to be named.",
            code="no_weights",
        )
    weights.require_packages()
    found = device or devices.find()
    fitting = [profile for profile in here if _usual_gb(profile) <= found.free_gb]
    if fitting:
        best = max(fitting, key=_rank)
        return ModelChoice(best, because=_reason(best, [other for other in fitting if other is not best]))
    least = min(here, key=lambda profile: min(plan.vram_gb for plan in profile.plans))
    return ModelChoice(least, because=f"it needs the least of the {found.free_gb:.0f} GB of memory that are free")


def _usual_gb(profile: Profile) -> float:
    """Memory with which it runs at a good pace: that of its second plan."""
    return profile.plans[min(1, len(profile.plans) - 1)].vram_gb


def _rank(profile: Profile) -> tuple[bool, int, float]:
    return profile.licence.paid_work == "free", profile.likeness, -_work(profile)


def _work(profile: Profile) -> float:
    """What a clip costs beside other models: passes through a model, each as dear as the model is large."""
    guided = any(float(value) > 1 for name, value in profile.parameters.items() if name.startswith("guidance_scale"))
    return profile.steps * (2 if guided else 1) * profile.download_gb


def _reason(best: Profile, others: list[Profile]) -> str:
    """Why it comes before the others that fit, in words."""
    if not others:
        return "it is the only model here that fits the free memory"
    free = best.licence.paid_work == "free"
    rivals = [other for other in others if (other.licence.paid_work == "free") == free]
    parts = []
    if free and len(rivals) < len(others):
        parts.append("its licence is free for paid work")
    if any(other.likeness < best.likeness for other in rivals):
        parts.append("its clips stay truer to the photo")
    if any(other.likeness == best.likeness for other in rivals):
        parts.append("it is quicker than others that are as true to the photo")
    return " and ".join(parts)
