"""From a photo that was read to its recipes, with whatever anybody has said about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from afterframe.config import Settings
from afterframe.domain import Recipe
from afterframe.intake.end_photo import refuse_for_many
from afterframe.intake.foreign_files import ForeignFiles
from afterframe.intake.photo_reader import Reading
from afterframe.recipe import another_movement, compose, own_words

Overrides = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Basis:
    """What a recipe was composed from, beyond the photo's pixels, the rules and config.toml.

    Kept with the render, so that it can be composed again when some of it changes before the render begins.
    """

    overrides: Overrides = field(default_factory=dict)
    """Recipe fields that somebody set for this photo."""
    refined: Overrides = field(default_factory=dict)
    """Those of the clip that this one refines."""
    varied: Overrides = field(default_factory=dict)
    """Those that make it another variant."""
    index: int = 0
    """Which variant of one request it is."""
    look: bool = False
    """The look that the camera gave is added to a prompt that somebody wrote."""
    extends: str = ""
    """The id of the clip that it begins with."""
    words: tuple[str, ...] = ()
    """The photo's title, caption and keywords."""
    folder: Overrides = field(default_factory=dict)
    """What the nearest afterframe.toml said."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str))
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of :meth:`to_dict`."""
        return cls(**{**data, "words": tuple(data.get("words", ()))})


@dataclass(frozen=True, slots=True)
class Composed:
    """A recipe, and what it came from."""

    recipe: Recipe
    basis: Basis


class Composer:
    """Composes recipes.

    Args:
        files: reads the afterframe.toml of the photo's folder.
    """

    def __init__(self, settings: Settings, files: ForeignFiles) -> None:
        self._config = settings.config
        self._files = files

    def compose(self, path: Path, reading: Reading, wanted: Basis = Basis()) -> Composed:
        """The recipe of a photo.

        Args:
            wanted: what somebody asks for; its words and folder are found out here.
        Raises:
            RecipeError: a setting cannot be used.
        """
        layers: list[tuple[str, Overrides]] = [("your words for this photo", wanted.overrides)]
        layers.append(("as in the clip that this one refines", wanted.refined))
        of_folder = self._files.folder_settings(path.parent)
        refuse_for_many([*of_folder, ("config.toml", self._config.recipe)])
        layers += of_folder
        layers.append(("your config.toml", self._config.recipe))
        layers.append(("another variant: another movement", wanted.varied))
        recipe = compose(
            reading.facts,
            reading.scene,
            reading.upright_size,
            photo_sha256=reading.sha256,
            overrides=layers,
            look=wanted.look,
        )
        if wanted.index:
            recipe = replace(recipe, seed=(recipe.seed + wanted.index) % 2**31)
        if wanted.extends:
            recipe = replace(recipe, extends=wanted.extends)
        folder = of_folder[0][1] if of_folder else {}
        return Composed(recipe, replace(wanted, words=own_words(reading.facts), folder=folder))

    def variants(self, path: Path, reading: Reading, wanted: Basis, generator: str) -> list[Composed]:
        """One recipe for each clip that is wanted; each has a seed of its own."""
        first = self.compose(path, reading, wanted)
        made = [first]
        for index in range(1, first.recipe.variants):
            varied: Overrides = {}
            if generator == "parallax":  # its seeds differ too little to be worth a clip
                varied = {"camera_movement": another_movement(first.recipe, index)}
            made.append(self.compose(path, reading, replace(wanted, varied=varied, index=index)))
        return [replace(one, recipe=replace(one.recipe, variants=1)) for one in made]

    def changed(self, path: Path, basis: Basis, words: tuple[str, ...]) -> list[str]:
        """What is not as it was when a recipe was composed: its ``words``, its folder's ``settings``.

        Raises:
            RecipeError: the folder's settings cannot be read.
        """
        of_folder = self._files.folder_settings(path.parent)
        now = replace(basis, folder=of_folder[0][1] if of_folder else {}).to_dict()["folder"]
        return ["words"] * (words != basis.words) + ["settings"] * (now != basis.to_dict()["folder"])
