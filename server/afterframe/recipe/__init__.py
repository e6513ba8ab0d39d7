"""Recipes: what kind of photo it is and how it should move, every value with its reason.

:func:`compose` makes one; :func:`validate` checks a person's settings. The rules stand in ``rules.toml``.
"""

from __future__ import annotations

from afterframe.recipe.classify import classify, own_words
from afterframe.recipe.compose import add_reason, another_movement, compose, with_values
from afterframe.recipe.prompt import add_description
from afterframe.recipe.rules import rules
from afterframe.recipe.settings import SETTINGS, Overrides, validate

__all__ = [
    "SETTINGS",
    "Overrides",
    "add_description",
    "add_reason",
    "another_movement",
    "classify",
    "compose",
    "own_words",
    "rules",
    "validate",
    "with_values",
]
