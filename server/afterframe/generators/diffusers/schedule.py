"""The scheduler of a loaded pipeline, as the profile wants it: which noise levels a model's steps fall on.

A repository's own scheduler_config.json is not always the one that the makers' code uses; docs/models.md says where
they differ.
"""

from __future__ import annotations

from typing import Any

from afterframe.errors import ConfigError
from afterframe.generators.diffusers.profiles import Profile


def apply(profile: Profile, pipeline: Any) -> None:
    """Replace the pipeline's scheduler by one with the profile's settings.

    Raises:
        ConfigError: the scheduler has no such setting; diffusers itself would ignore it.
    """
    if not profile.scheduler:
        return
    scheduler = pipeline.scheduler
    known = [name for name in scheduler.config if not name.startswith("_")]
    if strangers := sorted(set(profile.scheduler) - set(known)):
        raise ConfigError(
            f"The profile {profile.name}: scheduler has {', '.join(strangers)}, "
            f"which {type(scheduler).__name__} does not know.",
            f"It knows {', '.join(sorted(known))}; see docs/models.md.",
        )
    pipeline.register_modules(scheduler=type(scheduler).from_config(scheduler.config, **profile.scheduler))
