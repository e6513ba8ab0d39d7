"""The same clip with another seed: for one more, or for a render that did not look right while it was made."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace

from afterframe.domain import CameraMovement, Job, Photo, Recipe
from afterframe.intake.composition import Basis
from afterframe.recipe import another_movement, with_values
from afterframe.state.queue import NewJob


def really_other(
    changes: Mapping[str, object], recipe: Recipe, generator: str | None, others: Iterable[Recipe]
) -> Mapping[str, object]:
    """The changes for one more clip; where only the seed is new and parallax makes it, it also moves in another way.

    Args:
        recipe: of the clip that it is made from.
        others: of the clips of its photo, and of those that are being made.
    """
    if generator != "parallax" or changes.keys() - {"seed"}:
        return changes
    moved = {other.camera_movement for other in others}
    ways = [another_movement(recipe, index) for index in range(1, len(CameraMovement))]
    unseen = [way for way in ways if way not in moved]
    return {**changes, "camera_movement": str((unseen or ways)[0])}


def with_another_seed(photo: Photo, maker: Job, others: Iterable[Recipe]) -> NewJob:
    """What to queue in a render's place.

    Args:
        others: as for :func:`really_other`.
    """
    changes = really_other({"seed": secrets.randbelow(2**31)}, maker.recipe, maker.generator, others)
    basis = Basis.from_dict(maker.basis or {})
    return NewJob(
        photo,
        with_values(maker.recipe, changes, "another seed, as you asked"),
        maker.generator,
        parent_clip=maker.parent_clip,
        basis=replace(basis, overrides={**basis.overrides, **changes}).to_dict(),
    )
