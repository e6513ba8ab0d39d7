"""The same clip with another seed, for a render that did not look right while it was made."""

from __future__ import annotations

import secrets
from dataclasses import replace

from afterframe.domain import Job, Photo
from afterframe.intake.composition import Basis
from afterframe.recipe import another_movement, with_values
from afterframe.state.queue import NewJob


def with_another_seed(photo: Photo, maker: Job) -> NewJob:
    """What to queue in a render's place; parallax, whose seeds differ too little to be seen, moves in another way."""
    changes: dict[str, object] = {"seed": secrets.randbelow(2**31)}
    if maker.generator == "parallax":
        changes["camera_movement"] = str(another_movement(maker.recipe, 1 + secrets.randbelow(5)))
    basis = Basis.from_dict(maker.basis or {})
    return NewJob(
        photo,
        with_values(maker.recipe, changes, "another seed, as you asked"),
        maker.generator,
        parent_clip=maker.parent_clip,
        basis=replace(basis, overrides={**basis.overrides, **changes}).to_dict(),
    )
