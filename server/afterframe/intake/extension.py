"""What it takes to make a clip longer: another part that begins with its last frame, as a new variant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from afterframe.domain import Clip
from afterframe.errors import UsageError
from afterframe.intake.ingest import RenderRequest
from afterframe.recipe import SETTINGS, validate

LONGEST_S = 120.0
"""Of a clip with all its parts, seconds."""


def extension_of(
    clip: Clip, seconds: float, generator: str, changes: dict[str, object] | None = None, **more: Any
) -> RenderRequest:
    """A request for a clip and another part after it.

    Args:
        seconds: how long the part is.
        changes: settings of the part that differ from the clip's, such as its prompt.
        more: further fields of the request.
    Raises:
        RecipeError: a part cannot be so long, or a setting cannot be used.
        UsageError: the clip would become too long.
    """
    if clip.duration_s + seconds > LONGEST_S:
        raise UsageError(
            f"{Path(clip.path).name} would become longer than {LONGEST_S:.0f} seconds.",
            "Ask for a shorter part.",
            code="too_long",
        )
    overrides: dict[str, object] = {
        **(changes or {}),
        "duration_s": seconds,
        "loop": False,
        "direction": "after",
        "variants": 1,
        "takes": 1,
        "end_photo": "",
    }
    validate([("the request", overrides)])
    refined = {name: value for name, value in clip.recipe.to_dict().items() if name in SETTINGS}
    return RenderRequest(overrides, refined, generator, parent_clip=clip.id, extends=clip.id, **more)
